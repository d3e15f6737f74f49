#include "engines/trial_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

extern char** environ;

namespace aios::engines {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::pair<int, const char*>, 7> kSignals = {{
    {SIGABRT, "SIGABRT"},
    {SIGBUS, "SIGBUS"},
    {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},
    {SIGKILL, "SIGKILL"},
    {SIGSEGV, "SIGSEGV"},
    {SIGTERM, "SIGTERM"},
}};

std::string signalName(int number) {
  for (const auto& [known, name] : kSignals) {
    if (known == number) return name;
  }
  return "signal " + std::to_string(number);
}

std::string seconds(std::chrono::milliseconds limit) {
  const auto tenths = limit.count() / 100;
  const std::string whole = std::to_string(tenths / 10);
  return tenths % 10 == 0 ? whole : whole + "." + std::to_string(tenths % 10);
}

// Both ends of a pipe, closed at the end of the scope.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) ends_[0] = ends_[1] = -1;
  }
  ~Pipe() {
    closeWriter();
    if (ends_[0] >= 0) ::close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void closeWriter() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }

 private:
  int ends_[2] = {-1, -1};
};

// Its standard output is the pipe, everything else of it nothing. None if it can't be started.
std::optional<pid_t> start(const std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, 1);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t process = -1;
  const int code =
      ::posix_spawnp(&process, arguments[0], &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return code == 0 ? std::optional(process) : std::nullopt;
}

// What the process says until it ends, and how it ends.
class Watch {
 public:
  Watch(pid_t process, int output) : process_(process), output_(output) {}

  // False if it lives on after the deadline.
  bool untilItEnds(Clock::time_point deadline) {
    while (!hasEnded()) {
      if (Clock::now() > deadline) return false;
      listen();
    }
    listen();
    return true;
  }
  void kill() {
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
    }
  }
  bool said(char word) const { return heard_.find(word) != std::string::npos; }

  std::string death() const {
    if (WIFSIGNALED(status_)) return "died by " + signalName(WTERMSIG(status_));
    return "ended its process with exit code " + std::to_string(WEXITSTATUS(status_));
  }

 private:
  // A program that ignores its children's ends never learns of this one's status.
  bool hasEnded() {
    const pid_t ended = ::waitpid(process_, &status_, WNOHANG);
    return ended == process_ || (ended < 0 && errno == ECHILD);
  }
  void listen() {
    constexpr int kTickMs = 10;
    pollfd source{output_, POLLIN, 0};
    if (::poll(&source, 1, kTickMs) <= 0) return;
    std::array<char, 64> text{};
    const auto read = ::read(output_, text.data(), text.size());
    if (read > 0) {
      heard_.append(text.data(), static_cast<std::size_t>(read));
    } else {
      output_ = -1;  // poll() then only waits
    }
  }

  pid_t process_;
  int output_;
  int status_ = 0;
  std::string heard_;
};

}  // namespace

std::optional<std::string> failureOf(const std::vector<std::string>& command,
                                     std::chrono::milliseconds limit) {
  Pipe pipe;
  if (pipe.reader() < 0) return std::nullopt;
  const std::optional<pid_t> process = start(command, pipe.writer());
  pipe.closeWriter();
  if (!process) return std::nullopt;
  Watch watch(*process, pipe.reader());
  const bool ended = watch.untilItEnds(Clock::now() + limit);
  if (!ended) watch.kill();
  if (!watch.said('b')) return std::nullopt;
  if (watch.said('e')) return "";
  return ended ? watch.death() : "gave no answer for " + seconds(limit) + " s";
}

}  // namespace aios::engines
