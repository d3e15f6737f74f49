#include "server/server.hpp"

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>

#include "core/fork.hpp"
#include "runtime/candidate.hpp"
#include "server/protocol/http2.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kMostThreads = 256;
constexpr std::chrono::milliseconds kDrainPoll{2};

ServerOptions checked(ServerOptions options) {
  for (const std::size_t threads : {options.io_threads, options.workers}) {
    if (threads >= 1 && threads <= kMostThreads) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "threads of a server: expected 1 to 256, got " + std::to_string(threads));
  }
  if (options.max_batch < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "max_batch: expected 1 or more, got " + std::to_string(options.max_batch));
  }
  // More would only wait for sessions of a model, and keep other models from being answered.
  options.workers = std::min(options.workers, runtime::sessionCapacity());
  return options;
}

std::unique_ptr<ClientLimits> limitsOf(const ClientRates& rates) {
  const bool is_limited = rates.requests_per_s != 0 || rates.connections != 0;
  return is_limited ? std::make_unique<ClientLimits>(rates) : nullptr;
}

// Waits until so many threads have done their part.
class Latch {
 public:
  explicit Latch(std::size_t expected) : missing_(expected) {}

  void done() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--missing_ == 0) complete_.notify_all();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    complete_.wait(lock, [&] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable complete_;
  std::size_t missing_;
};

}  // namespace

// A connection on its way to a loop.
struct Server::Placement {
  Placement(Descriptor from, std::unique_ptr<TlsStream> secured, std::atomic<std::size_t>& count)
      : socket(std::move(from)), tls(std::move(secured)), placing(count) {
    ++placing;
  }
  ~Placement() { --placing; }
  Placement(const Placement&) = delete;
  Placement& operator=(const Placement&) = delete;

  Descriptor socket;
  std::unique_ptr<TlsStream> tls;
  std::atomic<std::size_t>& placing;
};

Server::Server(const ServerOptions& options)
    : fork_generation_(forkGeneration()),
      options_(checked(options)),
      clients_(limitsOf(options.clients)),
      slow_lane_(options.waiting_requests),
      log_(options.log) {
  WorkerLimits limits;
  limits.waiting_calls = options_.waiting_calls;
  limits.batch.max_samples = options_.max_batch;
  workers_ = std::make_unique<Workers>(options_.workers, options_.io_threads, limits,
                                       [this](const Ticket& ticket, protocol::Answer answer) {
                                         respond(ticket, std::move(answer));
                                       });
  for (std::size_t i = 0; i < options.io_threads; ++i) {
    loops_.push_back(std::make_unique<Loop>(i, options.limits, *workers_, slow_lane_,
                                            clients_.get(), log_.isOn() ? &log_ : nullptr));
    Loop& loop = *loops_.back();
    loop.post([this, &loop] { loop.share(memory_); });
  }
}

Server::~Server() {
  if (isForked()) {
    // Their threads stayed in the parent.
    for (auto& loop : loops_) static_cast<void>(loop.release());
    static_cast<void>(workers_.release());
    for (SocketFile& file : socket_files_) file.release();
    return;
  }
  close();
  drain(std::chrono::milliseconds(0));
  // Else it would take as long as all that waits.
  workers_->drop();
  // Workers post to loops, and loops submit to workers: what comes too late finds a closed queue.
  workers_->stop();
  loops_.clear();
}

bool Server::isForked() const noexcept { return fork_generation_ != forkGeneration(); }

uint16_t Server::listen(const std::string& address, uint16_t port, bool secure) {
  Descriptor listener = server::listenAt(address, port);
  const uint16_t bound = portOf(listener);
  accept(std::move(listener), secure);
  return bound;
}

void Server::listenAt(const std::string& path, mode_t mode) {
  UnixListener listener = listenAtPath(path, mode);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    socket_files_.push_back(std::move(listener.file));
  }
  accept(std::move(listener.socket), false);
}

void Server::accept(Descriptor listener, bool secure) {
  // std::function copies what it holds.
  const auto shared = std::make_shared<Descriptor>(std::move(listener));
  Loop& first = *loops_.front();
  first.post([this, shared, secure, &first] {
    first.listen(std::move(*shared), [this, secure](Descriptor socket) {
      place(std::move(socket), secure ? newStream() : nullptr);
    });
  });
}

void Server::useCertificate(const TlsFiles& files) {
  // The first of a client that has both: what gRPC needs alone, it asks for alone.
  std::vector<std::string> protocols = {"http/1.1"};
  if (protocol::hasHttp2()) protocols.emplace_back("h2");
  auto context = std::make_shared<const TlsContext>(files, protocols);
  const std::lock_guard<std::mutex> lock(mutex_);
  tls_ = std::move(context);
}

std::unique_ptr<TlsStream> Server::newStream() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return tls_->accept();
}

// A connection goes to the loop that has the fewest.
void Server::place(Descriptor socket, std::unique_ptr<TlsStream> tls) {
  Loop& loop = **std::min_element(loops_.begin(), loops_.end(), [](const auto& a, const auto& b) {
    return a->connections() < b->connections();
  });
  if (&loop == loops_.front().get()) return loop.adopt(std::move(socket), std::move(tls));
  const auto placed = std::make_shared<Placement>(std::move(socket), std::move(tls), placing_);
  loop.post([placed, &loop] { loop.adopt(std::move(placed->socket), std::move(placed->tls)); });
}

std::shared_ptr<const ServedModel> Server::serve(std::string name, int64_t version,
                                                 std::shared_ptr<runtime::LoadedModel> model,
                                                 std::vector<std::string> class_labels) const {
  return std::make_shared<ServedModel>(std::move(name), version, std::move(model),
                                       options_.io_threads + options_.workers,
                                       std::move(class_labels));
}

void Server::use(const ServedModels& models, const std::map<std::string, Routing>& routing) {
  const auto table = std::make_shared<const ModelTable>(models, routing);
  // Destroyed here, where nobody waits for it.
  std::vector<std::shared_ptr<const ModelTable>> returned(loops_.size());
  inEachLoop([&](Loop& loop) { returned[loop.index()] = loop.use(table); });
}

void Server::protect(AccessPolicy policy) {
  const auto shared = std::make_shared<const AccessPolicy>(std::move(policy));
  inEachLoop([&](Loop& loop) { loop.protect(shared); });
}

void Server::inEachLoop(const std::function<void(Loop&)>& step) {
  if (isForked()) {
    throw Error(ErrorCode::kFailedPrecondition,
                "this process was forked after the server was started; start one in the child");
  }
  // The last one to be done may still hold it when this returns.
  const auto latch = std::make_shared<Latch>(loops_.size());
  for (const auto& each : loops_) {
    each->post([latch, &step, loop = each.get()] {
      step(*loop);
      latch->done();
    });
  }
  latch->wait();
}

std::optional<SlowRequest> Server::take() {
  std::optional<SlowRequest> request = slow_lane_.take();
  while (request.has_value() && request->ticket.isCancelled()) request = slow_lane_.take();
  return request;
}

void Server::respond(const Ticket& ticket, protocol::Answer answer) {
  if (ticket.loop >= loops_.size()) return;
  Loop& loop = *loops_[ticket.loop];
  loop.post([ticket, &loop, answer = std::move(answer)]() mutable {
    loop.complete(ticket, std::move(answer));
  });
}

void Server::close() {
  slow_lane_.close();
  log_.close();
}

bool Server::drain(std::chrono::milliseconds longest) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    socket_files_.clear();
  }
  for (const auto& each : loops_) {
    each->post([loop = each.get()] { loop->drain(); });
  }
  const auto deadline = std::chrono::steady_clock::now() + longest;
  const auto drains = [](const auto& loop) { return loop->isDraining(); };
  const auto is_empty = [](const auto& loop) { return loop->connections() == 0; };
  // In this order: the first loop, which accepts, gives its last connections away before it drains.
  const auto is_over = [&] {
    return std::all_of(loops_.begin(), loops_.end(), drains) && placing_ == 0 &&
           std::all_of(loops_.begin(), loops_.end(), is_empty);
  };
  while (!is_over()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kDrainPoll);
  }
  return true;
}

ServerTotals Server::totals() const {
  ServerTotals totals;
  for (const auto& loop : loops_) {
    const LoopCounters& counters = loop->counters();
    totals.connections += loop->connections();
    totals.accepted += counters.accepted.value();
    totals.refused += counters.refused.value();
    totals.timed_out += counters.timed_out.value();
    totals.bytes_in += counters.bytes_in.value();
    totals.bytes_out += counters.bytes_out.value();
  }
  totals.waiting_calls = workers_->waiting();
  totals.unlogged = log_.dropped();
  return totals;
}

}  // namespace aios::server
