// One I/O thread: its connections, and what other threads post to it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "server/client_limits.hpp"
#include "server/dispatcher.hpp"
#include "server/protocol/connection.hpp"
#include "server/request_observer.hpp"
#include "server/sockets.hpp"
#include "server/tls.hpp"

namespace aios::server {

struct LoopLimits {
  protocol::HttpLimits http;
  std::size_t connections = 4096;                 // of one loop
  std::chrono::milliseconds read_timeout{10000};  // for a request to come whole
  std::chrono::seconds write_timeout{30};         // for a client to take some of its answer
  std::chrono::seconds idle_timeout{120};         // between requests
};

// What a loop has seen since it started.
struct LoopCounters {
  Counter accepted;
  Counter refused;  // over the limit of connections
  Counter timed_out;
  Counter bytes_in;
  Counter bytes_out;
};

class Loop {
 public:
  // Starts the thread. `index` is its number among all threads that answer. `clients`, which all
  // loops share, outlives it; null where clients may do as they like. So does `log`; null where
  // requests aren't logged.
  Loop(std::size_t index, const LoopLimits& limits, Workers& workers, SlowLane& slow_lane,
       ClientLimits* clients = nullptr, RequestLog* log = nullptr);
  // Cuts all connections.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs `task` in the loop's thread, soon. Safe from any thread.
  void post(std::function<void()> task);

  // These are for the loop's own thread.
  std::shared_ptr<const ModelTable> use(std::shared_ptr<const ModelTable> table) {
    return dispatcher_.use(std::move(table));
  }
  void protect(std::shared_ptr<const AccessPolicy> policy) {
    dispatcher_.protect(std::move(policy));
  }
  void share(const SharedMemory& memory) { dispatcher_.share(memory); }
  // `place` is given each connection that comes.
  void listen(Descriptor listener, std::function<void(Descriptor)> place);
  // Without `tls` what a client sends is taken as it comes.
  void adopt(Descriptor socket, std::unique_ptr<TlsStream> tls = nullptr);
  void complete(const Ticket& ticket, protocol::Answer&& answer);
  // Listens no more, answers what has come by then, and ends each connection after the request
  // that is under way.
  void drain();

  std::size_t index() const noexcept { return index_; }
  bool isDraining() const noexcept { return draining_.load(std::memory_order_acquire); }
  std::size_t connections() const noexcept { return open_.load(std::memory_order_relaxed); }
  const LoopCounters& counters() const noexcept { return counters_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Client;
  struct Listener;

  void run();
  void runPosted();
  void onEvent(uint64_t id, uint32_t events);
  // Does a step of a connection; ends the connection where there is no memory for that.
  template <typename Step>
  void orDrop(uint64_t id, const Step& step);
  void accept(const Listener& listener);
  void watchFirst(Client& client);
  // Whether something had come.
  bool read(Client& client);
  // Sends what there is, then waits for what the connection needs next, or closes it.
  void settle(Client& client);
  bool flush(Client& client);
  bool flushTls(Client& client);
  // Gives the connection what came, decrypted.
  void feed(Client& client, std::string_view bytes);
  // Tells a client of TLS that this is all.
  void farewell(Client& client);
  void watch(Client& client);
  void linger(Client& client);
  void remove(Client& client);
  Client* find(uint64_t id) const;
  // What is answered later is this client's.
  void prepare(const Client& client);
  void drain(uint64_t id);
  void tick();
  void tick(Client& client);
  void timeOut(Client& client);
  bool isOverdue(const Client& client) const;

  const std::size_t index_;
  const LoopLimits limits_;
  ClientLimits* const client_limits_;
  Dispatcher dispatcher_;
  const std::unique_ptr<RequestObserver> observer_;  // null where nobody wants to know
  LoopCounters counters_;
  Descriptor poll_;
  Descriptor wake_;
  std::vector<char> buffer_;
  std::string plain_;  // of the client that speaks now
  std::vector<Listener> listeners_;
  std::vector<std::unique_ptr<Client>> clients_;  // by descriptor
  uint32_t generation_ = 0;
  Clock::time_point now_ = Clock::now();
  Clock::time_point next_tick_ = now_;
  std::atomic<std::size_t> open_ = 0;
  bool stopping_ = false;
  std::atomic<bool> draining_ = false;
  bool paused_ = false;  // no descriptors were left for new connections

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::thread thread_;
};

}  // namespace aios::server
