// KServe's names of dtypes, and its bytes of strings.
#pragma once

#include <string>
#include <string_view>

#include "aios/tensor.hpp"
#include "server/wire/tensor_buffer.hpp"

namespace aios::server::api::kserve {

// "FP32"; null for kInvalid.
const char* datatypeOf(DType dtype) noexcept;

// Appends a binary tensor's elements to a buffer of its dtype. Throws InvalidArgument where strings
// are cut short.
void readBinary(std::string_view bytes, const std::string& input, wire::TensorBuffer& tensor);

// The bytes that appendBinary() appends.
std::size_t binarySize(const TensorView& tensor);
void appendBinary(const TensorView& tensor, std::string& out);

}  // namespace aios::server::api::kserve
