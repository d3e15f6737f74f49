// Threads for calls that would keep an I/O thread from its other connections. While all of them are
// busy, calls wait, each model's in a lane of its own, and are answered several at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/job_runner.hpp"

namespace aios::server {

struct WorkerLimits {
  std::size_t waiting_calls = 1024;                  // of one model
  std::size_t waiting_bytes = std::size_t{1} << 30;  // of the bodies of all, until their answers
  runtime::BatchBounds batch = {};
};

class Workers {
 public:
  // Called in a worker's thread. Where it throws, the call is answered by an error instead.
  using Deliver = JobRunner::Deliver;

  // `first_thread` is the first worker's number among all threads that answer.
  Workers(std::size_t count, std::size_t first_thread, const WorkerLimits& limits, Deliver deliver);
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False where too many calls of the model wait, or their bodies have too many bytes.
  bool submit(Job&& job);
  std::size_t waiting() const;
  // Answers what waits, and ends the threads.
  void stop();
  // Before stop(), where nobody can be told any more: takes no more calls, and forgets what waits.
  void drop();

 private:
  class Source;

  void work(std::size_t thread);
  // The next job, waited for, of the model whose turn it is; nothing after the last one.
  std::optional<Job> next();
  std::vector<Job> dropCancelled();

  const WorkerLimits limits_;
  const Deliver deliver_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  runtime::FairLanes<const ServedModel*, Job> lanes_;
  std::size_t waiting_bytes_ = 0;
  std::size_t idle_ = 0;
  std::size_t refused_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

// Starts a thread that takes no signal: those are for the program's own threads. Throws
// Error(kOverloaded) where the system has none left.
std::thread startThread(std::function<void()> run);

}  // namespace aios::server
