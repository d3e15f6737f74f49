// The tensors of a KServe v2 request, whether it came as JSON or as a gRPC message: what fits the
// signature, and the words of what doesn't.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/api/workspace.hpp"
#include "server/models.hpp"

namespace aios::server::api::kserve {

// Throws Unsupported for a parameter of a tensor that belongs to an extension this server hasn't.
void refuseExtension(std::string_view parameter);

class TensorBinder {
 public:
  // All outlive it. The workspace has to be started.
  TensorBinder(const ServedModel& model, const Signature& signature, Workspace& workspace)
      : model_(model), signature_(signature), workspace_(workspace) {}

  // Which input this is. Throws InvalidArgument where it doesn't fit the signature, or was there
  // before.
  std::size_t inputOf(std::string_view name, std::string_view datatype, Span<const int64_t> shape);
  // Which output this is. Throws InvalidArgument for one that the signature hasn't.
  std::size_t outputOf(std::string_view name) const;

  // Gives an input what was read into the workspace's buffer.
  void giveRead(std::size_t index, Span<const int64_t> shape);
  // Gives an input binary elements: the bytes themselves where they are aligned, which then have to
  // live as long as the call, otherwise a copy of them. Throws InvalidArgument unless they are as
  // many as the shape says.
  void giveBinary(std::size_t index, Span<const int64_t> shape, std::string_view bytes);

  // Throws InvalidArgument where an input was not given.
  void requireAll() const;

 private:
  [[noreturn]] void refuseCount(std::size_t index, Span<const int64_t> shape, std::size_t expected,
                                std::size_t elements) const;

  const ServedModel& model_;
  const Signature& signature_;
  Workspace& workspace_;
};

}  // namespace aios::server::api::kserve
