#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <tuple>
#include <utility>

#include "bindings.hpp"
#include "cell.hpp"
#include "connection_limits.hpp"
#include "gil.hpp"
#include "server/protocol/http2.hpp"
#include "server/server.hpp"
#include "server_rows.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

using server::AccessPolicy;
using server::ServedModel;
using server::Server;
using server::SlowRequest;

// The content type outlives the answer, as an answer wants it.
std::string_view contentTypeOf(const std::string& name) {
  for (const std::string_view known :
       {"application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8",
        "text/plain; version=0.0.4; charset=utf-8", "text/css; charset=utf-8",
        "text/javascript; charset=utf-8", "image/svg+xml", ""}) {
    if (name == known) return known;
  }
  throw Error(ErrorCode::kInvalidArgument, "content_type: the server has none of '" + name + "'");
}

AccessPolicy policyOf(const std::optional<std::map<std::string, std::string>>& tokens) {
  if (!tokens.has_value()) return {};
  std::vector<server::HashedToken> hashed;
  for (const auto& [sha256, scope] : *tokens) hashed.push_back(server::hashedToken(sha256, scope));
  return AccessPolicy(std::move(hashed));
}

void respond(Server& server, const SlowRequest& request, int status, const nb::bytes& body,
             const std::string& content_type, const std::string& headers) {
  server::protocol::HttpAnswer answer;
  answer.status = status;
  answer.content_type = contentTypeOf(content_type);
  answer.headers = headers;
  answer.body.assign(body.c_str(), body.size());
  server.respond(request.ticket, std::move(answer));
}

void respondGrpc(Server& server, const SlowRequest& request, int code, const std::string& message,
                 const nb::bytes& body) {
  server.respond(request.ticket, server::protocol::GrpcAnswer{
                                     code, message, std::string(body.c_str(), body.size())});
}

void bindExecutions(nb::module_& module) {
  using server::ExecutionTotals;
  nb::class_<ExecutionTotals>(module, "ExecutionTotals", "How a version of a model was run.")
      .def_ro("inference_count", &ExecutionTotals::inference_count, "Samples that it answered.")
      .def_ro("execution_count", &ExecutionTotals::execution_count, "Runs of the model.")
      .def_ro("queued", &ExecutionTotals::queued, "Requests that waited for a worker.")
      .def_ro("queue_ns", &ExecutionTotals::queue_ns, "How long, all together.")
      .def_ro("refused", &ExecutionTotals::refused, "Requests that found too many waiting.")
      .def_ro("expired", &ExecutionTotals::expired, "Requests that waited longer than they may.")
      .def_ro("cancelled", &ExecutionTotals::cancelled, "Requests whose clients left.")
      .def_prop_ro("batches", &batchesOf,
                   "(samples, executions, nanoseconds of reading, of the model, of writing) of "
                   "each size of batch; of batches over 64 samples, together, 0 samples.");
}

// A model's last owner may be Python, and giving its memory back takes a while.
struct SharedModel {
  explicit SharedModel(std::shared_ptr<const ServedModel> served) : model(std::move(served)) {}
  ~SharedModel() {
    const WithoutGil released;
    model.reset();
  }
  SharedModel(const SharedModel&) = delete;
  SharedModel& operator=(const SharedModel&) = delete;

  std::shared_ptr<const ServedModel> model;
};

// (label to version, the usual version, a canary's version and share)
using RouteRow = std::tuple<std::map<std::string, int64_t>, std::optional<int64_t>,
                            std::optional<std::pair<int64_t, double>>>;

server::Routing routingOf(const RouteRow& row) {
  const auto& [labels, usual, canary] = row;
  server::Routing routing{{labels.begin(), labels.end()}, usual, std::nullopt};
  if (canary.has_value()) routing.canary = server::Canary{canary->first, canary->second};
  return routing;
}

void useModels(Server& server, const std::vector<const SharedModel*>& shared,
               const std::map<std::string, RouteRow>& routes) {
  server::ServedModels models;
  std::map<std::string, server::Routing> routing;
  for (const SharedModel* each : shared) models.push_back(each->model);
  for (const auto& [name, row] : routes) routing[name] = routingOf(row);
  const WithoutGil released;
  server.use(models, routing);
}

// Ends a shadow without the GIL: its thread may be in a call.
struct SharedShadow {
  SharedShadow(const SharedModel& of, const SharedModel& to, double share, double tolerance)
      : champion(of.model),
        shadow(std::make_shared<server::Shadow>(of.model->shared(), to.model->shared(), share,
                                                bundle::Tolerance{tolerance, tolerance})) {
    champion->tap().set(shadow);
  }
  ~SharedShadow() { close(); }
  SharedShadow(const SharedShadow&) = delete;
  SharedShadow& operator=(const SharedShadow&) = delete;

  void close() {
    const WithoutGil released;
    if (champion != nullptr) champion->tap().set(nullptr);
    champion.reset();
    shadow.reset();
  }

  std::shared_ptr<const ServedModel> champion;
  std::shared_ptr<server::Shadow> shadow;
};

nb::dict totalsOfShadow(const SharedShadow& self) {
  nb::dict counts;
  if (self.shadow == nullptr) return counts;
  const server::ShadowTotals totals = self.shadow->totals();
  counts["compared"] = totals.compared;
  counts["agreed"] = totals.agreed;
  counts["dropped"] = totals.dropped;
  counts["failed"] = totals.failed;
  counts["classified"] = totals.classified;
  counts["same_class"] = totals.same_class;
  counts["worst"] = totals.worst;
  counts["reason"] = totals.reason;
  counts["champion_us"] =
      std::vector<uint64_t>(totals.champion_us.begin(), totals.champion_us.end());
  counts["challenger_us"] =
      std::vector<uint64_t>(totals.challenger_us.begin(), totals.challenger_us.end());
  return counts;
}

// Ends a server without the GIL, as its threads may take long.
struct ServerHolder {
  explicit ServerHolder(const server::ServerOptions& options)
      : server(std::make_unique<Server>(options)) {}
  ~ServerHolder() {
    const WithoutGil released;
    server.reset();
  }
  ServerHolder(const ServerHolder&) = delete;
  ServerHolder& operator=(const ServerHolder&) = delete;

  std::unique_ptr<Server> server;
};

server::ServerOptions optionsOf(std::size_t io_threads, std::size_t workers,
                                std::size_t max_waiting, int64_t max_batch,
                                const ConnectionLimits& limits,
                                const server::RequestLog::Wanted& log) {
  server::ServerOptions options;
  options.io_threads = io_threads;
  options.workers = workers;
  options.waiting_calls = max_waiting;
  options.max_batch = max_batch;
  options.limits = limits.loop;
  // Of each I/O thread.
  options.limits.connections = limits.loop.connections / std::max<std::size_t>(io_threads, 1) + 1;
  options.clients = limits.client;
  options.limits.http.request_timeout = limits.loop.read_timeout;
  options.log = log;
  return options;
}

void bindShadow(nb::module_& module) {
  nb::class_<SharedShadow>(module, "Shadow",
                           "Copies of a model's calls, and what another one answers to them.")
      .def(nb::init<const SharedModel&, const SharedModel&, double, double>(), nb::arg("champion"),
           nb::arg("challenger"), nb::kw_only(), nb::arg("share"), nb::arg("tolerance"),
           "Copies this share of the champion's calls until it is closed.")
      .def("close", &SharedShadow::close)
      .def("totals", &totalsOfShadow, nb::sig("def totals(self) -> dict[str, typing.Any]"),
           "What was compared so far; empty once closed.");
}

void bindRequest(nb::module_& module) {
  nb::class_<SlowRequest>(module, "ServerRequest", "A request that Python answers.")
      .def_prop_ro(
          "is_grpc", [](const SlowRequest& r) { return r.is_grpc; },
          "Whether `target` is a method of gRPC and `body` its message.")
      .def_prop_ro(
          "method", [](const SlowRequest& r) { return textOf(r.method); },
          nb::sig("def method(self) -> str"))
      .def_prop_ro(
          "target", [](const SlowRequest& r) { return textOf(r.target); },
          nb::sig("def target(self) -> str"), "Path and query, as they came.")
      .def_prop_ro(
          "accept_encoding", [](const SlowRequest& r) { return textOf(r.accept_encoding); },
          nb::sig("def accept_encoding(self) -> str"))
      .def_prop_ro(
          "content_encoding", [](const SlowRequest& r) { return textOf(r.content_encoding); },
          nb::sig("def content_encoding(self) -> str"))
      .def_prop_ro(
          "authorization", [](const SlowRequest& r) { return textOf(r.authorization); },
          nb::sig("def authorization(self) -> str"))
      .def_prop_ro(
          "content_type", [](const SlowRequest& r) { return textOf(r.content_type); },
          nb::sig("def content_type(self) -> str"))
      .def_prop_ro(
          "host", [](const SlowRequest& r) { return textOf(r.host); },
          nb::sig("def host(self) -> str"))
      .def_prop_ro(
          "origin", [](const SlowRequest& r) { return textOf(r.origin); },
          nb::sig("def origin(self) -> str"))
      .def_prop_ro(
          "granted", [](const SlowRequest& r) { return server::name(r.granted); },
          "What its client may do: open, infer or admin.")
      .def_prop_ro("body", [](const SlowRequest& r) { return bytesOf(r.body); });
}

}  // namespace

void bindServer(nb::module_& module) {
  bindRequest(module);
  bindExecutions(module);
  nb::class_<SharedModel>(module, "ServedModel", "One version of a model, and what it answered.")
      .def_prop_ro("name", [](const SharedModel& shared) { return shared.model->name(); })
      .def_prop_ro("version", [](const SharedModel& shared) { return shared.model->version(); })
      .def(
          "totals", [](const SharedModel& shared) { return totalsOf(*shared.model); },
          "(protocol, requests that went well, by the client's and by the server's fault, "
          "requests by bucket of latency, the sum of their latency in µs, samples) of each "
          "protocol.")
      .def(
          "executions", [](const SharedModel& shared) { return shared.model->executionTotals(); },
          "How it was run.")
      .def(
          "answered", [](const SharedModel& shared) { return answeredBy(*shared.model); },
          "(protocol, task, signature, requests by bucket of latency, the sum of their latency in "
          "µs, samples) of requests that went well; what nobody asked for is left out.")
      .def(
          "failed_us", [](const SharedModel& shared) { return failedUs(*shared.model); },
          "The sum of the latency of requests that failed, in µs.")
      .def(
          "last_ms", [](const SharedModel& shared) { return shared.model->lastMs(); },
          "When it answered last, in milliseconds since 1970; 0 if it never did.");
  bindShadow(module);
  module.def("has_grpc", &server::protocol::hasHttp2,
             "Whether the extension was built with what gRPC needs.");
  module.def(
      "latency_bounds_us",
      [] {
        return std::vector<double>(server::kLatencyBoundsUs.begin(),
                                   server::kLatencyBoundsUs.end());
      },
      "Upper bounds of the buckets of latency, in microseconds; slower calls are in one more.");
  nb::class_<ServerHolder>(module, "DataPlane", "Answers calls of models over the network, in C++.")
      .def(
          "__init__",
          [](ServerHolder* self, std::size_t io_threads, std::size_t workers,
             std::size_t max_waiting, int64_t max_batch, const ConnectionLimits& limits,
             bool access_log, bool traces) {
            new (self) ServerHolder(optionsOf(io_threads, workers, max_waiting, max_batch, limits,
                                              {access_log, traces}));
          },
          nb::kw_only(), nb::arg("io_threads"), nb::arg("workers"), nb::arg("max_waiting"),
          nb::arg("max_batch"), nb::arg("limits"), nb::arg("access_log") = false,
          nb::arg("traces") = false)
      .def(
          "listen",
          [](ServerHolder& self, const std::string& address, uint16_t port, bool secure) {
            return self.server->listen(address, port, secure);
          },
          nb::arg("address"), nb::arg("port"), nb::kw_only(), nb::arg("secure") = false,
          "Accepts connections, by TLS if it is secure; returns the port.")
      .def(
          "listen_at",
          [](ServerHolder& self, const std::string& path, unsigned mode) {
            self.server->listenAt(path, static_cast<mode_t>(mode));
          },
          nb::arg("path"), nb::arg("mode"), "Accepts connections at a Unix socket.")
      .def(
          "use_certificate",
          [](ServerHolder& self, const std::string& certificate, const std::string& key,
             const std::string& client_ca) {
            self.server->useCertificate({certificate, key, client_ca});
          },
          nb::arg("certificate"), nb::arg("key"), nb::arg("client_ca"),
          "For secure connections from now on; paths of files in PEM, client_ca may be empty.")
      .def_prop_ro(
          "shared_memory",
          [](ServerHolder& self) -> server::SharedMemory& { return self.server->sharedMemory(); },
          nb::rv_policy::reference_internal)
      .def(
          "protect",
          [](ServerHolder& self, const std::optional<std::map<std::string, std::string>>& tokens) {
            AccessPolicy policy = policyOf(tokens);
            const WithoutGil released;
            self.server->protect(std::move(policy));
          },
          nb::arg("tokens").none(),
          "Who may ask for what from now on: tokens' SHA-256 by hexadecimal digits, each with its "
          "scope, infer or admin; None: clients of this machine may do all, others may infer.")
      .def(
          "serve",
          [](ServerHolder& self, std::string name, int64_t version, const Cell& cell,
             std::vector<std::string> class_labels) {
            return new SharedModel(self.server->serve(std::move(name), version, cell.model(),
                                                      std::move(class_labels)));
          },
          nb::arg("name"), nb::arg("version"), nb::arg("cell"),
          nb::arg("class_labels") = std::vector<std::string>{},
          "A model to use(), of what a cell has loaded.")
      .def(
          "use",
          [](ServerHolder& self, const std::vector<const SharedModel*>& models,
             const std::map<std::string, RouteRow>& routes) {
            useModels(*self.server, models, routes);
          },
          nb::arg("models"), nb::arg("routes"),
          "Answers with these models, and no other, from now on. Routes are, by name: label to "
          "version, the version where none is asked for, or None for the highest, and the version "
          "and the share of a canary, or None.")
      .def(
          "take",
          [](ServerHolder& self) {
            const WithoutGil released;
            return self.server->take();
          },
          "A request that Python answers, waited for; None once closed.")
      .def(
          "respond",
          [](ServerHolder& self, const SlowRequest& request, int status, const nb::bytes& body,
             const std::string& content_type, const std::string& headers) {
            respond(*self.server, request, status, body, content_type, headers);
          },
          nb::arg("request"), nb::arg("status"), nb::arg("body"), nb::kw_only(),
          nb::arg("content_type") = "application/json", nb::arg("headers") = "")
      .def(
          "respond_grpc",
          [](ServerHolder& self, const SlowRequest& request, int code, const std::string& message,
             const nb::bytes& body) { respondGrpc(*self.server, request, code, message, body); },
          nb::arg("request"), nb::arg("code"), nb::arg("message"), nb::arg("body"),
          "Answers a request that is_grpc: with gRPC's code, 0 for success, and a message of "
          "protobuf.")
      .def(
          "take_log",
          [](ServerHolder& self) {
            std::string lines;
            {
              const WithoutGil released;
              lines = self.server->requestLog().takeLines();
            }
            return bytesOf(lines);
          },
          "Lines of the access log, waited for; none once closed.")
      .def(
          "take_traces",
          [](ServerHolder& self) {
            std::vector<server::FinishedRequest> requests;
            {
              const WithoutGil released;
              requests = self.server->requestLog().takeSpans();
            }
            return tracesOf(requests);
          },
          nb::sig("def take_traces(self) -> list[tuple[object, ...]]"),
          "Requests whose clients ask for a span, waited for; none once closed.")
      .def(
          "drain",
          [](ServerHolder& self, double longest_s) {
            const std::chrono::milliseconds longest = millisecondsOf("longest_s", longest_s);
            const WithoutGil released;
            return self.server->drain(longest);
          },
          nb::arg("longest_s"),
          "Listens no more, and waits for the requests under way; False if some are left.")
      .def(
          "close", [](ServerHolder& self) { self.server->close(); }, "Lets take() return None.")
      .def(
          "totals", [](const ServerHolder& self) { return totalsOfAll(*self.server); },
          nb::sig("def totals(self) -> dict[str, int]"), "Connections and bytes.");
}

}  // namespace aios::python
