// Somebody else's codes of the element types, and whether one is missing: a vendor's, a format's.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "aios/tensor.hpp"

namespace aios {

// All but kInvalid.
inline constexpr std::array kAllDTypes = {
    DType::kBool,    DType::kInt8,    DType::kUInt8,  DType::kInt16,   DType::kUInt16,
    DType::kInt32,   DType::kUInt32,  DType::kInt64,  DType::kUInt64,  DType::kFloat16,
    DType::kFloat32, DType::kFloat64, DType::kString, DType::kBFloat16};

template <typename Code>
struct DTypeCode {
  DType dtype;
  Code code;
};

template <typename Code, std::size_t kCount>
struct DTypeCodes {
  std::array<DTypeCode<Code>, kCount> rows;

  // Null for a dtype that has none.
  constexpr const Code* codeOf(DType dtype) const noexcept {
    for (const DTypeCode<Code>& row : rows) {
      if (row.dtype == dtype) return &row.code;
    }
    return nullptr;
  }

  // kInvalid for a code that has none.
  template <typename Asked>
  constexpr DType dtypeOf(const Asked& code) const noexcept {
    for (const DTypeCode<Code>& row : rows) {
      if (row.code == code) return row.dtype;
    }
    return DType::kInvalid;
  }

  // Whether every dtype but these has exactly one code. For static_assert: a dtype that is new in
  // tensor.hpp then has to be thought of in every table.
  constexpr bool haveAllBut(std::initializer_list<DType> missing) const noexcept {
    std::size_t found = 0;
    for (const DType dtype : kAllDTypes) {
      bool left_out = false;
      for (const DType other : missing) left_out = left_out || other == dtype;
      if (left_out == (codeOf(dtype) != nullptr)) return false;
      found += left_out ? 0 : 1;
    }
    return found == kCount;
  }
};

template <typename Code, std::size_t kCount>
constexpr DTypeCodes<Code, kCount> dtypeCodes(const DTypeCode<Code> (&rows)[kCount]) {
  DTypeCodes<Code, kCount> codes{};
  for (std::size_t i = 0; i < kCount; ++i) codes.rows[i] = rows[i];
  return codes;
}

}  // namespace aios
