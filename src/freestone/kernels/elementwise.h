/// Elementwise math: one table of functions, each a loop over a contiguous block.
///
/// A row gives a function its name, symbol, rule for types and a loop for each compute type. The graph, fusion, the
/// command line's `calc`, Python and the tests read the table; a new function is one row in elementwise_table.cpp and
/// one loop in elementwise_loops.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "freestone/core/dtype.h"

namespace freestone::kernels {

/// `in[i]` and `out` are contiguous blocks of `n` elements; `out` may be one of `in` when the element sizes are equal.
using BlockLoop = void (*)(const std::byte* const* in, std::byte* out, Index n);

/// Which compute types a function has, and what its inputs are converted to.
enum class Domain {
  kAny,      ///< bool and all numbers, in the promoted type
  kNumeric,  ///< numbers; bool is computed as int8
  kFloat,    ///< floating; int8, int16, uint8, uint16 as float32, wider integers as float64
  kDivide,   ///< floating; every integer as float64
  kBool,     ///< everything as bool (not zero)
  kInteger   ///< bool and integers only
};
enum class Result { kSame, kBool };

inline constexpr int kRealTypes = 11;  ///< bool ... float64

struct ElementwiseRow {
  std::string_view name;    ///< NumPy's name
  std::string_view symbol;  ///< operator of expressions, or ""
  int arity;
  Domain domain;
  Result result;
  double nanoseconds;                       ///< a rough cost of one element on one core
  std::array<BlockLoop, kRealTypes> loops;  ///< by compute type; null where undefined
};

std::span<const ElementwiseRow> elementwise_table();
/// The row called `name`, or nullptr.
const ElementwiseRow* find_elementwise(std::string_view name);
/// Index of a row in the table.
int row_number(const ElementwiseRow& row);

/// The loop that converts `from` to `to`, as C++ does; floating to integer truncates, NaN and what is out of range become the lowest
/// value; anything to bool is "not zero".
BlockLoop cast_loop(DType from, DType to);

/// The type that inputs of type `promoted` are converted to in a function of domain `domain`.
/// @throws Error kind user: kInteger with a floating type; complex
DType compute_type(Domain domain, DType promoted, std::string_view name);

}  // namespace freestone::kernels
