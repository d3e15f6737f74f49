// The data plane of a server of models: I/O threads, workers, and the lane to Python.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/loop.hpp"
#include "server/models.hpp"
#include "server/shared_memory.hpp"
#include "server/slow_lane.hpp"
#include "server/unix_socket.hpp"
#include "server/workers.hpp"

namespace aios::server {

struct ServerOptions {
  std::size_t io_threads = 1;
  std::size_t workers = 1;
  std::size_t waiting_calls = 1024;    // of a model, for a worker, at most
  int64_t max_batch = 32;              // samples of several calls that are answered by one
  std::size_t waiting_requests = 256;  // for Python, at most
  LoopLimits limits;
  RequestLog::Wanted log;
  ClientRates clients;
};

// What all loops have seen.
struct ServerTotals {
  uint64_t connections = 0;  // open now
  uint64_t accepted = 0;
  uint64_t refused = 0;
  uint64_t timed_out = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t waiting_calls = 0;
  uint64_t unlogged = 0;  // requests that the log had no room for
};

// Every method is safe from any thread. Of no use in a forked child, where it may only be
// destroyed.
class Server {
 public:
  // Starts the threads. Throws InvalidArgument for a number of threads out of range.
  explicit Server(const ServerOptions& options);
  // Cuts what is still connected.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts connections; returns the port. Throws as listenAt(). Those of a port that is `secure`
  // speak TLS with the certificate that was given last; at least one was.
  uint16_t listen(const std::string& address, uint16_t port, bool secure = false);
  // The same at a Unix socket, without TLS. Throws as listenAtPath().
  void listenAt(const std::string& path, mode_t mode);
  // For connections that come from now on. Throws as TlsContext(), and keeps the one before.
  void useCertificate(const TlsFiles& files);

  // Answers with these models from now on. When it returns no I/O thread uses others; those that
  // nobody else holds were destroyed, in the caller's thread.
  void use(const ServedModels& models, const std::map<std::string, Routing>& routing);
  // Lets clients do what this says, and no more, from when it returns on.
  void protect(AccessPolicy policy);
  // What clients have registered.
  SharedMemory& sharedMemory() noexcept { return memory_; }
  // A model to use, with the counters that it needs.
  std::shared_ptr<const ServedModel> serve(std::string name, int64_t version,
                                           std::shared_ptr<runtime::LoadedModel> model,
                                           std::vector<std::string> class_labels = {}) const;

  // A request for Python, waited for; nothing once closed.
  std::optional<SlowRequest> take();
  void respond(const Ticket& ticket, protocol::Answer answer);

  // Listens no more, and waits until every request that is under way is answered; returns false if
  // some were not in this time.
  bool drain(std::chrono::milliseconds longest);
  // Lets take() return nothing, and the log of requests, once it is empty.
  void close();
  // Empty where options want none of it. Whoever takes of it has to take often.
  RequestLog& requestLog() noexcept { return log_; }
  bool isForked() const noexcept;
  ServerTotals totals() const;

 private:
  struct Placement;

  void accept(Descriptor listener, bool secure);
  void place(Descriptor socket, std::unique_ptr<TlsStream> tls);
  std::unique_ptr<TlsStream> newStream();
  // Takes a step in every I/O thread, and waits until all have.
  void inEachLoop(const std::function<void(Loop&)>& step);

  const int fork_generation_;
  const ServerOptions options_;
  std::unique_ptr<ClientLimits> clients_;  // null: without limits
  SharedMemory memory_;
  SlowLane slow_lane_;
  RequestLog log_;
  std::unique_ptr<Workers> workers_;
  std::atomic<std::size_t> placing_ = 0;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::mutex mutex_;  // of what follows
  std::shared_ptr<const TlsContext> tls_;
  std::vector<SocketFile> socket_files_;
};

}  // namespace aios::server
