#include "engines/library_check.hpp"

#include <dlfcn.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>

#include "aios/error.hpp"
#include "bundle/integrity.hpp"
#include "core/fork.hpp"
#include "core/user_cache.hpp"
#include "core/user_file.hpp"
#include "engines/compiled/cpu_features.hpp"
#include "engines/trial_process.hpp"

namespace aios::engines {
namespace {

namespace fs = std::filesystem;

constexpr double kDefaultLimitS = 60;

struct Checks {
  std::mutex mutex;
  std::vector<std::string> command;
  std::map<std::string, std::string> failures;  // by identity; empty for what is good
};

Checks& checks() {
  static PerProcess<Checks> made;
  return made.get();
}

// What a verdict holds for; empty for what is no file.
std::string identityOf(const std::string& library) {
  struct stat status{};
  if (library.find('/') == std::string::npos || ::stat(library.c_str(), &status) != 0) return "";
  std::ostringstream text;
  text << library << '\n'
       << status.st_size << '\n'
       << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec << '\n'
       << compiled::cpuFeatures() << '\n';
  return text.str();
}

fs::path markOf(const std::string& identity) {
  const fs::path directory = userCache("libraries");
  return directory.empty() ? fs::path()
                           : directory / bundle::sha256Hex(identity.data(), identity.size());
}

bool isRemembered(const std::string& identity) {
  std::error_code ignored;
  return fs::is_regular_file(markOf(identity), ignored);
}

bool isOpen(const std::string& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return false;
  ::dlclose(handle);
  return true;
}

std::vector<std::string> words(const char* text) {
  std::vector<std::string> found;
  std::istringstream stream(text != nullptr ? text : "");
  for (std::string word; stream >> word;) found.push_back(word);
  return found;
}

std::chrono::milliseconds limit() {
  const char* text = std::getenv("AIOS_ENGINE_TIME_LIMIT_S");
  const double given = text == nullptr ? 0 : std::atof(text);
  const double seconds = given > 0 && given < 1e6 ? given : kDefaultLimitS;
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

}  // namespace

void setLibraryCheck(std::vector<std::string> command) {
  const std::lock_guard<std::mutex> lock(checks().mutex);
  checks().command = std::move(command);
}

void requireHarmless(const char* engine, const char* vendor, const std::string& library) {
  const std::string identity = identityOf(library);
  if (identity.empty()) return;
  const std::lock_guard<std::mutex> lock(checks().mutex);
  auto known = checks().failures.find(identity);
  if (known == checks().failures.end()) {
    std::vector<std::string> command = checks().command;
    if (command.empty()) command = words(std::getenv("AIOS_LIBRARY_CHECK"));
    if (command.empty() || isOpen(library) || isRemembered(identity)) return;
    command.insert(command.end(), {engine, library});
    const std::optional<std::string> failure = failureOf(command, limit());
    if (failure && failure->empty()) rememberHarmless(library);
    known = checks().failures.emplace(identity, failure.value_or("")).first;
  }
  if (known->second.empty()) return;
  throw Error(ErrorCode::kUnsupported, std::string(vendor) + " " + known->second +
                                           " when its library '" + library +
                                           "' was tried in a process of its own; install another "
                                           "version, or use another engine");
}

void rememberHarmless(const std::string& library) {
  const std::string identity = identityOf(library);
  if (identity.empty() || isRemembered(identity)) return;
  const fs::path mark = markOf(identity);
  if (mark.empty()) return;
  writeUserFile(mark, identity);
}

}  // namespace aios::engines
