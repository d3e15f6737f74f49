#include "server/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "aios/error.hpp"
#include "runtime/thread_budget.hpp"
#include "server/loop_client.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kReadBytes = 256 << 10;
constexpr int kEventsAtOnce = 128;
constexpr std::chrono::seconds kTick{1};
// For what a client still sends to an answer that ended its connection.
constexpr std::chrono::seconds kLinger{2};
constexpr uint64_t kWake = ~uint64_t{0};
// Ids below are listeners'; a connection's has its generation, from 1 on, in the upper half.
constexpr uint64_t kFirstConnection = uint64_t{1} << 32;

// Of one connection before a drain, so that one that sends for ever can't keep it from ending.
constexpr int kLastReads = 16;

bool control(const Descriptor& poll, int operation, int descriptor, uint32_t events, uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return ::epoll_ctl(poll.value(), operation, descriptor, &event) == 0;
}

}  // namespace

struct Loop::Listener {
  Descriptor socket;
  std::function<void(Descriptor)> place;
};

Loop::Loop(std::size_t index, const LoopLimits& limits, Workers& workers, SlowLane& slow_lane,
           ClientLimits* clients, RequestLog* log)
    : index_(index),
      limits_(limits),
      client_limits_(clients),
      dispatcher_(index, workers, slow_lane, !runtime::threadBudget().governs(1),
                  limits.http.body_bytes, clients),
      observer_(log == nullptr ? nullptr : std::make_unique<RequestObserver>(dispatcher_, *log)),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      buffer_(kReadBytes) {
  if (!poll_ || !wake_) {
    throw Error(ErrorCode::kOverloaded, "no descriptors are left for a server's I/O thread");
  }
  control(poll_, EPOLL_CTL_ADD, wake_.value(), EPOLLIN, kWake);
  thread_ = startThread([this] { run(); });
}

Loop::~Loop() {
  post([this] { stopping_ = true; });
  thread_.join();
}

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  static_cast<void>(!::write(wake_.value(), &one, sizeof one));
}

// Where memory is short, one connection is lost, and the others go on.
template <typename Step>
void Loop::orDrop(uint64_t id, const Step& step) {
  try {
    step();
  } catch (const std::bad_alloc&) {
    if (Client* const client = find(id); client != nullptr) remove(*client);
  }
}

void Loop::run() {
  std::array<epoll_event, kEventsAtOnce> events{};
  while (!stopping_) {
    const bool idle = open_ == 0 && !paused_;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(next_tick_ - Clock::now());
    const int timeout_ms = idle ? -1 : static_cast<int>(std::max<int64_t>(left.count() + 1, 0));
    const int count = ::epoll_wait(poll_.value(), events.data(), kEventsAtOnce, timeout_ms);
    now_ = Clock::now();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWake) {
        runPosted();
      } else {
        orDrop(event.data.u64, [&] { onEvent(event.data.u64, event.events); });
      }
    }
    if (now_ >= next_tick_) tick();
  }
  clients_.clear();
}

void Loop::runPosted() {
  uint64_t count = 0;
  static_cast<void>(!::read(wake_.value(), &count, sizeof count));
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) {
    try {
      task();
    } catch (const std::bad_alloc&) {
      // What it was about is lost: a connection that was to be taken, or an answer.
    }
  }
}

void Loop::onEvent(uint64_t id, uint32_t events) {
  if (id < kFirstConnection) {
    if (id < listeners_.size()) accept(listeners_[id]);
    return;
  }
  Client* const client = find(id);
  if (client == nullptr) return;
  // Who closes its side while it waits for an answer has left.
  const bool gone = (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
  if ((events & EPOLLIN) != 0) {
    read(*client);
  } else if (gone) {
    remove(*client);
  } else {
    settle(*client);
  }
}

void Loop::listen(Descriptor listener, std::function<void(Descriptor)> place) {
  control(poll_, EPOLL_CTL_ADD, listener.value(), EPOLLIN, listeners_.size());
  listeners_.push_back({std::move(listener), std::move(place)});
}

void Loop::accept(const Listener& listener) {
  bool exhausted = false;
  while (Descriptor socket = acceptFrom(listener.socket, exhausted)) {
    listener.place(std::move(socket));
  }
  if (!exhausted) return;
  paused_ = true;
  for (const Listener& each : listeners_) {
    control(poll_, EPOLL_CTL_DEL, each.socket.value(), 0, 0);
  }
}

void Loop::adopt(Descriptor socket, std::unique_ptr<TlsStream> tls) {
  const Peer peer = peerOf(socket);
  const auto index = static_cast<std::size_t>(socket.value());
  if (++generation_ == 0) ++generation_;
  const uint64_t id = uint64_t{generation_} << 32 | index;
  // All that needs memory comes before anything is counted.
  if (clients_.size() <= index) clients_.resize(index + 1);
  protocol::Service& service =
      observer_ != nullptr ? static_cast<protocol::Service&>(*observer_) : dispatcher_;
  auto client =
      std::make_unique<Client>(std::move(socket), peer, std::move(tls), id, service, limits_, now_);
  const bool is_full = open_ >= limits_.connections;
  if (is_full || (client_limits_ != nullptr && !client_limits_->connect(peer, now_))) {
    counters_.refused.add(1);
    return;
  }
  counters_.accepted.add(1);
  clients_[index] = std::move(client);
  // The clock of ticks may have stood still.
  if (++open_ == 1) next_tick_ = now_ + kTick;
  watchFirst(*clients_[index]);
  // It was accepted before.
  if (draining_) orDrop(id, [&] { drain(id); });
}

void Loop::watchFirst(Client& client) {
  client.watched = EPOLLIN;
  if (!control(poll_, EPOLL_CTL_ADD, client.socket.value(), EPOLLIN, client.id)) remove(client);
}

Loop::Client* Loop::find(uint64_t id) const {
  const uint64_t index = id & 0xFFFFFFFF;
  if (index >= clients_.size() || clients_[index] == nullptr) return nullptr;
  return clients_[index]->id == id ? clients_[index].get() : nullptr;
}

void Loop::prepare(const Client& client) {
  dispatcher_.setConnection(index_, client.id, client.peer);
  if (observer_ != nullptr) observer_->setConnection(client.id, client.peer);
}

bool Loop::read(Client& client) {
  const long count = readSome(client.socket, buffer_.data(), buffer_.size());
  if (client.lingering) {
    if (count < 0) remove(client);
    return count > 0;
  }
  if (count < 0 && client.connection->isWaiting()) {
    remove(client);
    return false;
  }
  if (count < 0) client.ended = true;
  if (count > 0) {
    const auto bytes = static_cast<std::size_t>(count);
    counters_.bytes_in.add(bytes);
    client.active = now_;
    prepare(client);
    feed(client, {buffer_.data(), bytes});
    if (auto successor = client.connection->takeSuccessor(); successor != nullptr) {
      client.connection = std::move(successor);
    }
  }
  settle(client);
  return count > 0;
}

void Loop::complete(const Ticket& ticket, protocol::Answer&& answer) {
  Client* const client = find(ticket.connection);
  if (client == nullptr) return;
  prepare(*client);
  if (observer_ != nullptr) observer_->complete(client->id, ticket.request, answer);
  orDrop(client->id, [&] {
    if (!client->connection->complete(ticket.request, std::move(answer))) return;
    client->active = now_;
    settle(*client);
  });
}

void Loop::settle(Client& client) {
  if (!flush(client)) return remove(client);
  const protocol::Connection& connection = *client.connection;
  if (!client.hasOutput()) {
    if (client.ended && !connection.isWaiting()) return remove(client);
    if (connection.isClosing()) return linger(client);
  }
  if (!client.isMidway() || connection.answered() != client.answered) {
    client.answered = connection.answered();
    client.began = now_;
  }
  watch(client);
}

void Loop::watch(Client& client) {
  const bool reads = client.connection->wantsInput() && !client.ended;
  const bool writes = client.hasOutput();
  const bool waits = !reads && client.connection->isWaiting();
  const uint32_t wanted =
      (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U) | (waits ? EPOLLRDHUP : 0U);
  if (wanted == client.watched) return;
  client.watched = wanted;
  control(poll_, EPOLL_CTL_MOD, client.socket.value(), wanted, client.id);
}

// Were the socket closed while bytes still come, the client might never see its answer.
void Loop::linger(Client& client) {
  if (client.ended) return remove(client);
  if (client.lingering) return;
  client.lingering = true;
  client.active = now_;
  farewell(client);
  ::shutdown(client.socket.value(), SHUT_WR);
  if (client.watched == EPOLLIN) return;
  client.watched = EPOLLIN;
  control(poll_, EPOLL_CTL_MOD, client.socket.value(), EPOLLIN, client.id);
}

void Loop::remove(Client& client) {
  --open_;
  if (client_limits_ != nullptr) client_limits_->disconnect(client.peer);
  if (observer_ != nullptr) observer_->forget(client.id);
  farewell(client);
  // epoll would go on telling of it where a forked child still holds the socket.
  control(poll_, EPOLL_CTL_DEL, client.socket.value(), 0, 0);
  clients_[static_cast<std::size_t>(client.socket.value())].reset();
}

void Loop::drain() {
  // Clients that the kernel has let in were promised an answer as much as those that are known.
  for (const Listener& each : listeners_) {
    orDrop(0, [&] { accept(each); });
  }
  for (const Listener& each : listeners_) {
    // Closing does not end them where a forked child still holds the socket.
    control(poll_, EPOLL_CTL_DEL, each.socket.value(), 0, 0);
    ::shutdown(each.socket.value(), SHUT_RDWR);
  }
  listeners_.clear();
  draining_ = true;
  for (const auto& client : clients_) {
    if (client == nullptr) continue;
    const uint64_t id = client->id;
    orDrop(id, [&] { drain(id); });
  }
}

void Loop::drain(uint64_t id) {
  // What has come was sent before its client could know of the end.
  for (int reads = 0; reads < kLastReads; ++reads) {
    Client* const client = find(id);
    if (client == nullptr) return;
    if (client->ended || !client->connection->wantsInput() || !read(*client)) break;
  }
  Client* const client = find(id);
  if (client == nullptr) return;
  client->connection->drain();
  // Nothing was said that the client could miss.
  const bool is_idle =
      !client->lingering && client->connection->isClosing() && !client->hasOutput();
  is_idle ? remove(*client) : settle(*client);
}

bool Loop::isOverdue(const Client& client) const {
  const protocol::Connection& connection = *client.connection;
  if (client.lingering) return now_ - client.active > kLinger;
  if (client.hasOutput()) return now_ - client.active > limits_.write_timeout;
  if (connection.isWaiting()) return false;
  if (client.isMidway()) return now_ - client.began > limits_.read_timeout;
  return now_ - client.active > limits_.idle_timeout;
}

void Loop::tick() {
  next_tick_ = now_ + kTick;
  for (const auto& client : clients_) {
    if (client == nullptr) continue;
    orDrop(client->id, [&] { tick(*client); });
  }
  if (!paused_) return;
  paused_ = false;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    control(poll_, EPOLL_CTL_ADD, listeners_[i].socket.value(), EPOLLIN, i);
  }
}

void Loop::tick(Client& client) {
  prepare(client);
  client.connection->tick(now_);
  if (isOverdue(client)) return timeOut(client);
  if (client.hasOutput() && !client.lingering) settle(client);
}

void Loop::timeOut(Client& client) {
  counters_.timed_out.add(1);
  if (client.lingering || client.hasOutput()) return remove(client);
  client.connection->timeOut();
  settle(client);
}

}  // namespace aios::server
