#include "server_rows.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <chrono>

namespace nb = nanobind;

namespace aios::python {
namespace {

template <typename Visit>
void forEachProtocol(const Visit& visit) {
  for (std::size_t i = 0; i < server::kProtocols * server::kTransports; ++i) {
    visit(static_cast<server::Protocol>(i / server::kTransports),
          static_cast<server::Transport>(i % server::kTransports));
  }
}

std::vector<uint64_t> bucketsOf(const server::CallTotals& totals) {
  return {totals.latency.begin(), totals.latency.end()};
}

}  // namespace

nb::bytes bytesOf(const std::string& text) { return nb::bytes(text.data(), text.size()); }

nb::object textOf(const std::string& text) {
  return nb::steal(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
}

std::vector<TotalsRow> totalsOf(const server::ServedModel& model) {
  std::vector<TotalsRow> rows;
  forEachProtocol([&](server::Protocol protocol, server::Transport transport) {
    const server::CallTotals totals = model.totals(protocol, transport);
    rows.emplace_back(server::name(protocol, transport),
                      std::vector<uint64_t>(totals.requests.begin(), totals.requests.end()),
                      bucketsOf(totals), totals.latency_us, totals.samples);
  });
  return rows;
}

std::vector<AnsweredRow> answeredBy(const server::ServedModel& model) {
  std::vector<AnsweredRow> rows;
  const auto& endpoints = model.model().endpoints();
  forEachProtocol([&](server::Protocol protocol, server::Transport transport) {
    for (std::size_t place = 0; place < endpoints.size() * server::kTasks; ++place) {
      const auto task = static_cast<server::Task>(place % server::kTasks);
      const std::size_t signature = place / server::kTasks;
      const server::CallTotals totals = model.answered({protocol, transport, task, signature});
      if (totals.answered() == 0) continue;
      rows.emplace_back(server::name(protocol, transport), server::name(task),
                        endpoints[signature]->signature().name, bucketsOf(totals),
                        totals.latency_us, totals.samples);
    }
  });
  return rows;
}

double failedUs(const server::ServedModel& model) {
  double sum = 0;
  forEachProtocol([&](server::Protocol protocol, server::Transport transport) {
    sum += model.totals(protocol, transport).failed_us;
  });
  return sum;
}

std::vector<BatchRow> batchesOf(const server::ExecutionTotals& totals) {
  std::vector<BatchRow> rows;
  for (std::size_t samples = 0; samples < totals.batches.size(); ++samples) {
    const server::BatchTotals& batch = totals.batches[samples];
    if (batch.executions == 0) continue;
    rows.emplace_back(samples, batch.executions, batch.input_ns, batch.infer_ns, batch.output_ns);
  }
  return rows;
}

nb::list tracesOf(const std::vector<server::FinishedRequest>& requests) {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  nb::list rows;
  for (const server::FinishedRequest& request : requests) {
    const auto begin = duration_cast<nanoseconds>(request.begin.time_since_epoch()).count();
    rows.append(nb::make_tuple(begin, request.took.count(), request.client, request.protocol,
                               textOf(request.method), textOf(request.target),
                               textOf(request.model), request.version, request.status,
                               request.bytes, textOf(request.traceparent)));
  }
  return rows;
}

nb::dict totalsOfAll(const server::Server& server) {
  const server::ServerTotals totals = server.totals();
  nb::dict counts;
  counts["connections"] = totals.connections;
  counts["accepted"] = totals.accepted;
  counts["refused"] = totals.refused;
  counts["timed_out"] = totals.timed_out;
  counts["bytes_in"] = totals.bytes_in;
  counts["bytes_out"] = totals.bytes_out;
  counts["waiting_calls"] = totals.waiting_calls;
  counts["unlogged"] = totals.unlogged;
  return counts;
}

}  // namespace aios::python
