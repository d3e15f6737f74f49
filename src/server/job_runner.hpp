// What one worker does: answers a job, together with others of its model that wait.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/batch_limit.hpp"
#include "runtime/batcher.hpp"
#include "server/job.hpp"

namespace aios::server {

// Where more jobs of a model come from.
class JobSource {
 public:
  JobSource() = default;
  virtual ~JobSource() = default;
  JobSource(const JobSource&) = delete;
  JobSource& operator=(const JobSource&) = delete;

  // How many wait for this worker: those that others are free to take aren't among them.
  virtual std::size_t waiting(const ServedModel& model) = 0;
  // The most urgent of them; nothing if none waits any more.
  virtual std::optional<Job> take(const ServedModel& model) = 0;
};

// For one thread.
class JobRunner {
 public:
  using Deliver = std::function<void(const Ticket&, protocol::Answer)>;

  // What calls of a model take.
  using Times = std::function<runtime::BatchTimes(const runtime::Endpoint&)>;

  // `thread` says which of a model's counters are this thread's. `deliver` outlives the runner.
  JobRunner(std::size_t thread, const runtime::BatchBounds& bounds, const Deliver& deliver,
            Times times = runtime::timesOf);
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  // Delivers the answer to the job, and those to what it takes from `source`, as many as are worth
  // being put together with it. Each is answered, but those that nobody waits for; where there is
  // no memory for that, by saying so. Throws nothing.
  void run(Job&& job, JobSource& source);

 private:
  struct Reading;
  using ReadingPtr = std::unique_ptr<Reading>;

  // Null where the job was answered, or nobody waits for that.
  ReadingPtr read(Job&& job);
  // Answers it and those that join it; returns one that was read and doesn't.
  ReadingPtr answer(ReadingPtr first, JobSource& source);
  // How many samples to answer together, where there are so many already.
  int64_t limitFor(const Reading& first, int64_t samples, JobSource& source);
  void answerAlone(Reading& reading);
  void answerWhole(Reading& reading);
  void answerTogether(std::vector<ReadingPtr>& readings);
  void write(Reading& reading, Span<const TensorView> outputs);
  void deliver(Reading& reading, protocol::Answer&& answer);
  // Says that there is no memory for the answer.
  void giveUp(const Job& job) noexcept;
  ReadingPtr spare();

  const std::size_t thread_;
  const runtime::BatchBounds bounds_;
  const Deliver& deliver_;
  const Times times_;
  runtime::Batcher batcher_;
  std::size_t decisions_ = 0;
  std::vector<ReadingPtr> spares_;
};

}  // namespace aios::server
