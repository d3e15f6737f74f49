// What the server's data plane tells Python, as rows of plain values.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "server/server.hpp"

namespace aios::python {

nanobind::bytes bytesOf(const std::string& text);
// What came over the network may be any bytes.
nanobind::object textOf(const std::string& text);

// (protocol, requests by outcome, requests by latency, their sum in µs, samples)
using TotalsRow =
    std::tuple<std::string, std::vector<uint64_t>, std::vector<uint64_t>, double, uint64_t>;
std::vector<TotalsRow> totalsOf(const server::ServedModel& model);

// (protocol, task, signature, requests by latency, their sum in µs, samples) of what was asked for
using AnsweredRow =
    std::tuple<std::string, std::string, std::string, std::vector<uint64_t>, double, uint64_t>;
std::vector<AnsweredRow> answeredBy(const server::ServedModel& model);
double failedUs(const server::ServedModel& model);

// (samples, executions, nanoseconds of reading, of the model, of writing) of each size of batch
// that came; more than can be told apart have 0 samples.
using BatchRow = std::tuple<uint64_t, uint64_t, uint64_t, uint64_t, uint64_t>;
std::vector<BatchRow> batchesOf(const server::ExecutionTotals& totals);

// As request_traces.py takes them.
nanobind::list tracesOf(const std::vector<server::FinishedRequest>& requests);
nanobind::dict totalsOfAll(const server::Server& server);

}  // namespace aios::python
