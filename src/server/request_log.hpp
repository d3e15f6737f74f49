// What became of each request: lines of JSON for an access log, and records for spans of traces.
// The I/O threads only append; whoever writes takes what there is, many at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aios::server {

struct FinishedRequest {
  std::chrono::system_clock::time_point begin;
  std::chrono::nanoseconds took{0};
  std::string client;              // its address
  std::string protocol;            // "kserve", or "http" where no model was called
  std::string method;              // "GRPC" by gRPC
  std::string target;              // path and query
  std::string model;               // empty where none was called
  std::optional<int64_t> version;  // the one that answered
  int status = 0;                  // HTTP's, or gRPC's code
  std::size_t bytes = 0;           // of the answer's body
  std::string traceparent;         // as it came
};

// Appends the line of a request, with its end.
void appendLine(const FinishedRequest& request, std::string& lines);

// Whether a client's `traceparent` (W3C Trace Context) asks for a span.
bool isSampled(std::string_view traceparent) noexcept;

// Safe from any thread.
class RequestLog {
 public:
  // Of which there is to be one.
  struct Wanted {
    bool lines = false;
    bool spans = false;
  };

  explicit RequestLog(Wanted wanted) : wanted_(wanted) {}

  // Drops it where nobody takes what there is.
  void append(FinishedRequest&& request);
  // Whether append() does anything.
  bool isOn() const noexcept { return wanted_.lines || wanted_.spans; }

  // What came since, waited for; empty once closed.
  std::string takeLines();
  std::vector<FinishedRequest> takeSpans();
  void close();

  // One that there was no memory for.
  void countDropped() noexcept;
  // Requests without a line or a span, as too much waited.
  uint64_t dropped() const;

 private:
  const Wanted wanted_;
  mutable std::mutex mutex_;
  std::condition_variable lines_came_;
  std::condition_variable spans_came_;
  std::string lines_;
  std::vector<FinishedRequest> spans_;
  uint64_t dropped_ = 0;
  bool closed_ = false;
};

}  // namespace aios::server
