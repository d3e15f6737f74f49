// Small files in the user's folders that are as good as missing where they can't be used.
#pragma once

#include <string>

namespace aios {

// Empty if there is none, if it isn't a regular file (a FIFO, a device, a directory), has more than
// so many bytes, or can't be read. Waits for nobody.
std::string readUserFile(const std::string& path, std::size_t most_bytes);

// Puts the file in place in one step, and makes its folders. Does nothing where it can't.
void writeUserFile(const std::string& path, const std::string& content);

}  // namespace aios
