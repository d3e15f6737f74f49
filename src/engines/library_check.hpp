// Whether a vendor's library may be opened in this process: one that crashes or hangs on
// whatever it is given would take the process with it, so a process of its own tries it first.
#pragma once

#include <string>
#include <vector>

namespace aios::engines {

// The command that opens a library and runs a small model on it: it is called as COMMAND… ENGINE
// LIBRARY, and writes what failureOf() reads. Empty, as at first: that of $AIOS_LIBRARY_CHECK,
// split at spaces; or none, and libraries are opened unchecked.
void setLibraryCheck(std::vector<std::string> command);

// Before a library is opened. Throws Unsupported, naming `vendor`, if it ended or blocked the
// process that tried it. A file that is known good, by its path, size, time and this processor, or
// that this process has open already, isn't checked again; nor is a bare name, which the loader
// finds.
void requireHarmless(const char* engine, const char* vendor, const std::string& library);

// After a library has answered: it is known good from now on, by the user's cache.
void rememberHarmless(const std::string& library);

}  // namespace aios::engines
