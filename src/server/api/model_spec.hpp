// TensorFlow Serving's message of which model is meant, ModelSpec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/models.hpp"

namespace aios::server::api {

// Borrows the message.
struct ModelSpec {
  std::string_view name;
  std::optional<int64_t> version;
  std::string_view label;  // of a version; then `version` is empty
  std::string_view signature;
};

// Throws ProtobufError.
ModelSpec readModelSpec(std::string_view message);

// Appends a field with the ModelSpec of what answered.
void appendModelSpec(uint32_t field, const ServedModel& model, std::string_view signature,
                     std::string& out);

}  // namespace aios::server::api
