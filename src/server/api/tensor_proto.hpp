// TensorFlow's own message of a tensor, TensorProto: read into a model's input, written of an
// output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "aios/signature.hpp"
#include "server/api/workspace.hpp"

namespace aios::server::api {

// The number of a dtype in TensorFlow's DataType; 0 for kInvalid.
int dataTypeOf(DType dtype) noexcept;

// Gives an input the tensor of a message, which outlives the call unless its bytes are to be
// `keep`t: its elements are in tensor_content, borrowed where they are aligned, or in the field of
// its dtype; of fewer values than elements the last one counts for the rest, and zero where there
// is none. Throws InvalidArgument for what doesn't fit the input, and Overloaded where one value
// stands for more than 64 MiB.
void bindTensorProto(std::string_view message, bool keep, const Signature& signature,
                     std::size_t index, Workspace& workspace);

// Appends a field with a TensorProto, its elements in the field of its dtype.
void appendTensorProto(uint32_t field, const TensorView& tensor, std::string& out);

}  // namespace aios::server::api
