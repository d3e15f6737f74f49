// A table with the model of TinyBundle, y = 2x and z = x + 3, as version 1 and 2 of "tiny".
#pragma once

#include <string>

#include "server/api/caller.hpp"
#include "tiny_bundle.hpp"

namespace aios::server {

class TinyServer {
 public:
  TinyServer()
      : model_(runtime::LoadedModel::load(bundle_.path().string(), {}, options())),
        table_({served(1), served(2)}, {{"tiny", {{{"stable", 1}}, {}, {}}}}) {}

  const ModelTable& table() const { return table_; }
  const std::shared_ptr<runtime::LoadedModel>& model() const { return model_; }
  // The answer to a POST.
  protocol::HttpAnswer post(const std::string& target, const std::string& body,
                            std::size_t inference_header_length = 0,
                            const api::BodyEncodings& encodings = {}) {
    protocol::HttpRequest request;
    request.method = "POST";
    request.target = target;
    auto route = api::routeOf(request);
    if (!route.has_value()) return protocol::errorAnswer(404, "no route");
    route->encodings = encodings;
    const auto found = table_.find(route->model, route->version, route->label);
    if (found.model == nullptr) return api::notFound(*route, found);
    api::Call call{*route, std::nullopt, body};
    if (inference_header_length != 0) call.inference_header_length = inference_header_length;
    return caller_.answer(*found.model, call);
  }

 private:
  static CellOptions options() {
    CellOptions options;
    options.engine = "compiled";
    return options;
  }
  std::shared_ptr<const ServedModel> served(int64_t version) const {
    return std::make_shared<ServedModel>("tiny", version, model_, 1);
  }

  TinyBundle bundle_;
  std::shared_ptr<runtime::LoadedModel> model_;
  ModelTable table_;
  api::Caller caller_{0};
};

}  // namespace aios::server
