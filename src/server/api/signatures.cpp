#include "server/api/signatures.hpp"

namespace aios::server::api {

runtime::Endpoint* findEndpoint(const ServedModel& model, const std::string& signature) {
  runtime::Endpoint& first = model.model().endpoint();
  if (signature.empty()) return &first;
  for (const auto& endpoint : model.model().endpoints()) {
    if (endpoint->signature().name == signature) return endpoint.get();
  }
  return signature == kDefaultSignature ? &first : nullptr;
}

}  // namespace aios::server::api
