#include "server/workers.hpp"

#include <csignal>
#include <utility>

namespace aios::server {

Workers::Workers(std::size_t count, std::size_t first_thread, std::size_t capacity, Deliver deliver)
    : queue_(capacity), deliver_(std::move(deliver)) {
  for (std::size_t i = 0; i < count; ++i) {
    threads_.push_back(startThread([this, thread = first_thread + i] { work(thread); }));
  }
}

void Workers::stop() {
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::work(std::size_t thread) {
  api::Caller caller(thread);
  while (std::optional<Job> job = queue_.take()) {
    const api::Call call{std::move(job->route), job->inference_header_length, job->body};
    deliver_(job->ticket, caller.answer(*job->model, call));
  }
}

std::thread startThread(std::function<void()> run) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace aios::server
