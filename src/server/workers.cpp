#include "server/workers.hpp"

#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include "aios/error.hpp"

namespace aios::server {

namespace {

// While a lane is full, it is looked through for calls that nobody waits for after so many more.
constexpr std::size_t kLookEvery = 16;

}  // namespace

// What a worker takes for one answer, or for several together.
class Workers::Source final : public JobSource {
 public:
  explicit Source(Workers& workers) : workers_(workers) {}

  std::size_t waiting(const ServedModel& model) override {
    const std::lock_guard<std::mutex> lock(workers_.mutex_);
    // Each idle worker takes as many as this one.
    return workers_.lanes_.size(&model) / (workers_.idle_ + 1);
  }
  std::optional<Job> take(const ServedModel& model) override {
    const std::lock_guard<std::mutex> lock(workers_.mutex_);
    std::optional<Job> job = workers_.lanes_.take(&model);
    if (job.has_value()) bytes_ += job->body.size();
    return job;
  }
  // The bytes of what was taken.
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  Workers& workers_;
  std::size_t bytes_ = 0;
};

Workers::Workers(std::size_t count, std::size_t first_thread, const WorkerLimits& limits,
                 Deliver deliver)
    : limits_(limits), deliver_(std::move(deliver)) {
  threads_.reserve(count);
  try {
    for (std::size_t i = 0; i < count; ++i) {
      threads_.push_back(startThread([this, thread = first_thread + i] { work(thread); }));
    }
  } catch (...) {
    // No destructor runs, and those that did start use this object.
    stop();
    throw;
  }
}

void Workers::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::drop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  while (!lanes_.empty()) waiting_bytes_ -= lanes_.take(*lanes_.next())->body.size();
}

std::size_t Workers::waiting() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lanes_.size();
}

bool Workers::submit(Job&& job) {
  const ServedModel* const model = job.model.get();
  const runtime::Urgency urgency = job.urgency;
  const std::size_t bytes = job.body.size();
  std::vector<Job> dropped;  // destroyed without the lock
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return false;
    const bool is_full = lanes_.size(model) >= limits_.waiting_calls ||
                         waiting_bytes_ + bytes > limits_.waiting_bytes;
    if (is_full && refused_++ % kLookEvery == 0) dropped = dropCancelled();
    if (waiting_bytes_ + bytes > limits_.waiting_bytes ||
        !lanes_.push(model, std::move(job), urgency, limits_.waiting_calls)) {
      return false;
    }
    waiting_bytes_ += bytes;
  }
  changed_.notify_one();
  return true;
}

// The client left: it costs nothing more.
std::vector<Job> Workers::dropCancelled() {
  std::vector<Job> dropped = lanes_.remove([](const Job& job) { return job.ticket.isCancelled(); });
  for (const Job& job : dropped) waiting_bytes_ -= job.body.size();
  return dropped;
}

std::optional<Job> Workers::next() {
  std::unique_lock<std::mutex> lock(mutex_);
  ++idle_;
  changed_.wait(lock, [&] { return closed_ || !lanes_.empty(); });
  --idle_;
  if (lanes_.empty()) return std::nullopt;
  return lanes_.take(*lanes_.next());
}

void Workers::work(std::size_t thread) {
  JobRunner runner(thread, limits_.batch, deliver_);
  while (std::optional<Job> job = next()) {
    // Kept until the model's time was counted: its lane goes by its address.
    const std::shared_ptr<const ServedModel> model = job->model;
    const std::size_t bytes = job->body.size();
    Source source(*this);
    const auto begin = std::chrono::steady_clock::now();
    runner.run(std::move(*job), source);
    const auto took = std::chrono::steady_clock::now() - begin;
    const std::lock_guard<std::mutex> lock(mutex_);
    lanes_.charge(model.get(), std::chrono::duration<double, std::micro>(took).count());
    waiting_bytes_ -= bytes + source.bytes();
  }
}

std::thread startThread(std::function<void()> run) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(std::move(run));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (const std::system_error& error) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw Error(ErrorCode::kOverloaded,
                std::string("no thread is left for the server: ") + error.what() +
                    "; ask for fewer io_threads and workers, or raise the limit of threads");
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

}  // namespace aios::server
