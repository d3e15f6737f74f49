#include "runtime/batch_buckets.hpp"

#include <gtest/gtest.h>

namespace aios::runtime {
namespace {

TEST(Buckets, ArePowersOfTwo) {
  EXPECT_EQ(bucketOf(1), 0U);
  EXPECT_EQ(bucketOf(2), 1U);
  EXPECT_EQ(bucketOf(3), bucketOf(4));
  EXPECT_EQ(bucketOf(5), bucketOf(8));
  EXPECT_NE(bucketOf(4), bucketOf(5));
  for (const std::size_t bucket : {0, 1, 5, 20}) {
    EXPECT_EQ(bucketOf(bucketLimit(bucket)), bucket);
    EXPECT_EQ(bucketOf(bucketLimit(bucket) + 1), bucket + 1);
  }
}

}  // namespace
}  // namespace aios::runtime
