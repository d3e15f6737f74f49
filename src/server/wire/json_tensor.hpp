// Tensors as JSON: nested arrays in, nested or flat arrays out.
#pragma once

#include <string>

#include "aios/tensor.hpp"
#include "server/wire/json_reader.hpp"
#include "server/wire/tensor_buffer.hpp"

namespace aios::server::wire {

// Reads one value, a scalar or arrays of equal lengths in one another, and appends its elements to
// `tensor`, whose dtype says what they are. Strings are JSON strings or {"b64": "…"}. Returns the
// value's shape. Throws JsonError, and Unsupported for dtypes that JSON doesn't carry: float16 and
// bfloat16.
Shape readNested(JsonReader& reader, TensorBuffer& tensor);

// Appends the elements of `view` from `first` on, `count` of them, with commas between. A float has
// always a '.' or an exponent; strings that aren't UTF-8, or all `as_base64`, are {"b64": "…"}.
void appendElements(const TensorView& view, std::size_t first, std::size_t count, bool as_base64,
                    std::string& json);

// Appends what is at `index` of the first `axis` dimensions as nested arrays.
void appendNested(const TensorView& view, std::size_t axis, std::size_t index, bool as_base64,
                  std::string& json);

// Appends a JSON string.
void appendJsonString(std::string_view text, std::string& json);
void appendInteger(int64_t value, std::string& json);
// With a '.' or an exponent, or as NaN, Infinity or -Infinity.
void appendFloat(float value, std::string& json);
bool isUtf8(std::string_view text) noexcept;

}  // namespace aios::server::wire
