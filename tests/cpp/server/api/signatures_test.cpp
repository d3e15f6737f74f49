#include "server/api/signatures.hpp"

#include <gtest/gtest.h>

#include "server/tiny_server.hpp"

namespace aios::server::api {
namespace {

TEST(FindEndpoint, TakesTensorFlowServingsDefaultNameForTheDefault) {
  const TinyServer tiny;
  const ServedModel& model = *tiny.table().find("tiny", std::nullopt, "").model;
  runtime::Endpoint* const first = &tiny.model()->endpoint();
  EXPECT_EQ(findEndpoint(model, ""), first);
  EXPECT_EQ(findEndpoint(model, "serve"), first);
  EXPECT_EQ(findEndpoint(model, "serving_default"), first);
  EXPECT_EQ(findEndpoint(model, "other"), nullptr);
}

}  // namespace
}  // namespace aios::server::api
