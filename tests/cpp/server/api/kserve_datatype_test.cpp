#include "server/api/kserve_datatype.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect_error.hpp"

namespace aios::server::api::kserve {
namespace {

using namespace std::string_literals;

TEST(KServeDatatype, NamesEveryDtype) {
  EXPECT_STREQ(datatypeOf(DType::kBool), "BOOL");
  EXPECT_STREQ(datatypeOf(DType::kFloat32), "FP32");
  EXPECT_STREQ(datatypeOf(DType::kString), "BYTES");
  EXPECT_STREQ(datatypeOf(DType::kBFloat16), "BF16");
  EXPECT_EQ(datatypeOf(DType::kInvalid), nullptr);
}

TEST(KServeDatatype, ReadsAndWritesNumbersAsTheyAre) {
  wire::TensorBuffer buffer;
  buffer.start(DType::kInt16);
  readBinary("\x01\x00\x02\x00"s, "x", buffer);
  const TensorView view = buffer.view(std::vector<int64_t>{2});
  EXPECT_EQ(view.data<int16_t>()[1], 2);
  std::string out;
  appendBinary(view, out);
  EXPECT_EQ(out, "\x01\x00\x02\x00"s);
  EXPECT_EQ(binarySize(view), 4U);
  EXPECT_AIOS_ERROR(readBinary("123", "x", buffer), kInvalidArgument,
                    "input 'x': 3 bytes aren't whole elements");
}

TEST(KServeDatatype, ReadsAndWritesStringsWithTheirLengths) {
  const std::string bytes = "\x02\0\0\0a\0\0\0\0\0"s;
  wire::TensorBuffer buffer;
  buffer.start(DType::kString);
  readBinary(bytes, "x", buffer);
  const TensorView view = buffer.view(std::vector<int64_t>{2});
  EXPECT_EQ(view.data<StringRef>()[0].size, 2U);
  EXPECT_EQ(view.data<StringRef>()[1].size, 0U);
  std::string out;
  appendBinary(view, out);
  EXPECT_EQ(out, bytes);
  EXPECT_EQ(binarySize(view), bytes.size());
}

TEST(KServeDatatype, RefusesStringsThatAreCutShort) {
  for (const std::string& bytes : {"\x02\0\0"s, "\x02\0\0\0a"s, "\xFF\xFF\xFF\xFF"s}) {
    wire::TensorBuffer buffer;
    buffer.start(DType::kString);
    EXPECT_AIOS_ERROR(readBinary(bytes, "x", buffer), kInvalidArgument, "unexpected end");
  }
}

}  // namespace
}  // namespace aios::server::api::kserve
