// What a call from Python is made of: arrays for the tensors of a signature, and a result of them.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "numpy_tensor.hpp"
#include "runtime/loaded_model.hpp"

namespace aios::python {

using Arrays = std::vector<BorrowedArray>;

// One value for the only tensor of a role, or a dict of all of them by name. Throws InvalidArgument
// for what is missing, unknown, or doesn't fit.
Arrays borrowInputs(const Signature& signature, nanobind::handle x, bool copy);
// The caller's arrays; new ones where `out` is None.
Arrays outputsFor(const Signature& signature, nanobind::handle out, int64_t batch);

std::vector<TensorView> viewsOf(const Arrays& arrays);
inline nanobind::object arrayOf(const BorrowedArray& borrowed) { return borrowed.array; }

// An array where the call gave one and there is one; else a dict by name.
template <typename Array, typename ToObject>
nanobind::object asResult(const std::vector<Array>& outputs, const Signature& signature,
                          bool as_dict, ToObject to_object) {
  if (!as_dict && outputs.size() == 1) return to_object(outputs.front());
  nanobind::dict result;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result[signature.outputs[i].name.c_str()] = to_object(outputs[i]);
  }
  return result;
}

// The endpoint of a signature's name; of the default where that is None.
runtime::Endpoint& endpointOf(const runtime::LoadedModel& model, nanobind::handle name);

}  // namespace aios::python
