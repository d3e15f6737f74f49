// An endpoint over a function, of a model whose samples are answered alone.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "runtime/endpoint.hpp"
#include "runtime/function_model.hpp"

namespace aios::runtime {

class FunctionEndpoint {
 public:
  FunctionEndpoint(Signature signature, Answer answer) {
    artifact_.composable = true;
    const auto load = [signature, answer = std::move(answer)] {
      Runners runners;
      runners.push_back(
          std::make_unique<Runner>(std::make_shared<FunctionModel>(answer), signature, 4));
      return runners;
    };
    contest_.candidates.push_back(std::make_unique<Candidate>(artifact_, load, ""));
    endpoint_ = std::make_unique<Endpoint>(contest_, signature, 0);
  }
  FunctionEndpoint(const FunctionEndpoint&) = delete;
  FunctionEndpoint& operator=(const FunctionEndpoint&) = delete;

  Endpoint& operator*() { return *endpoint_; }
  Endpoint* operator->() { return endpoint_.get(); }

 private:
  bundle::Artifact artifact_;
  Contest contest_;
  std::unique_ptr<Endpoint> endpoint_;
};

}  // namespace aios::runtime
