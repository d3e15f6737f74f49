// Decides who answers a request that came to an I/O thread: that thread, a worker, or Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "server/access.hpp"
#include "server/api/caller.hpp"
#include "server/api/grpc_method.hpp"
#include "server/client_limits.hpp"
#include "server/models.hpp"
#include "server/protocol/connection.hpp"
#include "server/slow_lane.hpp"
#include "server/workers.hpp"

namespace aios::server {

// For one I/O thread.
class Dispatcher : public protocol::Service {
 public:
  // `thread` is its number among all threads that answer. The others outlive it.
  // Models are answered `in_place` only where a fast call never waits for others' threads.
  // `most_bytes` is what a compressed body may hold. Without `clients` each may ask as often as it
  // likes.
  Dispatcher(std::size_t thread, Workers& workers, SlowLane& slow_lane, bool in_place,
             std::size_t most_bytes = protocol::HttpLimits().body_bytes,
             ClientLimits* clients = nullptr)
      : caller_(thread),
        workers_(workers),
        slow_lane_(slow_lane),
        in_place_(in_place),
        most_bytes_(most_bytes),
        clients_(clients) {}

  // Returns the table used before, for somebody else to destroy.
  std::shared_ptr<const ModelTable> use(std::shared_ptr<const ModelTable> table);
  void protect(std::shared_ptr<const AccessPolicy> policy) { policy_ = std::move(policy); }
  // What clients of this machine, and those with a token, may use; it outlives this.
  void share(const SharedMemory& memory) { memory_ = &memory; }
  // Whose requests come next. The peer outlives them.
  void setConnection(std::size_t loop, uint64_t connection, const Peer& peer) {
    loop_ = loop;
    connection_ = connection;
    peer_ = &peer;
  }

  // The model that the last request called, and how; null if it called none. As long as the table
  // is in use.
  struct Called {
    const ServedModel* model = nullptr;
    Protocol protocol = Protocol::kKServe;
  };
  const Called& lastCalled() const noexcept { return called_; }

  bool answer(const protocol::HttpRequest& request, protocol::HttpAnswer& answer) override;
  // Whoever has no token sends no body.
  bool refuses(const protocol::HttpRequest& head, protocol::HttpAnswer& answer) override;
  bool call(const protocol::GrpcRequest& request, protocol::GrpcAnswer& answer) override;
  bool refusesCall(const protocol::GrpcRequest& head, protocol::GrpcAnswer& answer) override;
  protocol::GrpcKind kindOf(std::string_view path) const noexcept override {
    return api::grpcKindOf(path);
  }

 private:
  bool callModel(api::Route route, const protocol::HttpRequest& request,
                 protocol::HttpAnswer& answer);
  // The same of a call by gRPC.
  bool callModel(const api::HotMethod& method, const protocol::GrpcRequest& request,
                 protocol::GrpcAnswer& answer);

  // Of a request that is answered later.
  Ticket ticketOf(const protocol::Waiter& waiter) const;

  api::Caller caller_;
  Workers& workers_;
  SlowLane& slow_lane_;
  const bool in_place_;
  const std::size_t most_bytes_;
  ClientLimits* const clients_;
  std::shared_ptr<const ModelTable> table_ = std::make_shared<ModelTable>();
  std::shared_ptr<const AccessPolicy> policy_ = std::make_shared<AccessPolicy>();
  std::size_t loop_ = 0;
  uint64_t connection_ = 0;
  const SharedMemory* memory_ = nullptr;
  const Peer nobody_;
  const Peer* peer_ = &nobody_;
  Called called_;
};

}  // namespace aios::server
