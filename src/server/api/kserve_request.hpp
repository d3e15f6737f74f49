// The JSON of a KServe v2 request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/caller.hpp"
#include "server/shared_memory.hpp"

namespace aios::server::api::kserve {

struct RequestedOutput {
  std::size_t index = 0;  // in the signature
  std::optional<bool> binary;
  // Where it goes instead of into the answer, at most so many bytes; null: nowhere else.
  std::shared_ptr<const Region> region;
  uint64_t region_offset = 0;
  uint64_t region_bytes = 0;
};

// What a request says besides its inputs, which are in the workspace.
struct InferRequest {
  std::string id;
  bool binary_outputs = false;           // unless an output says otherwise
  std::vector<RequestedOutput> outputs;  // empty: all, in the signature's order
};

// Reads a request: JSON, and after its first `json_bytes` binary tensors in the order of the
// inputs. Fills the workspace with the inputs of the endpoint's signature.
InferRequest readRequest(const ServedModel& model, const Signature& signature, const Call& call,
                         Workspace& workspace);

}  // namespace aios::server::api::kserve
