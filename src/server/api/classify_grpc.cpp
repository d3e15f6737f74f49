// Classify, Regress and MultiInference of TensorFlow Serving's PredictionService.
#include <algorithm>
#include <vector>

#include "server/api/example_results.hpp"
#include "server/api/examples.hpp"
#include "server/api/model_spec.hpp"
#include "server/api/signatures.hpp"
#include "server/api/tensorflow_serving_grpc.hpp"
#include "server/wire/json_tensor.hpp"
#include "server/wire/protobuf.hpp"

namespace aios::server::api::tensorflow_serving_grpc {
namespace {

using examples::Classification;
using examples::ExampleList;
using examples::Regression;
using wire::bytesTag;
using wire::MergedMessage;
using wire::NestedMessage;
using wire::ProtobufReader;
using wire::tagOf;

// The numbers of fields in proto/tensorflow_serving.proto.
constexpr uint32_t kModelSpec = 1, kInput = 2;
constexpr uint32_t kExampleListWithContext = 2;  // beside 1, the list alone
constexpr uint32_t kExamples = 1, kContext = 2;
constexpr uint32_t kResult = 1, kResponseModelSpec = 2;
constexpr uint32_t kClassifications = 1, kClasses = 1, kLabel = 1, kScore = 2;
constexpr uint32_t kRegressions = 1, kRegressionValue = 1;
constexpr uint32_t kTasks = 1, kTaskModelSpec = 1, kTaskMethod = 2;
constexpr uint32_t kResults = 1, kResultModelSpec = 1, kClassificationResult = 2,
                   kRegressionResult = 3;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// The Input of a request: one kind of list, the one that was set last.
class ExampleInput {
 public:
  // Of a message that has it in this field. Borrows that.
  ExampleInput(std::string_view message, uint32_t field) : input_(message, field) {
    uint32_t kind = 0;
    ProtobufReader reader(input_.bytes());
    while (reader.next()) {
      const uint32_t next = reader.tag() >> 3;
      if (reader.tag() != bytesTag(next) || next > kExampleListWithContext) continue;
      if (next != kind) {
        list_ = {};
        context_.clear();
      }
      kind = next;
      readList(reader.bytes(), kind);
    }
    list_.context = context_.bytes();
  }

  const ExampleList& list() const noexcept { return list_; }

 private:
  void readList(std::string_view message, uint32_t kind) {
    ProtobufReader reader(message);
    while (reader.next()) {
      if (reader.tag() == bytesTag(kExamples)) list_.examples.push_back(reader.bytes());
      if (kind != kExampleListWithContext || reader.tag() != bytesTag(kContext)) continue;
      context_.add(reader.bytes());
    }
  }

  MergedMessage input_;
  MergedMessage context_;
  ExampleList list_;
};

void appendFloat(uint32_t field, float value, std::string& out) {
  wire::appendVarint(tagOf(field, wire::WireType::kFixed32), out);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void appendClass(const examples::Class& found, std::string& out) {
  if (!wire::isUtf8(found.label)) {
    refuse("a class's label isn't UTF-8, as this answer needs it; call predict instead");
  }
  wire::appendBytesHead(kClasses,
                        wire::bytesFieldSize(kLabel, found.label.size()) + 1 + sizeof(float), out);
  wire::appendBytesField(kLabel, found.label, out);
  appendFloat(kScore, found.score, out);
}

void appendResult(uint32_t field, const Classification& found, std::string& out) {
  NestedMessage result(field, out);
  for (std::size_t example = 0; example < found.exampleCount(); ++example) {
    NestedMessage classes(kClassifications, out);
    for (std::size_t i = 0; i < found.classCount(); ++i) appendClass(found.at(example, i), out);
    classes.end();
  }
  result.end();
}

void appendResult(uint32_t field, const Regression& found, std::string& out) {
  NestedMessage result(field, out);
  for (std::size_t example = 0; example < found.exampleCount(); ++example) {
    wire::appendBytesHead(kRegressions, 1 + sizeof(float), out);
    appendFloat(kRegressionValue, found.at(example), out);
  }
  result.end();
}

std::string_view nameFor(const ModelSpec& spec, const Signature& signature) {
  return spec.signature.empty() ? std::string_view(signature.name) : spec.signature;
}

// One task on its examples.
class Task {
 public:
  Task(const ServedModel& model, const ModelSpec& spec, const char* unknown_signature)
      : model_(model), spec_(spec), endpoint_(findEndpoint(model, std::string(spec.signature))) {
    if (endpoint_ == nullptr) refuse(unknown_signature + std::string(spec.signature));
  }

  void run(const ExampleList& list, Workspace& workspace) {
    count_ = list.examples.size();
    examples::bindExamples(list, endpoint_->signature(), workspace);
    outputs_ = workspace.run(*endpoint_);
  }
  void appendClassification(uint32_t field, std::string& out) const {
    appendResult(
        field, Classification(endpoint_->signature(), outputs_, count_, model_.classLabels()), out);
  }
  void appendRegression(uint32_t field, std::string& out) const {
    appendResult(field, Regression(endpoint_->signature(), outputs_, count_), out);
  }
  void appendSpec(uint32_t field, std::string& out) const {
    appendModelSpec(field, model_, nameFor(spec_, endpoint_->signature()), out);
  }
  const runtime::Endpoint* endpoint() const noexcept { return endpoint_; }

 private:
  const ServedModel& model_;
  const ModelSpec spec_;
  runtime::Endpoint* endpoint_;
  std::size_t count_ = 0;
  Span<const TensorView> outputs_;
};

constexpr const char* kUnknownSignature = "No signature was found with the name: ";

// How a task wants its signature to be used: whether it classifies.
bool classifies(std::string_view task) {
  std::string_view method;
  ProtobufReader reader(task);
  while (reader.next()) {
    if (reader.tag() == bytesTag(kTaskMethod)) method = reader.bytes();
  }
  if (method == "tensorflow/serving/classify") return true;
  if (method == "tensorflow/serving/regress") return false;
  throw Error(ErrorCode::kUnsupported, "Unsupported signature method_name: " + std::string(method));
}

void appendTask(const ServedModel& model, std::string_view message, const ExampleList& list,
                std::vector<const runtime::Endpoint*>& done, Workspace& workspace,
                std::string& out) {
  const MergedMessage spec(message, kTaskModelSpec);
  Task task(model, readModelSpec(spec.bytes()), "Requested signature not found in model graph: ");
  if (std::find(done.begin(), done.end(), task.endpoint()) != done.end()) {
    refuse("Duplicate evaluation of signature: " + task.endpoint()->signature().name);
  }
  done.push_back(task.endpoint());
  const bool wants_classes = classifies(message);
  task.run(list, workspace);
  NestedMessage result(kResults, out);
  task.appendSpec(kResultModelSpec, out);
  if (wants_classes) {
    task.appendClassification(kClassificationResult, out);
  } else {
    task.appendRegression(kRegressionResult, out);
  }
  result.end();
}

// Answers a ClassificationRequest or a RegressionRequest, which have the same fields.
void answer(const ServedModel& model, std::string_view message, Workspace& workspace,
            void (Task::*append)(uint32_t, std::string&) const, std::string& out) {
  const MergedMessage spec(message, kModelSpec);
  const ExampleInput input(message, kInput);
  Task task(model, readModelSpec(spec.bytes()), kUnknownSignature);
  task.run(input.list(), workspace);
  (task.*append)(kResult, out);
  task.appendSpec(kResponseModelSpec, out);
}

}  // namespace

void classify(const ServedModel& model, std::string_view message, Workspace& workspace,
              std::string& out) {
  answer(model, message, workspace, &Task::appendClassification, out);
}

void regress(const ServedModel& model, std::string_view message, Workspace& workspace,
             std::string& out) {
  answer(model, message, workspace, &Task::appendRegression, out);
}

void multiInference(const ServedModel& model, std::string_view message, Workspace& workspace,
                    std::string& out) {
  const ExampleInput input(message, kInput);
  std::vector<const runtime::Endpoint*> done;
  ProtobufReader reader(message);
  while (reader.next()) {
    if (reader.tag() != bytesTag(kTasks)) continue;
    appendTask(model, reader.bytes(), input.list(), done, workspace, out);
  }
}

}  // namespace aios::server::api::tensorflow_serving_grpc
