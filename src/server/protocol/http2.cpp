#include "server/protocol/http2.hpp"

#ifdef AIOS_HAS_NGHTTP2
#include "server/protocol/http2_connection.hpp"
#endif

namespace aios::server::protocol {

#ifdef AIOS_HAS_NGHTTP2
bool hasHttp2() noexcept { return true; }

std::unique_ptr<Connection> http2Connection(Service& service, const HttpLimits& limits) {
  return std::make_unique<Http2Connection>(service, limits);
}
#else
bool hasHttp2() noexcept { return false; }

std::unique_ptr<Connection> http2Connection(Service& /*service*/, const HttpLimits& /*limits*/) {
  return nullptr;
}
#endif

}  // namespace aios::server::protocol
