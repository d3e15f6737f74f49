// Threads for calls that would keep an I/O thread from its other connections.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/api/caller.hpp"
#include "server/bounded_queue.hpp"
#include "server/protocol/connection.hpp"
#include "server/slow_lane.hpp"

namespace aios::server {

// A call that owns its body and its model.
struct Job {
  Ticket ticket;
  std::shared_ptr<const ServedModel> model;
  api::Route route;
  std::optional<std::size_t> inference_header_length;
  std::string body;
};

class Workers {
 public:
  // Called in a worker's thread.
  using Deliver = std::function<void(const Ticket&, protocol::Answer)>;

  // `first_thread` is the first worker's number among all threads that answer.
  Workers(std::size_t count, std::size_t first_thread, std::size_t capacity, Deliver deliver);
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False where too many calls wait, or their bodies have too many bytes.
  bool submit(Job&& job);
  std::size_t waiting() const { return queue_.size(); }
  // Answers what is queued, and ends the threads.
  void stop();

 private:
  void work(std::size_t thread);

  BoundedQueue<Job> queue_;
  std::atomic<std::size_t> waiting_bytes_ = 0;
  const Deliver deliver_;
  std::vector<std::thread> threads_;
};

// Starts a thread that takes no signal: those are for the program's own threads. Throws
// Error(kOverloaded) where the system has none left.
std::thread startThread(std::function<void()> run);

}  // namespace aios::server
