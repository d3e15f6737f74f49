#include "bundle/golden.hpp"

#include <cstring>

#include "bundle/temporary_directory.hpp"
#include "expect_error.hpp"

namespace aios::bundle {
namespace {

const Signature kSignature = {
    "s", {{"x", DType::kFloat32, {kAnySize, 2}}}, {{"y", DType::kInt32, {kAnySize}}}};

// Two samples: x = [[1,2]], [[3,4]]; y = [5], [6].
constexpr char kHeader[] = R"({"s/inputs/x":{"dtype":"F32","shape":[2,1,2],"data_offsets":[0,16]},)"
                           R"("s/outputs/y":{"dtype":"I32","shape":[2,1],"data_offsets":[16,24]}})";

std::string fileOf(const std::string& header) {
  const uint64_t size = header.size();
  std::string text(reinterpret_cast<const char*>(&size), sizeof size);
  const float x[] = {1, 2, 3, 4};
  const int32_t y[] = {5, 6};
  text += header;
  text.append(reinterpret_cast<const char*>(x), sizeof x);
  return text.append(reinterpret_cast<const char*>(y), sizeof y);
}

void expectRefused(const std::string& content, const std::string& part) {
  const TemporaryDirectory directory;
  directory.write("g", content);
  EXPECT_AIOS_ERROR(GoldenSamples(Directory(directory.path()), "g").count(kSignature), kDataLoss,
                    part);
}

TEST(GoldenSamples, GivesOneCallsTensors) {
  const TemporaryDirectory directory;
  directory.write("g", fileOf(kHeader));
  const GoldenSamples golden(Directory(directory.path()), "g");
  ASSERT_EQ(golden.count(kSignature), 2U);
  const TensorView x = golden.inputs(kSignature, 1).views[0];
  EXPECT_EQ(describe(x), "float32[1,2]");
  float values[2];
  std::memcpy(values, x.bytesData(), sizeof values);
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[1], 4);
  int32_t answer = 0;
  std::memcpy(&answer, golden.outputs(kSignature, 0).views[0].bytesData(), sizeof answer);
  EXPECT_EQ(answer, 5);
}

TEST(GoldenSamples, KeepsProbesApart) {
  const TemporaryDirectory directory;
  directory.write("none", fileOf(kHeader));
  EXPECT_EQ(GoldenSamples(Directory(directory.path()), "none").probeCount(kSignature), 0U);
  std::string header = kHeader;
  header.insert(header.size() - 1,
                R"(,"s/probe_inputs/x":{"dtype":"F32","shape":[1,1,2],"data_offsets":[8,16]},)"
                R"("s/probe_outputs/y":{"dtype":"I32","shape":[1,1],"data_offsets":[20,24]})");
  directory.write("g", fileOf(header));
  const GoldenSamples golden(Directory(directory.path()), "g");
  EXPECT_EQ(golden.count(kSignature), 2U);
  ASSERT_EQ(golden.probeCount(kSignature), 1U);
  float values[2];
  std::memcpy(values, golden.probeInputs(kSignature, 0).views[0].bytesData(), sizeof values);
  EXPECT_EQ(values[0], 3);
  int32_t answer = 0;
  std::memcpy(&answer, golden.probeOutputs(kSignature, 0).views[0].bytesData(), sizeof answer);
  EXPECT_EQ(answer, 6);
}

TEST(GoldenSamples, RefusesHostileFiles) {
  const std::string good = fileOf(kHeader);
  expectRefused("", "cut short");
  expectRefused(good.substr(0, 7), "cut short");
  expectRefused(good.substr(0, good.size() - 1), "doesn't fit its bytes");
  std::string huge = good;
  std::memset(huge.data(), 0xff, 8);
  expectRefused(huge, "cut short");
  expectRefused(fileOf("[]"), "isn't JSON");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32"}})"), "malformed");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32","shape":[2,1,2],"data_offsets":[16,0]}})"),
                "doesn't fit its bytes");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32","shape":[9223372036854775807,1,2],)"
                       R"("data_offsets":[0,16]}})"),
                "doesn't fit its bytes");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32","shape":[1,9223372036854775809],)"
                       R"("data_offsets":[0,16]}})"),
                "malformed");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32","shape":[9000000000000000,0],)"
                       R"("data_offsets":[0,0]}})"),
                "more than 1000000 samples");
  expectRefused(fileOf(std::string(std::size_t{5} << 20, ' ')), "the header has more than");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"BF9","shape":[2],"data_offsets":[0,16]}})"),
                "unknown dtype");
}

TEST(GoldenSamples, GivesStrings) {
  const Signature signature = {"s", {{"w", DType::kString, {kAnySize}}}, {}};
  const std::string header =
      R"({"s/inputs/w#bytes":{"dtype":"U8","shape":[5],"data_offsets":[32,37]},)"
      R"("s/inputs/w#offsets":{"dtype":"I64","shape":[1,2,2],"data_offsets":[0,32]}})";
  const auto write = [&](const TemporaryDirectory& directory, int64_t last) {
    const uint64_t size = header.size();
    const int64_t offsets[] = {0, 3, 3, last};
    directory.write("g", std::string(reinterpret_cast<const char*>(&size), sizeof size) + header +
                             std::string(reinterpret_cast<const char*>(offsets), sizeof offsets) +
                             "catat");
  };
  const TemporaryDirectory directory;
  write(directory, 5);
  const GoldenSamples golden(Directory(directory.path()), "g");
  const GoldenCall call = golden.inputs(signature, 0);
  ASSERT_EQ(call.views[0].elements(), 2U);
  const StringRef last = call.views[0].data<StringRef>()[1];
  EXPECT_EQ(std::string(last.data, last.size), "at");
  write(directory, 6);
  const GoldenSamples hostile(Directory(directory.path()), "g");
  EXPECT_AIOS_ERROR(hostile.inputs(signature, 0), kDataLoss, "points out of the bytes");
}

TEST(GoldenSamples, RefusesTensorsThatDoNotFitTheSignature) {
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32","shape":[2,1,2],"data_offsets":[0,16]}})"),
                "'s/outputs/y' is missing");
  expectRefused(fileOf(R"({"s/inputs/x":{"dtype":"F32","shape":[1,1,4],"data_offsets":[0,16]}})"),
                "doesn't fit float32[-1,2]");
}

}  // namespace
}  // namespace aios::bundle
