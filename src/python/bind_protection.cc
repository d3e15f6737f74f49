#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "aios/error.hpp"
#include "bindings.hpp"
#include "connection_limits.hpp"
#include "server/ed25519.hpp"

namespace nb = nanobind;

namespace aios::python {
namespace {

constexpr double kLongestS = 1e8;

nb::bytes bytesOf(const std::string& text) { return nb::bytes(text.data(), text.size()); }
std::string_view viewOf(const nb::bytes& bytes) { return {bytes.c_str(), bytes.size()}; }

std::chrono::seconds secondsOf(const char* name, double seconds) {
  return std::chrono::ceil<std::chrono::seconds>(millisecondsOf(name, seconds));
}

void bindLimits(nb::module_& module) {
  nb::class_<ConnectionLimits>(module, "ConnectionLimits", "What clients of a server may do.")
      .def(
          "__init__",
          [](ConnectionLimits* self, std::size_t head_bytes, std::size_t headers,
             std::size_t body_bytes, std::size_t connections, double read_timeout_s,
             double write_timeout_s, double idle_timeout_s, double client_requests_per_s,
             double client_burst, std::size_t client_connections,
             const std::string& answer_headers) {
            server::LoopLimits loop;
            loop.http.every_answer = answer_headers;
            loop.http.head_bytes = head_bytes;
            loop.http.headers = headers;
            loop.http.body_bytes = body_bytes;
            loop.connections = connections;
            loop.read_timeout = millisecondsOf("read_timeout_s", read_timeout_s);
            loop.write_timeout = secondsOf("write_timeout_s", write_timeout_s);
            loop.idle_timeout = secondsOf("idle_timeout_s", idle_timeout_s);
            new (self)
                ConnectionLimits{loop, {client_requests_per_s, client_burst, client_connections}};
          },
          nb::kw_only(), nb::arg("head_bytes"), nb::arg("headers"), nb::arg("body_bytes"),
          nb::arg("connections"), nb::arg("read_timeout_s"), nb::arg("write_timeout_s"),
          nb::arg("idle_timeout_s"), nb::arg("client_requests_per_s"), nb::arg("client_burst"),
          nb::arg("client_connections"), nb::arg("answer_headers"));
}

void bindSignatures(nb::module_& module) {
  namespace ed25519 = server::ed25519;
  module.def(
      "ed25519_public_key",
      [](const nb::bytes& secret) { return bytesOf(ed25519::publicKey(viewOf(secret))); },
      nb::arg("secret"), "Of 32 bytes. Needs OpenSSL, as the other two.");
  module.def(
      "ed25519_sign",
      [](const nb::bytes& secret, const nb::bytes& message) {
        return bytesOf(ed25519::sign(viewOf(secret), viewOf(message)));
      },
      nb::arg("secret"), nb::arg("message"), "64 bytes.");
  module.def(
      "ed25519_verify",
      [](const nb::bytes& public_key, const nb::bytes& message, const nb::bytes& signature) {
        return ed25519::verify(viewOf(public_key), viewOf(message), viewOf(signature));
      },
      nb::arg("public_key"), nb::arg("message"), nb::arg("signature"));
}

}  // namespace

std::chrono::milliseconds millisecondsOf(const char* name, double seconds) {
  if (std::isnan(seconds)) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(name) + ": expected seconds, such as 10.0, got nan");
  }
  return std::chrono::milliseconds(static_cast<int64_t>(std::clamp(seconds, 0.0, kLongestS) * 1e3));
}

void bindProtection(nb::module_& module) {
  bindLimits(module);
  bindSignatures(module);
}

}  // namespace aios::python
