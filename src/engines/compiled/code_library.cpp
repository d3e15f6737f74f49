#include "engines/compiled/code_library.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include "aios/error.hpp"
#include "bundle/integrity.hpp"

namespace aios::engines::compiled {
namespace {

bool writeAll(int descriptor, const std::byte* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

// Not open where the system has no such memory, or none to give.
Descriptor sealedCopy(const bundle::FileContent& content) {
#if defined(MFD_ALLOW_SEALING)
  constexpr unsigned kExecutable = 0x10;  // MFD_EXEC: since Linux 6.3, else an error
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Descriptor memory(::memfd_create("model.so", kFlags | kExecutable));
  if (!memory.isOpen()) memory = Descriptor(::memfd_create("model.so", kFlags));
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (memory.isOpen() && writeAll(memory.get(), content.data(), content.size()) &&
      ::fcntl(memory.get(), F_ADD_SEALS, kSeals) == 0) {
    return memory;
  }
#endif
  return Descriptor(-1);
}

}  // namespace

std::shared_ptr<const CodeLibrary> CodeLibrary::open(const bundle::Directory& directory,
                                                     const std::string& file) {
  const auto content = bundle::FileContent::copied(directory, file);
  const std::string digest = bundle::sha256Hex(content.data(), content.size());
  static std::mutex mutex;
  static auto* opened = new std::map<std::string, std::weak_ptr<const CodeLibrary>>;
  const std::lock_guard<std::mutex> lock(mutex);
  std::weak_ptr<const CodeLibrary>& slot = (*opened)[digest];
  if (auto shared = slot.lock()) return shared;
  auto made = std::make_shared<const CodeLibrary>(directory, file, content);
  slot = made;
  return made;
}

// dlopen takes a name that is open already for the same library. So the library is opened by the
// name of its own descriptor, which stays open, and keeps its number, for as long as it does.
CodeLibrary::CodeLibrary(const bundle::Directory& directory, const std::string& file,
                         const bundle::FileContent& content)
    : descriptor_(sealedCopy(content)) {
  const auto openByDescriptor = [this] {
    name_ = "/proc/self/fd/" + std::to_string(descriptor_.get());
    handle_ = ::dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL);
  };
  if (descriptor_.isOpen()) openByDescriptor();
  if (handle_ == nullptr) {
    descriptor_ = directory.open(file).descriptor;
    openByDescriptor();
  }
  if (handle_ == nullptr) {
    name_ = directory.reach(file);
    handle_ = ::dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (handle_ != nullptr) return;
  const char* reason = ::dlerror();
  throw Error(ErrorCode::kUnsupported,
              "engine 'compiled' can't open '" + (directory.path() / file).string() +
                  "': " + (reason != nullptr ? reason : "no reason given") +
                  "; compile it for this machine");
}

CodeLibrary::~CodeLibrary() {
  if (handle_ == nullptr) return;
  ::dlclose(handle_);
  // A library that stays (one with unique symbols does) keeps its name: the number isn't reused.
  void* resident = ::dlopen(name_.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (resident == nullptr) return;
  ::dlclose(resident);
  descriptor_.release();
}

const aios_compiled_model* CodeLibrary::descriptor() const noexcept {
  return static_cast<const aios_compiled_model*>(::dlsym(handle_, AIOS_COMPILED_MODEL_SYMBOL));
}

}  // namespace aios::engines::compiled
