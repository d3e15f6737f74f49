// Base 64 of RFC 4648, as JSON carries bytes.
#pragma once

#include <string>
#include <string_view>

namespace aios::server::wire {

void appendBase64(std::string_view bytes, std::string& text);

// Appends the bytes; false if the text isn't base 64. Padding may be missing.
bool decodeBase64(std::string_view text, std::string& bytes);

}  // namespace aios::server::wire
