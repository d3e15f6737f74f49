#include "server/job_runner.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <thread>
#include <utility>

namespace aios::server {
namespace {

using Clock = std::chrono::steady_clock;

// Every so often the largest batch that may be taken is.
constexpr std::size_t kExploreEvery = 32;

// Of the bodies, decompressed, of what is answered together: a small request may have a large one.
constexpr std::size_t kMostBodyBytes = std::size_t{64} << 20;

// Until others gave back as much memory as it takes to say that there is none.
constexpr int kAttempts = 100;
constexpr std::chrono::milliseconds kBetweenAttempts{10};

Clock::time_point deadlineOf(const Job& job) {
  return std::min(job.ticket.deadline, job.urgency.deadline);
}

void decompress(Job& job) {
  const api::BodyEncodings& encodings = job.route.encodings;
  if (encodings.request == wire::Encoding::kIdentity) return;
  job.body = wire::decompressed(encodings.request, job.body, encodings.most_bytes);
}

}  // namespace

// A job whose call was read. Stays where it is: its inputs may be in its job's body.
struct JobRunner::Reading {
  explicit Reading(JobRunner& of) : runner(of) {}
  // Also where an exception ends it, its client isn't left waiting.
  ~Reading() {
    if (is_due) runner.giveUp(job);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  int64_t samples() const noexcept { return workspace.batch(); }
  bool canBeTogether() const noexcept {
    return draft.endpoint != nullptr && samples() > 0 && draft.endpoint->answersSamplesAlone();
  }
  // Whether it may be answered with others, of so many samples so far.
  bool joins(const Reading& first, int64_t samples, int64_t limit) const {
    const int64_t together = samples + this->samples();
    return draft.endpoint == first.draft.endpoint && canBeTogether() && together <= limit &&
           runtime::canJoin(first.workspace.inputs(), workspace.inputs()) &&
           runtime::fitTogether(*draft.endpoint, first.workspace.inputs(), together);
  }

  JobRunner& runner;
  Job job;
  bool is_due = false;  // its client waits for the answer
  api::Workspace workspace;
  api::Draft draft;
  std::chrono::nanoseconds took{0};  // to read it
};

JobRunner::JobRunner(std::size_t thread, const runtime::BatchBounds& bounds, const Deliver& deliver,
                     Times times)
    : thread_(thread), bounds_(bounds), deliver_(deliver), times_(std::move(times)) {}

JobRunner::~JobRunner() = default;

void JobRunner::run(Job&& job, JobSource& source) {
  try {
    ReadingPtr reading = read(std::move(job));
    while (reading != nullptr) reading = answer(std::move(reading), source);
  } catch (...) {
    // What models throw is an answer: this is about memory, and who waited was told so.
  }
}

void JobRunner::giveUp(const Job& job) noexcept {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    try {
      deliver_(job.ticket, api::failed(job.route, std::make_exception_ptr(std::bad_alloc())));
      return;
    } catch (...) {
      std::this_thread::sleep_for(kBetweenAttempts);
    }
  }
}

JobRunner::ReadingPtr JobRunner::spare() {
  if (spares_.empty()) return std::make_unique<Reading>(*this);
  ReadingPtr reading = std::move(spares_.back());
  spares_.pop_back();
  return reading;
}

JobRunner::ReadingPtr JobRunner::read(Job&& job) {
  ReadingPtr reading;
  try {
    reading = spare();
  } catch (const std::bad_alloc&) {
    giveUp(job);
    return nullptr;
  }
  reading->job = std::move(job);
  reading->is_due = true;
  const Job& mine = reading->job;
  const ServedModel& model = *mine.model;
  const auto begin = Clock::now();
  model.executions(thread_).recordWait(begin - mine.arrived);
  if (mine.ticket.isCancelled()) {
    model.executions(thread_).countCancelled();
    reading->is_due = false;
    return nullptr;
  }
  if (deadlineOf(mine) < begin) {
    model.executions(thread_).countExpired();
    deliver(*reading, api::expired(mine.route));
    return nullptr;
  }
  try {
    decompress(reading->job);
    const api::Call call{mine.route, mine.inference_header_length, mine.body};
    reading->draft = api::read(model, call, reading->workspace);
  } catch (...) {
    deliver(*reading, api::failed(mine.route, std::current_exception()));
    return nullptr;
  }
  reading->took = Clock::now() - begin;
  return reading;
}

JobRunner::ReadingPtr JobRunner::answer(ReadingPtr first, JobSource& source) {
  int64_t samples = first->samples();
  std::size_t bytes = first->job.body.size();
  int64_t limit = limitFor(*first, samples, source);
  std::vector<ReadingPtr> together;
  together.push_back(std::move(first));
  ReadingPtr next;
  while (samples < limit && bytes < kMostBodyBytes) {
    std::optional<Job> job = source.take(*together.front()->job.model);
    if (!job.has_value()) break;
    ReadingPtr other = read(std::move(*job));
    if (other == nullptr) continue;
    if (!other->joins(*together.front(), samples, limit)) {
      next = std::move(other);
      break;
    }
    samples += other->samples();
    bytes += other->job.body.size();
    // Those that wait were taken for as large as the first.
    const bool is_larger = other->samples() > together.front()->samples();
    together.push_back(std::move(other));
    if (is_larger) limit = limitFor(*together.front(), samples, source);
  }
  if (together.size() == 1) {
    answerAlone(*together.front());
  } else {
    answerTogether(together);
  }
  for (ReadingPtr& reading : together) {
    reading->job = Job();
    reading->draft = api::Draft();
    spares_.push_back(std::move(reading));
  }
  return next;
}

int64_t JobRunner::limitFor(const Reading& first, int64_t samples, JobSource& source) {
  if (!first.canBeTogether()) return samples;
  const std::size_t others = source.waiting(*first.job.model);
  if (others == 0) return samples;
  runtime::WaitingCalls waiting;
  waiting.oldest = first.samples();
  waiting.samples = samples + first.samples() * static_cast<int64_t>(others);
  waiting.explore = ++decisions_ % kExploreEvery == 0;
  const auto deadline = deadlineOf(first.job);
  if (deadline != Clock::time_point::max()) {
    waiting.most_us = std::chrono::duration<double, std::micro>(deadline - Clock::now()).count();
  }
  const runtime::BatchTimes times = times_(*first.draft.endpoint);
  return runtime::batchLimit(times, waiting, bounds_);
}

void JobRunner::answerWhole(Reading& reading) {
  const auto begin = Clock::now();
  protocol::Answer answer = reading.draft.whole(reading.workspace);
  const api::Workspace& workspace = reading.workspace;
  const ServedModel& model = *reading.job.model;
  if (api::outcomeOf(answer) == Outcome::kOk) {
    model.executions(thread_).record({workspace.batch(), workspace.ranFrom() - begin,
                                      workspace.ranTo() - workspace.ranFrom(),
                                      Clock::now() - workspace.ranTo()});
    if (model.tap().isOn()) workspace.offerTo(model.tap());
  }
  deliver(reading, std::move(answer));
}

void JobRunner::answerAlone(Reading& reading) {
  if (reading.draft.endpoint == nullptr) return answerWhole(reading);
  ExecutionCounters& counters = reading.job.model->executions(thread_);
  const auto begin = Clock::now();
  try {
    const Span<const TensorView> outputs = reading.workspace.run(*reading.draft.endpoint);
    const auto ran = Clock::now();
    // Before the answer: who has it finds it counted.
    counters.record({reading.samples(), reading.took, ran - begin, {}});
    write(reading, outputs);
    counters.recordOutput(reading.samples(), Clock::now() - ran);
  } catch (...) {
    deliver(reading, api::failed(reading.job.route, std::current_exception()));
  }
}

void JobRunner::answerTogether(std::vector<ReadingPtr>& readings) {
  std::vector<runtime::BatchedCall> calls(readings.size());
  Execution execution;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].inputs = readings[i]->workspace.inputs();
    calls[i].samples = readings[i]->samples();
    execution.input += readings[i]->took;
  }
  const auto begin = Clock::now();
  batcher_.run(*readings.front()->draft.endpoint, calls);
  const auto ran = Clock::now();
  execution.infer = ran - begin;
  for (const runtime::BatchedCall& call : calls) {
    if (call.error == nullptr) execution.samples += call.samples;
  }
  ExecutionCounters& counters = readings.front()->job.model->executions(thread_);
  if (execution.samples != 0) counters.record(execution);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].error == nullptr) {
      write(*readings[i], calls[i].outputs);
    } else {
      deliver(*readings[i], api::failed(readings[i]->job.route, calls[i].error));
    }
  }
  if (execution.samples != 0) counters.recordOutput(execution.samples, Clock::now() - ran);
}

void JobRunner::write(Reading& reading, Span<const TensorView> outputs) {
  try {
    protocol::Answer answer = reading.draft.write(outputs);
    ShadowTap& tap = reading.job.model->tap();
    if (tap.isOn()) {
      tap.offer(*reading.draft.endpoint, reading.workspace.inputs(), outputs, reading.samples());
    }
    deliver(reading, std::move(answer));
  } catch (...) {
    deliver(reading, api::failed(reading.job.route, std::current_exception()));
  }
}

void JobRunner::deliver(Reading& reading, protocol::Answer&& answer) {
  const Job& job = reading.job;
  if (auto* const http = std::get_if<protocol::HttpAnswer>(&answer); http != nullptr) {
    api::compress(job.route.encodings, *http);
  }
  const CallKind kind = api::kindOf(job.route, *job.model, reading.workspace);
  job.model->counters(thread_).record(kind, api::outcomeOf(answer), reading.workspace.batch(),
                                      Clock::now() - job.arrived);
  deliver_(job.ticket, std::move(answer));
  reading.is_due = false;
}

}  // namespace aios::server
