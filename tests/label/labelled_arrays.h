// Variables made of numbers in memory, and their values as doubles.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/label/dataset.h"
#include "freestone/ops/elementwise.h"

namespace freestone::testing_labels {

/// The numbers as an array of `dtype`.
inline Array array_of(std::vector<double> values, const Shape& shape, DType dtype = DType::kFloat64) {
  auto owner = std::make_shared<std::vector<double>>(std::move(values));
  return astype(from_memory(View::contiguous(owner->data(), DType::kFloat64, shape), owner), dtype);
}
inline Array line_of(std::vector<double> values, DType dtype = DType::kFloat64) {
  const auto n = static_cast<Index>(values.size());
  return array_of(std::move(values), {n}, dtype);
}

inline std::vector<double> values_of(const Array& array) {
  const Tensor tensor = compute(astype(array, DType::kFloat64));
  return {tensor.data<double>(), tensor.data<double>() + array.size()};
}

/// A coordinate: name(name).
inline DatasetVariable axis(const std::string& name, std::vector<double> values, std::vector<formats::Attribute> attributes = {},
                            DType dtype = DType::kFloat64) {
  return {name, line_of(std::move(values), dtype), {name}, std::move(attributes)};
}

}  // namespace freestone::testing_labels
