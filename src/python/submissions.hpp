// Calls that were submitted: they wait for a thread, and are answered several at a time where the
// model allows that.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "cell.hpp"
#include "runtime/batcher.hpp"

namespace aios::python {

// Its state is read and written under the GIL only.
class Submissions {
 public:
  // At most so many threads answer at a time.
  explicit Submissions(std::size_t threads);
  ~Submissions();
  Submissions(const Submissions&) = delete;
  Submissions& operator=(const Submissions&) = delete;

  // Takes a call, of which `future` (a concurrent.futures.Future) gets the answer. Returns whether
  // one more thread has to answer(). Throws what is wrong with the call.
  bool add(const Cell& cell, nanobind::handle x, bool copy, nanobind::handle signature,
           nanobind::handle future);
  // Takes the last call back, for which no thread could be started.
  void withdraw();
  // Answers what waits, oldest first, until nothing does.
  void answer();

 private:
  struct Submission;
  using Group = std::vector<std::unique_ptr<Submission>>;

  // The oldest call with those after it that are worth being put together with it; empty once none
  // waits.
  Group takeGroup();
  void takeMore(Group& group);
  int64_t limitFor(const Submission& first);
  void answerGroup(Group& group);
  std::unique_ptr<runtime::Batcher> spareBatcher();

  const std::size_t threads_;
  std::deque<std::unique_ptr<Submission>> waiting_;
  std::size_t answering_ = 0;  // threads, of which so many
  std::size_t coming_ = 0;     // have not begun
  std::size_t decisions_ = 0;
  std::vector<std::unique_ptr<runtime::Batcher>> spare_batchers_;
};

}  // namespace aios::python
