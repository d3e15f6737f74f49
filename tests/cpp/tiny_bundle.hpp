// A whole bundle for one test, which runs without any vendor's library: y = 2x, z = x + 3.
#pragma once

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bundle/integrity.hpp"
#include "bundle/temporary_directory.hpp"

namespace aios {

class TinyBundle {
 public:
  // `name` is its folder in a temporary directory.
  explicit TinyBundle(const std::string& name = "tiny.cell") : name_(name) {
    std::ifstream code(AIOS_TINY_MODEL, std::ios::binary);
    write("c/model.so", {std::istreambuf_iterator<char>(code), {}});
    write("c/weights.bin", bytesOf({2.0f, 3.0f}));
    write("golden.safetensors", golden());
    publish(manifest());
  }

  std::filesystem::path path() const { return parent_.path() / name_; }
  void write(const std::string& file, const std::string& content) const {
    parent_.write(name_ + "/" + file, content);
  }
  std::string read(const std::string& file) const {
    std::ifstream stream(path() / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // What the files hold now; for a test to change, and to publish.
  nlohmann::json manifest() const {
    using Json = nlohmann::json;
    const auto spec = [](const char* tensor) {
      return Json{{"name", tensor}, {"dtype", "float32"}, {"shape", {-1, 2}}};
    };
    const Json graph = {{"path", "c/model.so"},
                        {"batch", -1},
                        {"signature", nullptr},
                        {"inputs", Json::object()},
                        {"outputs", Json::object()}};
    const Json artifact = {{"engine", "compiled"},
                           {"target", "native"},
                           {"precision", "float32"},
                           {"verdict", "passed"},
                           {"reason", nullptr},
                           {"max_error", 0.0},
                           {"tolerance", {{"absolute", 1e-5}, {"relative", 1e-4}}},
                           {"composable", true},
                           {"graphs", Json::array({graph})},
                           {"files", {record("c/model.so"), record("c/weights.bin")}}};
    return {{"format_version", 1},
            {"signatures", Json::array({{{"name", "serve"},
                                         {"inputs", Json::array({spec("x")})},
                                         {"outputs", {spec("y"), spec("z")}}}})},
            {"artifacts", Json::array({artifact})},
            {"files", Json::array({record("golden.safetensors")})},
            {"golden", "golden.safetensors"},
            {"labels", nullptr},
            {"provenance", Json::object()}};
  }
  void publish(const nlohmann::json& manifest) const {
    const std::string text = manifest.dump();
    write("manifest.json", text);
    write("manifest.sha256", bundle::sha256Hex(text.data(), text.size()) + "\n");
  }

  static std::string bytesOf(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }

 private:
  // One sample: x = [1, -2].
  static std::string golden() {
    const std::string header =
        R"({"serve/inputs/x":{"dtype":"F32","shape":[1,1,2],"data_offsets":[0,8]},)"
        R"("serve/outputs/y":{"dtype":"F32","shape":[1,1,2],"data_offsets":[8,16]},)"
        R"("serve/outputs/z":{"dtype":"F32","shape":[1,1,2],"data_offsets":[16,24]}})";
    const uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header +
           bytesOf({1, -2, 2, -4, 4, 1});
  }
  nlohmann::json record(const std::string& file) const {
    const std::string content = read(file);
    return {{"path", file},
            {"bytes", content.size()},
            {"sha256", bundle::sha256Hex(content.data(), content.size())}};
  }

  TemporaryDirectory parent_;
  std::string name_;
};

}  // namespace aios
