// A bundle's manifest: what it holds, what each part promises, and where each file is.
#pragma once

#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aios/signature.hpp"
#include "bundle/directory.hpp"
#include "bundle/integrity.hpp"
#include "bundle/ranges.hpp"

namespace aios::bundle {

inline constexpr int kFormatVersion = 1;

// |a - b| <= absolute * max(1, max|b|) + relative * |b|, per tensor and sample; b is the reference.
struct Tolerance {
  double absolute = 1e-5;
  double relative = 1e-4;
};

enum class Verdict {
  kPending,   // written, not verified yet: only the exporter loads it
  kPassed,    // answered the golden samples within its tolerance at export
  kFailed,    // did not; never loaded
  kDeclined,  // could not be made; the reason says why; it has no files
};

// One graph of an artifact: which file, for which batch size and signature.
struct Graph {
  std::string path;
  int64_t batch = kAnySize;  // kAnySize: takes any batch
  std::string signature;     // empty: the file holds all of the bundle's signatures
  // The graph's own tensor names by the signature's names; empty where they are the same.
  std::map<std::string, std::string> inputs;
  std::map<std::string, std::string> outputs;
  // Of a signature with unknown inner sizes: those of each input, in order, that the graph is made
  // for; empty for a graph that takes any.
  std::map<std::string, std::vector<int64_t>> sizes;
};

// One engine's files in the bundle.
struct Artifact {
  std::string engine;     // as engines/engine_table.hpp names them
  std::string target;     // "any", or the CPU that it was compiled for
  std::string precision;  // "float32", …
  Verdict verdict = Verdict::kPending;
  std::string reason;  // why it failed or was declined
  Tolerance tolerance;
  double max_error = 0;  // largest absolute error at export
  // How many of each signature's golden samples, from the first on, judge it: all, but for a lower
  // precision, which isn't asked for what is far out of the model's range.
  std::size_t golden_samples = std::numeric_limits<std::size_t>::max();
  // The input values that it is proved for; golden samples outside don't judge it. Where the
  // manifest says none for it alone, those that every artifact had to be proved for; `range_known`
  // is false.
  SignatureRanges proven;
  bool range_known = false;
  // The training model answers `probes` calls with NaN or infinities; in `propagated` of them, at
  // most all, this artifact shows those too.
  std::size_t probes = 0;
  std::size_t propagated = 0;
  std::vector<FileRecord> files;
  std::vector<Graph> graphs;
  // A probe at export found a batch of n to give the n single answers, so graphs of fixed batch
  // sizes may be put together for any batch.
  bool composable = false;
};

// What a stream keeps: a step's output is the next step's input, zeros before the first.
struct State {
  std::string input;
  std::string output;
};

// The model as a stream.
struct StreamRecord {
  Verdict verdict = Verdict::kDeclined;
  std::string path;  // a folder that is a bundle itself, of one step; empty where it was declined
  std::vector<State> states;
  std::string reason;  // why it failed or was declined
};

struct Bundle {
  std::filesystem::path directory;         // as it was given, for messages
  std::shared_ptr<const Directory> files;  // null for a bare SavedModel
  std::string sha256;                      // of the manifest, and so of the whole bundle
  std::vector<Signature> signatures;       // the first is the default
  SignatureRanges input_ranges;            // that artifacts had to be proved for
  std::vector<Artifact> artifacts;
  std::vector<FileRecord> shared_files;         // golden samples, SavedModel: of no single artifact
  std::optional<StreamRecord> stream;           // none where none was asked for
  std::string golden;                           // path of the golden samples in the bundle
  std::map<std::string, FileIdentity> checked;  // what checkFiles() found, by path

  // A path of a file or directory, for libraries that open it themselves.
  std::filesystem::path reach(const std::string& file) const;
};

// Opens the directory, and checks manifest.json against manifest.sha256 and this format's rules and
// limits; files are checked by checkFiles. Throws InvalidArgument (no path), NotFound (no such
// directory), DataLoss (missing, changed or malformed manifest; a path that leaves the bundle),
// Unsupported (another format version).
Bundle readBundle(const std::filesystem::path& path);

// checkFile() for every file that the manifest names, and nothing else in directories that are a
// graph.
void checkFiles(Bundle& bundle, bool sizes_only);

// Throws DataLoss, naming the file, unless the artifact's files are those that were checked.
void requireUnchanged(const Bundle& bundle, const Artifact& artifact);

}  // namespace aios::bundle
