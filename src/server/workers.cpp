#include "server/workers.hpp"

#include <csignal>
#include <system_error>
#include <utility>

#include "aios/error.hpp"

namespace aios::server {
namespace {

constexpr std::size_t kMostWaitingBytes = std::size_t{1} << 30;

}  // namespace

Workers::Workers(std::size_t count, std::size_t first_thread, std::size_t capacity, Deliver deliver)
    : queue_(capacity), deliver_(std::move(deliver)) {
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
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool Workers::submit(Job&& job) {
  const std::size_t bytes = job.body.size();
  const bool fits = waiting_bytes_.fetch_add(bytes) + bytes <= kMostWaitingBytes;
  if (fits && queue_.push(std::move(job))) return true;
  waiting_bytes_ -= bytes;
  return false;
}

void Workers::work(std::size_t thread) {
  api::Caller caller(thread);
  while (std::optional<Job> job = queue_.take()) {
    const api::Call call{std::move(job->route), job->inference_header_length, job->body};
    deliver_(job->ticket, caller.answer(*job->model, call));
    waiting_bytes_ -= job->body.size();
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
