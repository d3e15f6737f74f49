// TensorFlowPerformanceCell: runs one exported model.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aios/error.hpp"
#include "aios/export.hpp"
#include "aios/metrics.hpp"
#include "aios/signature.hpp"
#include "aios/tensor.hpp"

namespace aios {

// How much of a bundle is checked before its model may answer.
enum class Verify {
  kQuick,  // every file's size and SHA-256, then 2 golden samples on the chosen engine
  kFull,   // every file's size and SHA-256, then all golden samples on every engine found here
  kOff,    // sizes only
};

// "quick", "full" or "off"; throws InvalidArgument for another name.
AIOS_EXPORT Verify verifyFromName(const std::string& name);

struct CellOptions {
  std::string engine = "auto";  // or the name of one engine
  // Threads that one call may use, 1 or more: the caller's and an engine's own. More than the
  // process's budget ($AIOS_THREADS, else the CPUs that it may use) are cut to it.
  int threads = 1;
  Verify verify = Verify::kQuick;
  // "float32"; "fastest" to allow any precision that passed verification; or another one, as
  // "int8", to allow that alone.
  std::string precision = "float32";
  // How long `auto` may measure for each batch size that it first sees (or 5 calls of each engine,
  // whichever is longer); 0: it measures nothing and takes the first engine that runs.
  double max_tuning_ms = 300;
  // Where the vendors' libraries are; empty: the environment variable ($AIOS_LITERT_LIBRARY,
  // $AIOS_OPENVINO_LIBRARY, $AIOS_TENSORFLOW_LIBRARY), then the loader's path.
  std::string litert_library;
  std::string openvino_library;
  std::string tensorflow_library;
  // The same by the engine's name, for any engine; an entry here counts before the fields above.
  std::map<std::string, std::string> libraries;
  // If it isn't empty: only the bundle whose manifest.json has this SHA-256 is loaded, and every
  // file is checked. For who has verified a signature of that manifest.
  std::string manifest_sha256;
};

// Why one artifact of a bundle runs here for batches up to a size, or doesn't.
struct EngineChoice {
  std::string engine;
  std::string target;
  std::string precision;
  int64_t batch = 0;  // the largest batch that this row speaks of; 0: of none in particular
  double p50_us = 0;  // 0 where it wasn't measured
  double p99_us = 0;
  double max_error = 0;  // at export
  bool chosen = false;
  std::string reason;
  int threads = 1;  // that a call uses, at most
  // Of a model whose inner sizes vary: those that this row speaks of, as "16" or "<=64"; else
  // empty.
  std::string sizes;
};

// A call with the same tensors every time: they are checked, and the engine is chosen, once. For
// one thread at a time. Keeps its model, also after the cell has closed or loaded another; the
// tensors' memory stays the caller's and must outlive the calls.
class AIOS_EXPORT BoundCall {
 public:
  ~BoundCall();
  BoundCall(BoundCall&&) noexcept;
  BoundCall& operator=(BoundCall&&) noexcept;

  // Answers what is in the inputs now, into the outputs. Allocates nothing on engines that need
  // not. Throws FailedPrecondition in a process that was forked after loading, InvalidArgument on
  // a call that was moved from.
  void operator()();

 private:
  friend class TensorFlowPerformanceCell;
  class Impl;
  explicit BoundCall(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A model that answers frame by frame and keeps its state from one to the next; `batch` streams go
// on together. For one thread at a time. Keeps its model, also after the cell has closed or loaded
// another. On a stream that was moved from, every method throws InvalidArgument.
class AIOS_EXPORT Stream {
 public:
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // Answers one frame [batch, …], or a block of frames [batch, frames, …], in the signature's
  // order. Allocates nothing, takes no lock, makes no system call. Throws InvalidArgument for
  // tensors that don't fit, and then keeps what it had; FailedPrecondition in a process that was
  // forked.
  void step(Span<const TensorView> inputs, Span<TensorView> outputs);
  // Forgets every frame: as if just opened.
  void reset();

  // What is kept now, to go on from later, in another process too.
  std::vector<Tensor> save() const;
  // Throws InvalidArgument for states of another shape, and then keeps what it had.
  void restore(Span<const TensorView> state);

  // What a step takes and gives: [batch, any number of frames, …].
  const Signature& signature() const;

 private:
  friend class TensorFlowPerformanceCell;
  class Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  Impl& impl() const;
  std::unique_ptr<Impl> impl_;
};

// Movable; on a cell that was moved from, every method throws InvalidArgument. Every method may be
// called from any thread; inference() runs in the caller's thread.
class AIOS_EXPORT TensorFlowPerformanceCell {
 public:
  TensorFlowPerformanceCell();
  ~TensorFlowPerformanceCell();
  TensorFlowPerformanceCell(TensorFlowPerformanceCell&&) noexcept;
  TensorFlowPerformanceCell& operator=(TensorFlowPerformanceCell&&) noexcept;

  // Before loadModel. Throws InvalidArgument for an option out of range.
  void initialize(const CellOptions& options);

  // Loads a bundle directory, checks it as options.verify says, and replaces the model loaded
  // before; or a bare SavedModel directory with these tags, unchecked, on the engine tensorflow.
  // On an error the model loaded before stays. Throws NotFound (no bundle, no engine),
  // DataLoss (a file or an answer isn't what was exported), Unsupported (format version).
  void loadModel(const std::string& path, const std::vector<std::string>& tags = {"serve"});

  // `inputs` in the signature's order. Allocates the results, in the signature's order. An empty
  // `signature` is the model's default; an unknown one is NotFound.
  std::vector<Tensor> inference(Span<const TensorView> inputs, const std::string& signature = "");
  std::vector<Tensor> inference(std::initializer_list<TensorView> inputs) {
    return inference(Span<const TensorView>(inputs.begin(), inputs.size()));
  }
  // Writes into `outputs`, which have the right dtype and shape; they may overlap neither `inputs`
  // nor one another.
  void inference(Span<const TensorView> inputs, Span<TensorView> outputs,
                 const std::string& signature = "");

  // The same for the same tensors again and again, at the least cost of a call. Answers once, to
  // check and to warm up.
  BoundCall bind(Span<const TensorView> inputs, Span<TensorView> outputs,
                 const std::string& signature = "");

  // Opens so many streams of the model, which go on together. Throws Unsupported where the bundle
  // was exported without one, saying why, and InvalidArgument for less than 1.
  Stream stream(int64_t batch = 1);

  // Calls of the default signature on zeros, where a size may be any of size 1, so that the first
  // real call is as fast as the next.
  void warmup(std::size_t iterations);
  // At least 1 iteration, after 10 % warm-up calls that are not counted.
  BenchmarkResult benchmark(Span<const TensorView> inputs, std::size_t iterations);

  // These throw FailedPrecondition while nothing is loaded.
  Signature signature(const std::string& name = "") const;
  std::vector<std::string> signatures() const;
  std::string engine() const;
  Metrics metrics() const;
  // One row per artifact of the bundle for the asked-for engine.
  std::vector<EngineChoice> explain() const;
  // Gives the model's memory back; later calls throw FailedPrecondition.
  void close();

 private:
  class Impl;
  Impl& impl() const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aios
