// Small arrays of the tests of shapes and indexing: naive, independent of the engine, and the same data as Arrays.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "exec/stored_in_blocks.h"
#include "freestone/exec/compute.h"

namespace freestone {

/// Numbers in C order.
struct Grid {
  Shape shape;
  std::vector<double> values;
  double at(const Dims& position) const {
    Index flat = 0;
    for (int k = 0; k < shape.rank(); ++k) flat = flat * shape[k] + position[k];
    return values[static_cast<std::size_t>(flat)];
  }
};

/// Element by element.
inline Grid make_grid(const Shape& shape, const std::function<double(const Dims&)>& value) {
  Grid grid{shape, {}};
  Dims at(shape.rank(), 0);
  for (Index i = 0, n = element_count(shape); i < n; ++i) {
    grid.values.push_back(value(at));
    for (int k = shape.rank() - 1; k >= 0 && ++at[k] == shape[k]; --k) at[k] = 0;
  }
  return grid;
}

class GridData {
 public:
  explicit GridData(unsigned seed) : random(seed) {}
  Index pick(Index n) { return static_cast<Index>(random() % static_cast<unsigned>(n)); }
  Shape shape(int rank, Index longest = 23) {
    Shape out;
    for (int k = 0; k < rank; ++k) out.push_back(pick(5) == 0 ? 1 : 1 + pick(longest));
    return out;
  }
  DType dtype() {
    const DType types[] = {DType::kInt8, DType::kUint8, DType::kInt16, DType::kInt32, DType::kInt64, DType::kFloat32, DType::kFloat64};
    return types[pick(7)];
  }
  /// Small whole numbers, which every dtype holds.
  Grid numbers(const Shape& shape, Index most = 100) {
    return make_grid(shape, [&](const Dims&) { return static_cast<double>(pick(most)); });
  }
  /// In a file in blocks, or in memory.
  Array array(const Grid& grid, DType dtype) {
    auto memory = std::make_shared<Buffer>(std::max<Index>(64, element_count(grid.shape) * size_of(dtype)));
    const View view = View::contiguous(memory->data(), dtype, grid.shape);
    with_real_type(dtype, [&]<class T>(TypeTag<T>) {
      for (std::size_t i = 0; i < grid.values.size(); ++i) view.as<T>()[i] = static_cast<T>(grid.values[i]);
    });
    if (grid.values.empty() || grid.shape.rank() == 0 || pick(3) == 0) return from_memory(view, memory);
    Shape block = grid.shape;
    for (Index& b : block) b = 1 + pick(b);
    return stored_in_blocks(view, block);
  }
  std::mt19937 random;
};

inline std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> out;
  with_real_type(tensor.dtype(), [&]<class T>(TypeTag<T>) {
    for (Index i = 0; i < tensor.view().count(); ++i) out.push_back(static_cast<double>(tensor.view().as<T>()[i]));
  });
  return out;
}

inline ComputeOptions with_memory(Index bytes, int threads) {
  ComputeOptions options;
  options.settings = {bytes, threads, "/var/tmp"};
  return options;
}

/// Equal under plenty of memory, and, bit for bit the same, under as little as works.
inline void expect_grid(const Array& array, const Grid& expected, double tolerance = 0) {
  ASSERT_EQ(array.shape(), expected.shape);
  const Tensor plenty = compute(array, with_memory(Index{1} << 28, 2));
  const auto got = numbers_of(plenty);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected.values[i]) && std::isnan(got[i])) continue;
    ASSERT_NEAR(got[i], expected.values[i], tolerance * std::max(1.0, std::abs(expected.values[i]))) << "element " << i;
  }
  for (Index memory = array.bytes() + 4096;; memory *= 2) {
    try {
      const Tensor tight = compute(array, with_memory(memory, 3));
      ASSERT_EQ(std::memcmp(tight.view().data, plenty.view().data, static_cast<std::size_t>(plenty.view().bytes())), 0)
          << "with " << memory << " bytes";
      return;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kMemory) << error.what();
      ASSERT_LT(memory, Index{1} << 28) << error.what();
    }
  }
}

}  // namespace freestone
