#include "engines/tensorflow/config_proto.hpp"

#include <gtest/gtest.h>

namespace aios::engines::tensorflow {
namespace {

const std::string kInCallersThread = "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";

TEST(ConfigProto, NamesTheExecutor) {
  EXPECT_EQ(configProto({1, true}), "\x10\x01" + kInCallersThread +
                                        "\x82\x01\x1a\x1a\x18"
                                        "SINGLE_THREADED_EXECUTOR");
}

TEST(ConfigProto, LeavesTheGraphAsItIs) {
  EXPECT_EQ(configProto({1, false, false}),
            "\x10\x01" + kInCallersThread + "\x52\x05\x52\x03\x98\x01\x01");
}

TEST(ConfigProto, TakesMoreThreadsThanOneByteHolds) {
  EXPECT_EQ(configProto({127, false}), "\x10\x7f" + kInCallersThread);
  EXPECT_EQ(configProto({128, false}), "\x10\x80\x01" + kInCallersThread);
  EXPECT_EQ(configProto({300, false}), "\x10\xac\x02" + kInCallersThread);
}

}  // namespace
}  // namespace aios::engines::tensorflow
