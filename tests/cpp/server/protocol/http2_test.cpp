#include "server/protocol/http2.hpp"

#include <gtest/gtest.h>

namespace aios::server::protocol {
namespace {

class Nothing : public Service {
 public:
  bool answer(const HttpRequest&, HttpAnswer&) override { return true; }
  bool call(const GrpcRequest&, GrpcAnswer&) override { return true; }
};

TEST(Http2, IsThereWhereItWasBuiltIn) {
  Nothing nothing;
  const HttpLimits limits;
  const auto connection = http2Connection(nothing, limits);
  EXPECT_EQ(connection != nullptr, hasHttp2());
  // Its settings.
  EXPECT_TRUE(connection == nullptr || !connection->output().empty());
}

}  // namespace
}  // namespace aios::server::protocol
