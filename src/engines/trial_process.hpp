// A command that does what might end a process, in a process of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace aios::engines {

// Runs the command, which writes 'b' to its standard output before it begins what is tried, and 'e'
// when that has ended well. Returns how it failed, as "died by SIGSEGV" or "gave no answer for 60
// s", empty if it didn't; nothing if it never began. It is killed after `limit`.
std::optional<std::string> failureOf(const std::vector<std::string>& command,
                                     std::chrono::milliseconds limit);

}  // namespace aios::engines
