#include "submissions.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "call_arrays.hpp"
#include "runtime/batch_limit.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

// Every so often the largest batch that may be taken is.
constexpr std::size_t kExploreEvery = 32;

nb::object raised() {
  const nb::python_error error;  // takes what is set
  return nb::borrow(error.value());
}

// As an exception of Python's.
nb::object exceptionOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (nb::python_error& python) {
    return nb::borrow(python.value());
  } catch (const Error& told) {
    setPythonError(told);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& other) {
    setPythonError({ErrorCode::kInternal, other.what()});
  }
  return raised();
}

// Whoever waits for the future is woken, and its callbacks run.
void settle(const nb::object& future, const char* how, const nb::object& value) {
  try {
    future.attr(how)(value);
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("a submitted call's future");
  }
}

}  // namespace

struct Submissions::Submission {
  const Signature& signature() const { return endpoint->signature(); }
  bool canBeTogether() const { return samples > 0 && endpoint->answersSamplesAlone(); }
  void fail(const std::exception_ptr& error) const {
    settle(future, "set_exception", exceptionOf(error));
  }
  void succeed() const {
    const nb::object result = endpoint->outputShapesAreKnown()
                                  ? asResult(outputs, signature(), as_dict, arrayOf)
                                  : asResult(answers, signature(), as_dict, copiedArray);
    settle(future, "set_result", result);
  }

  std::shared_ptr<runtime::LoadedModel> model;
  runtime::Endpoint* endpoint;
  Arrays inputs;
  std::vector<TensorView> views;
  int64_t samples;
  bool as_dict;
  nb::object future;
  Arrays outputs;               // where their shapes are known before
  std::vector<Tensor> answers;  // else
};

Submissions::Submissions(std::size_t threads) : threads_(threads) {}

Submissions::~Submissions() = default;

bool Submissions::add(const Cell& cell, nb::handle x, bool copy, nb::handle signature,
                      nb::handle future) {
  auto call = std::make_unique<Submission>();
  call->model = cell.model();
  call->endpoint = &endpointOf(*call->model, signature);
  call->inputs = borrowInputs(call->signature(), x, copy);
  call->views = viewsOf(call->inputs);
  call->samples = checkInputs(call->signature(), call->views);
  call->as_dict = PyDict_Check(x.ptr());
  call->future = nb::borrow(future);
  waiting_.push_back(std::move(call));
  if (answering_ == threads_) return false;
  ++answering_;
  ++coming_;
  return true;
}

void Submissions::withdraw() {
  --answering_;
  --coming_;
  if (!waiting_.empty()) waiting_.pop_back();
}

void Submissions::answer() {
  const InCall in_call;
  --coming_;
  for (Group group = takeGroup(); !group.empty(); group = takeGroup()) answerGroup(group);
  --answering_;
}

Submissions::Group Submissions::takeGroup() {
  Group group;
  while (!waiting_.empty() && group.empty()) {
    std::unique_ptr<Submission> first = std::move(waiting_.front());
    waiting_.pop_front();
    if (nb::cast<bool>(first->future.attr("set_running_or_notify_cancel")())) {
      group.push_back(std::move(first));
    }
  }
  if (!group.empty() && group.front()->canBeTogether()) takeMore(group);
  return group;
}

void Submissions::takeMore(Group& group) {
  const Submission& first = *group.front();
  const int64_t limit = limitFor(first);
  int64_t samples = first.samples;
  while (samples < limit && !waiting_.empty()) {
    const Submission& next = *waiting_.front();
    if (next.endpoint != first.endpoint || next.samples + samples > limit ||
        !next.canBeTogether() || !runtime::canJoin(first.views, next.views) ||
        !runtime::fitTogether(*first.endpoint, first.views, samples + next.samples)) {
      return;
    }
    std::unique_ptr<Submission> taken = std::move(waiting_.front());
    waiting_.pop_front();
    if (!nb::cast<bool>(taken->future.attr("set_running_or_notify_cancel")())) continue;
    samples += taken->samples;
    group.push_back(std::move(taken));
  }
}

int64_t Submissions::limitFor(const Submission& first) {
  // Each thread that is on its way takes as many as this one.
  const std::size_t others = waiting_.size() / (coming_ + 1);
  if (others == 0) return first.samples;
  runtime::WaitingCalls waiting;
  waiting.oldest = first.samples;
  waiting.samples = first.samples * static_cast<int64_t>(1 + others);
  waiting.explore = ++decisions_ % kExploreEvery == 0;
  return runtime::batchLimit(runtime::timesOf(*first.endpoint), waiting, {});
}

std::unique_ptr<runtime::Batcher> Submissions::spareBatcher() {
  if (spare_batchers_.empty()) return std::make_unique<runtime::Batcher>();
  std::unique_ptr<runtime::Batcher> batcher = std::move(spare_batchers_.back());
  spare_batchers_.pop_back();
  return batcher;
}

void Submissions::answerGroup(Group& group) try {
  runtime::Endpoint& endpoint = *group.front()->endpoint;
  const bool shapes_are_known = endpoint.outputShapesAreKnown();
  std::vector<runtime::BatchedCall> calls(group.size());
  int64_t samples = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Submission& call = *group[i];
    if (shapes_are_known) call.outputs = outputsFor(call.signature(), nb::none(), call.samples);
    calls[i].inputs = call.views;
    calls[i].samples = call.samples;
    calls[i].outputs = viewsOf(call.outputs);
    samples += call.samples;
  }
  std::unique_ptr<runtime::Batcher> batcher = spareBatcher();
  withoutGilIfLong(group.front()->model, endpoint, samples, [&] {
    if (!shapes_are_known) {
      group.front()->answers = endpoint.infer(group.front()->views);
    } else if (samples != 0) {
      batcher->run(endpoint, calls);
    }
  });
  spare_batchers_.push_back(std::move(batcher));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].error == nullptr ? group[i]->succeed() : group[i]->fail(calls[i].error);
  }
} catch (...) {
  const std::exception_ptr error = std::current_exception();
  for (const auto& call : group) {
    if (!nb::cast<bool>(call->future.attr("done")())) call->fail(error);
  }
}

void bindSubmissions(nb::module_& module) {
  nb::class_<Submissions>(module, "Submissions",
                          "Calls that wait for threads, which answer several at a time.")
      .def(nb::init<std::size_t>(), nb::arg("threads"))
      .def("add", &Submissions::add, nb::arg("cell"), nb::arg("x").none(), nb::arg("copy"),
           nb::arg("signature").none(), nb::arg("future"),
           nb::sig("def add(self, cell: Cell, x: object, copy: bool, signature: str | None, "
                   "future: object) -> bool"),
           "Takes a call; whether one more thread has to answer(). Raises what is wrong with it.")
      .def("withdraw", &Submissions::withdraw,
           "Takes the last call back, for which no thread could be started.")
      .def("answer", &Submissions::answer, "Answers what waits until nothing does.");
}

}  // namespace aios::python
