// libFuzzer's target for gRPC's messages: whatever bytes a message has, it is answered or refused
// with one of the client's errors, and what is answered is a message.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/api/examples.hpp"
#include "server/api/grpc_route.hpp"
#include "server/api/kserve_grpc.hpp"
#include "server/api/tensor_proto.hpp"
#include "server/api/tensorflow_serving_grpc.hpp"
#include "server/tiny_server.hpp"
#include "server/wire/protobuf.hpp"

namespace aios::server {
namespace {

using api::GrpcMethod;

// Calls something; aborts where it fails by more than the client's fault.
template <typename Call>
bool isTaken(const Call& call) {
  try {
    call();
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal || error.code() == ErrorCode::kDataLoss) std::abort();
    return false;
  }
}

// Aborts unless the bytes are a message.
void walk(std::string_view message) {
  wire::ProtobufReader reader(message);
  while (reader.next()) {
  }
}

void call(GrpcMethod method, std::string_view message) {
  static const TinyServer tiny;
  static api::Workspace workspace;
  const auto found = tiny.table().find("tiny", std::nullopt, "");
  std::string out;
  const bool is_taken = isTaken([&] {
    api::grpcRouteOf(method, message);
    switch (method) {
      case GrpcMethod::kModelInfer:
        return api::kserve_grpc::infer(*found.model, message, workspace, out);
      case GrpcMethod::kPredict:
        return api::tensorflow_serving_grpc::predict(*found.model, message, workspace, out);
      case GrpcMethod::kClassify:
        return api::tensorflow_serving_grpc::classify(*found.model, message, workspace, out);
      case GrpcMethod::kRegress:
        return api::tensorflow_serving_grpc::regress(*found.model, message, workspace, out);
      case GrpcMethod::kMultiInference:
        return api::tensorflow_serving_grpc::multiInference(*found.model, message, workspace, out);
      default:
        return;
    }
  });
  if (is_taken) walk(out);
}

// Of inputs of every dtype, as no model here has them.
Signature everyDtype() {
  Signature signature{"every", {}, {}};
  for (int dtype = 1; dtype <= static_cast<int>(DType::kBFloat16); ++dtype) {
    const auto each = static_cast<DType>(dtype);
    signature.inputs.push_back({name(each), each, {kAnySize, kAnySize}});
  }
  return signature;
}

void bind(std::string_view message) {
  static const Signature signature = everyDtype();
  static api::Workspace workspace;
  isTaken(
      [&] { api::examples::bindExamples({{message, message}, message}, signature, workspace); });
  for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
    workspace.start(signature);
    isTaken([&] { api::bindTensorProto(message, false, signature, i, workspace); });
  }
}

}  // namespace
}  // namespace aios::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using aios::server::GrpcMethod;
  constexpr std::array<GrpcMethod, 5> kMethods = {GrpcMethod::kModelInfer, GrpcMethod::kPredict,
                                                  GrpcMethod::kClassify, GrpcMethod::kRegress,
                                                  GrpcMethod::kMultiInference};
  if (size < 1) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 6 == 5) {
    aios::server::bind(message);
  } else {
    aios::server::call(kMethods[data[0] % 6], message);
  }
  return 0;
}
