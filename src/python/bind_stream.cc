#include "aios/error.hpp"
#include "call_arrays.hpp"
#include "stream.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

// Marks a stream as in use for as long as it lives.
class Turn {
 public:
  explicit Turn(bool& taken) : taken_(taken) { taken_ = true; }
  ~Turn() { taken_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  bool& taken_;
};

// Any mapping, as numpy.load's too.
nb::dict asDict(nb::handle state) {
  try {
    return nb::cast<nb::dict>(nb::module_::import_("builtins").attr("dict")(state));
  } catch (const nb::python_error&) {
    throw Error(ErrorCode::kInvalidArgument,
                "state: expected arrays by name, as save() gave them, got " +
                    nb::cast<std::string>(nb::repr(state)));
  }
}

Arrays answersFor(const Signature& signature, const runtime::Stream::Block& block, nb::handle out) {
  if (!out.is_none()) return outputsFor(signature, out, 0);
  Arrays arrays;
  arrays.reserve(signature.outputs.size());
  for (const TensorSpec& spec : signature.outputs) {
    std::vector<int64_t> shape = spec.shape;
    shape[1] = block.frames;
    if (!block.has_time) shape.erase(shape.begin() + 1);
    arrays.push_back(newArray(spec.dtype, shape));
  }
  return arrays;
}

constexpr char kStreamDoc[] =
    R"(A model that answers frame by frame and keeps its state from one to the next.

Made by `bridge.stream(batch=1)`; a context manager. It keeps its model, also after the bridge has
closed or loaded another. For one thread at a time.)";

constexpr char kStepDoc[] = R"(Answers the next frame, or the next frames.

Args:
    x: One frame [batch, features…] or a block of frames [batch, frames, features…] for each input:
        an array for the only input, else a dict by name.
    out: Writable C-contiguous array (or dict of them) that takes the answer; it is returned.

Returns:
    An answer for each frame, with a time axis where `x` has one: an array for one output, a dict by
    name for more, or when `x` is a dict.

Raises:
    InvalidArgumentError: A tensor doesn't fit; the message names it, and the stream is as it was.
    FailedPreconditionError: The stream is closed, in use in another thread, or was opened before a
        fork.)";

constexpr char kSaveDoc[] = R"(The state as it is now, as a dict of new arrays [batch, …].

They may be stored, as by numpy.savez, and restored in a stream of the same bundle and batch.)";

constexpr char kRestoreDoc[] = R"(Goes on from a state that `save` gave.

Raises:
    InvalidArgumentError: An array is missing, unknown, or of another dtype or shape; the stream is
        as it was.)";

}  // namespace

Stream::Stream(std::shared_ptr<runtime::LoadedModel> model, int64_t batch) {
  const WithoutGil released;
  stream_ = std::make_unique<runtime::Stream>(*model, batch);
}

runtime::Stream& Stream::open() const {
  if (stepping_) {
    throw Error(ErrorCode::kFailedPrecondition,
                "the stream is in use in another thread; open one for each thread");
  }
  if (stream_) return *stream_;
  throw Error(ErrorCode::kFailedPrecondition,
              "the stream is closed; open another one with bridge.stream()");
}

nb::object Stream::step(nb::handle x, nb::handle out) {
  const InCall in_call;
  runtime::Stream& stream = open();
  const Signature& signature = stream.signature();
  const Arrays inputs = borrowInputs(signature, x, false);
  const std::vector<TensorView> views = viewsOf(inputs);
  const runtime::Stream::Block block = stream.checkInputs(views);
  const Arrays outputs = answersFor(signature, block, out);
  std::vector<TensorView> output_views = viewsOf(outputs);
  // Converting arguments may have run Python code, of another thread too.
  open();
  const Turn turn(stepping_);
  withoutGilIf(stream.expectedUs(block.frames) >= kReleaseGilOverUs,
               [&] { stream.step(views, output_views); });
  return asResult(outputs, signature, PyDict_Check(x.ptr()), arrayOf);
}

nb::dict Stream::save() const {
  const runtime::Stream& stream = open();
  const std::vector<TensorView> state = stream.state();
  nb::dict saved;
  for (std::size_t i = 0; i < state.size(); ++i) {
    saved[stream.states()[i].name.c_str()] = copiedArray(Tensor::copyOf(state[i]));
  }
  return saved;
}

void Stream::restore(nb::handle given) {
  const Signature states = {"state", open().states(), {}};
  const Arrays arrays = borrowInputs(states, asDict(given), false);
  open().restore(viewsOf(arrays));
}

void Stream::close() {
  if (stepping_) open();
  if (stream_ == nullptr) return;
  std::unique_ptr<runtime::Stream> closing = std::move(stream_);
  const WithoutGil released;
  closing.reset();
}

std::unique_ptr<Stream> openStream(const Cell& cell, int64_t batch) {
  return std::make_unique<Stream>(cell.model(), batch);
}

void bindStream(nb::module_& module) {
  nb::class_<Stream>(module, "Stream", kStreamDoc)
      .def("step", &Stream::step, nb::arg("x"), nb::kw_only(), nb::arg("out") = nb::none(),
           nb::sig("def step(self, x: object, *, out: object | None = None) -> typing.Any"),
           kStepDoc)
      .def("reset", &Stream::reset, "Forgets every frame: as if just opened.")
      .def("save", &Stream::save,
           nb::sig("def save(self) -> dict[str, numpy.typing.NDArray[typing.Any]]"), kSaveDoc)
      .def("restore", &Stream::restore, nb::arg("state"),
           nb::sig("def restore(self, state: collections.abc.Mapping[str, object]) -> None"),
           kRestoreDoc)
      .def_prop_ro("signature", &Stream::signature,
                   "What a step takes and gives: [batch, any number of frames, …].")
      .def("close", &Stream::close, "Gives its memory back; later calls are refused.")
      .def(
          "__enter__", [](nb::object self) { return self; },
          nb::sig("def __enter__(self) -> typing.Self"))
      .def(
          "__exit__", [](Stream& self, const nb::args& /*error*/) { self.close(); },
          nb::sig("def __exit__(self, *error: object) -> None"));
}

}  // namespace aios::python
