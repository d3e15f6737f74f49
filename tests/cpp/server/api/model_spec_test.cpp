#include "server/api/model_spec.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "server/message.hpp"

namespace aios::server::api {
namespace {

TEST(ModelSpec, HasAVersionOrALabelWhicheverCameLast) {
  const Message version = Message().number(1, 3);
  const std::string both = Message().text(1, "m").add(2, version).text(4, "stable").bytes();
  const ModelSpec labelled = readModelSpec(both);
  EXPECT_EQ(labelled.name, "m");
  EXPECT_EQ(labelled.label, "stable");
  EXPECT_FALSE(labelled.version.has_value());
  const std::string other = Message().text(4, "stable").add(2, version).text(3, "s").bytes();
  const ModelSpec versioned = readModelSpec(other);
  EXPECT_EQ(versioned.version, 3);
  EXPECT_EQ(versioned.label, "");
  EXPECT_EQ(versioned.signature, "s");
}

TEST(ModelSpec, IsWrittenAsItIsRead) {
  std::string out;
  appendModelSpec(2, ServedModel("m", 300, nullptr, 1), "serve", out);
  const std::string message = fieldOf(out, 2);
  const ModelSpec spec = readModelSpec(message);
  EXPECT_EQ(spec.name, "m");
  EXPECT_EQ(spec.version, 300);
  EXPECT_EQ(spec.signature, "serve");
}

TEST(ModelSpec, RefusesWhatIsNoMessage) {
  EXPECT_AIOS_ERROR(readModelSpec("\x0a"), kInvalidArgument, "malformed message");
}

}  // namespace
}  // namespace aios::server::api
