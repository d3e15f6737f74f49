#include "engines/tensorflow/meta_graph.hpp"

#include "expect_error.hpp"

namespace aios::engines::tensorflow {
namespace {

// protobuf's wire format, of fields up to 15 and messages up to 127 bytes.
std::string number(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}
std::string message(int field, const std::string& bytes) {
  return std::string{static_cast<char>(field << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

constexpr char kAnySizeVarint[] = "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";

// A TensorInfo of float32[-1,SIZE].
std::string tensorInfo(const std::string& name, int size) {
  const std::string shape = message(2, kAnySizeVarint) + message(2, number(1, size));
  return message(1, name) + number(2, 1) + message(3, shape);
}
std::string entry(const std::string& key, const std::string& value) {
  return message(1, key) + message(2, value);
}
std::string signature(const std::string& name, const std::string& inputs,
                      const std::string& outputs) {
  return message(5, entry(name, message(1, inputs) + message(2, outputs)));
}

TEST(ReadSignatures, GivesTensorsByTheirOwnNamesAndTheGraphs) {
  const std::string bytes =
      signature("serve", entry("x", tensorInfo("in:0", 3)), entry("y", tensorInfo("out:1", 2)));
  const std::vector<SignatureDef> found = readSignatures(bytes);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].signature.name, "serve");
  EXPECT_EQ(found[0].signature.inputs[0].name, "x");
  EXPECT_EQ(describe(found[0].signature.inputs[0]), "float32[-1,3]");
  EXPECT_EQ(describe(found[0].signature.outputs[0]), "float32[-1,2]");
  EXPECT_EQ(found[0].graph.inputs.at("x"), "in:0");
  EXPECT_EQ(found[0].graph.outputs.at("y"), "out:1");
}

TEST(ReadSignatures, PutsTheDefaultFirst) {
  const std::string x = entry("x", tensorInfo("x:0", 1));
  const std::string bytes =
      signature("a", x, x) + signature("serving_default", x, x) + signature("b", x, x);
  std::string names;
  for (const SignatureDef& def : readSignatures(bytes)) names += def.signature.name + " ";
  EXPECT_EQ(names, "serving_default a b ");
}

TEST(ReadSignatures, LeavesOutWhatACellCannotTake) {
  const std::string x = entry("x", tensorInfo("x:0", 1));
  const std::string complex = entry("c", message(1, "c:0") + number(2, 8));
  const std::string unknown_rank =
      entry("u", message(1, "u:0") + number(2, 1) + message(3, number(3, 1)));
  EXPECT_TRUE(readSignatures(signature("s", complex, x)).empty());
  EXPECT_TRUE(readSignatures(signature("s", x, unknown_rank)).empty());
  EXPECT_TRUE(readSignatures("").empty());
}

TEST(ReadSignatures, RefusesBytesThatAreCutShort) {
  const std::string bytes = signature("s", entry("x", tensorInfo("x:0", 1)), "");
  for (const std::size_t size : {bytes.size() - 1, std::size_t{1}}) {
    EXPECT_AIOS_ERROR(readSignatures(bytes.substr(0, size)), kDataLoss, "is malformed");
  }
}

}  // namespace
}  // namespace aios::engines::tensorflow
