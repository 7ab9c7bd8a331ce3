/// Random arrays and plans for oracle tests of operations: any dtype, NaN and ties, in memory or behind chunks on disk.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "exec/several_plans.h"
#include "exec/stored_in_blocks.h"
#include "freestone/exec/compute.h"

namespace freestone {

/// What an array holds, in C order, as doubles, and the array.
struct Known {
  Array array;
  std::vector<double> values;
  const Shape& shape() const { return array.shape(); }
};

/// Positions along an axis as one column: where it starts in C order, and its step.
struct Column {
  Index first, step, length;
};

/// The columns along `axis`, in C order of the other axes.
inline std::vector<Column> columns_of(const Shape& shape, int axis) {
  Index inner = 1, outer = 1;
  for (int k = axis + 1; k < shape.rank(); ++k) inner *= shape[k];
  for (int k = 0; k < axis; ++k) outer *= shape[k];
  std::vector<Column> out;
  for (Index o = 0; o < outer; ++o)
    for (Index i = 0; i < inner; ++i) out.push_back({o * shape[axis] * inner + i, inner, shape[axis]});
  return out;
}

class RandomArrays {
 public:
  explicit RandomArrays(unsigned seed) : random_(seed) {}

  std::mt19937& engine() { return random_; }
  Index pick(Index n) { return static_cast<Index>(random_() % static_cast<unsigned>(n)); }
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }
  double normal() { return std::normal_distribution<double>()(random_); }
  DType real_dtype() { return static_cast<DType>(pick(11)); }
  DType float_dtype() { return pick(2) == 0 ? DType::kFloat32 : DType::kFloat64; }
  Shape shape(int max_rank, Index longest, bool zeros = false) {
    Shape out;
    for (Index k = 0, rank = 1 + pick(max_rank); k < rank; ++k) out.push_back(zeros && pick(12) == 0 ? 0 : 1 + pick(longest));
    return out;
  }

  /// `grain` > 0 rounds, so that values tie. Half of the arrays lie behind random chunks on disk.
  Known array(DType dtype, const Shape& shape, double nan_share = 0.1, double grain = 0) {
    Known out;
    auto memory = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(element_count(shape) * size_of(dtype)));
    with_real_type(dtype, [&]<class T>(TypeTag<T>) {
      for (Index i = 0; i < element_count(shape); ++i) {
        double x = 20 * normal();
        if (grain > 0) x = std::round(x / grain) * grain;
        T value;
        if constexpr (std::is_floating_point_v<T>)
          value = chance(nan_share) ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(x);
        else if constexpr (std::is_same_v<T, bool>)
          value = x > 10;
        else
          value = static_cast<T>(std::is_signed_v<T> ? x : std::fabs(x));
        std::memcpy(memory->data() + i * static_cast<Index>(sizeof value), &value, sizeof value);
        out.values.push_back(static_cast<double>(value));
      }
    });
    const View view = View::contiguous(memory->data(), dtype, shape);
    out.array = pick(2) == 0 && element_count(shape) > 0 ? on_disk(view) : from_memory(view, memory);
    return out;
  }

  template <class T>
  static Array list(std::vector<T> values) {
    auto memory = std::make_shared<std::vector<T>>(std::move(values));
    return from_memory(View::contiguous(memory->data(), dtype_of<T>(), {static_cast<Index>(memory->size())}), memory);
  }

  Array on_disk(const View& view) {
    Shape block = view.shape;
    for (Index& b : block) b = 1 + pick(b);
    return stored_in_blocks(view, block);
  }

 private:
  std::mt19937 random_;
};

/// Elements as doubles in C order.
inline std::vector<double> numbers(const Tensor& t) {
  std::vector<double> out;
  with_real_type(t.dtype(), [&]<class T>(TypeTag<T>) {
    for (Index i = 0; i < t.view().count(); ++i) out.push_back(static_cast<double>(t.view().as<T>()[i]));
  });
  return out;
}

/// Results computed with plenty of memory, after some tighter plans gave the same bytes and every operation was made again.
inline std::vector<Tensor> compute_any_way(const std::vector<Array>& arrays) {
  return compute_by_several_plans(arrays, [](const std::string& trouble) { ADD_FAILURE() << trouble; });
}
inline Tensor compute_any_way(const Array& array) { return compute_any_way(std::vector<Array>{array}).front(); }
inline void expect_remade(const std::vector<Array>& arrays) {
  for (const std::string& trouble : not_remade(arrays)) ADD_FAILURE() << trouble;
}

inline bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
inline bool near(double a, double b, double relative) { return same(a, b) || std::fabs(a - b) <= relative * (1 + std::fabs(b)); }

}  // namespace freestone
