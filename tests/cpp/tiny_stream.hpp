// A bundle with a stream that adds frames of two floats up, which runs without any vendor's
// library.
#pragma once

#include "tiny_bundle.hpp"

namespace aios {

class TinyStream {
 public:
  TinyStream() {
    std::ifstream code(AIOS_TINY_STEP, std::ios::binary);
    write("c/model.so", {std::istreambuf_iterator<char>(code), {}});
    write("c/weights.bin", "");
    write("golden.safetensors", golden());
    const std::string text = step().dump();
    write("manifest.json", text);
    write("manifest.sha256", bundle::sha256Hex(text.data(), text.size()) + "\n");
    bundle_.publish(manifest());
  }

  const TinyBundle& bundle() const { return bundle_; }
  std::filesystem::path path() const { return bundle_.path(); }
  // Of the whole bundle; for a test to change, and to publish.
  nlohmann::json manifest() const {
    nlohmann::json whole = bundle_.manifest();
    whole["files"].push_back(record("manifest.json", "stream/"));
    whole["stream"] = {{"verdict", "passed"},
                       {"path", "stream"},
                       {"states", {{{"input", "before"}, {"output", "after"}, {"layer", "sum"}}}},
                       {"tolerance", {{"absolute", 1e-5}, {"relative", 1e-4}}},
                       {"samples", 1},
                       {"frames", 1},
                       {"latency_frames", 0},
                       {"reason", nullptr}};
    return whole;
  }

 private:
  using Json = nlohmann::json;

  static Json spec(const char* name, Json shape) {
    return {{"name", name}, {"dtype", "float32"}, {"shape", std::move(shape)}};
  }
  // The bundle of one step.
  Json step() const {
    Json made = bundle_.manifest();
    made["signatures"][0]["inputs"] = {spec("x", {-1, 1, 2}), spec("before", {-1, 2})};
    made["signatures"][0]["outputs"] = {spec("y", {-1, 1, 2}), spec("after", {-1, 2})};
    made["artifacts"][0]["files"] = {record("c/model.so"), record("c/weights.bin")};
    made["files"] = Json::array({record("golden.safetensors")});
    return made;
  }
  // One sample: x = [1, 2] after [3, 4].
  static std::string golden() {
    const std::string header =
        R"({"serve/inputs/x":{"dtype":"F32","shape":[1,1,1,2],"data_offsets":[0,8]},)"
        R"("serve/inputs/before":{"dtype":"F32","shape":[1,1,2],"data_offsets":[8,16]},)"
        R"("serve/outputs/y":{"dtype":"F32","shape":[1,1,1,2],"data_offsets":[16,24]},)"
        R"("serve/outputs/after":{"dtype":"F32","shape":[1,1,2],"data_offsets":[24,32]}})";
    const uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header +
           TinyBundle::bytesOf({1, 2, 3, 4, 4, 6, 4, 6});
  }
  void write(const std::string& file, const std::string& content) const {
    bundle_.write("stream/" + file, content);
  }
  Json record(const std::string& file, const std::string& folder = "") const {
    const std::string content = bundle_.read("stream/" + file);
    return {{"path", folder + file},
            {"bytes", content.size()},
            {"sha256", bundle::sha256Hex(content.data(), content.size())}};
  }

  TinyBundle bundle_;
};

}  // namespace aios
