/// Elementwise math: one table of functions, each a loop over a contiguous block.
///
/// A row gives a function its name, symbol, rule for types and a loop for each compute type that it has; complex numbers are two more
/// columns. The graph, fusion, the command line's `calc`, Python and the tests read the table; a new function is one row in
/// elementwise_loops.inl and one functor in elementwise_functions.inl. Rows have NumPy's names; the array API's are aliases.
/// Types and values are NumPy 2's, but that float16 does not exist: where NumPy computes bool, int8 and uint8 in it, this is float32.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "freestone/core/dtype.h"

namespace freestone::kernels {

/// `in[i]` and `out` are contiguous blocks of `n` elements; `out` may be one of `in` when the element sizes are equal.
using BlockLoop = void (*)(const std::byte* const* in, std::byte* out, Index n);

/// From the promoted type of the operands to the type that the function computes in.
enum class Domain {
  kAny,          ///< the promoted type
  kNumeric,      ///< the promoted type; bool is computed as int8
  kNumbersOnly,  ///< the promoted type; bool is refused
  kFloat,        ///< floating or complex; each operand of bool, int8, int16, uint8, uint16 counts as float32, of wider integers as float64
  kDivide,       ///< floating or complex; bool and every integer as float64
  kWide,         ///< float64, or complex128
  kBool          ///< everything as bool (not zero)
};
/// From the compute type to that of the result.
enum class Result {
  kSame,
  kBool,
  kReal,  ///< of a complex type that of its parts
  kUint8,
  kInt32
};
/// The types of the operands of a loop.
enum class Operands {
  kAlike,           ///< the compute type
  kConditionFirst,  ///< bool, then the compute type
  kIntegerLast      ///< the compute type, last int64; its operand must be bool or integer
};

inline constexpr int kMaxOperands = 4;

struct ElementwiseRow {
  std::string_view name;    ///< NumPy's name
  std::string_view symbol;  ///< operator of expressions, or ""
  int arity;
  Domain domain;
  Result result;
  double nanoseconds;                        ///< a rough cost of one element of eight bytes on one core
  std::array<BlockLoop, kDTypeCount> loops;  ///< by compute type; null where undefined
  Operands operands = Operands::kAlike;
  std::span<const double> defaults = {};  ///< the last operands where they are not given; clamped to the compute type's finite range
};

std::span<const ElementwiseRow> elementwise_table();
/// The row called `name`, an alias included, or nullptr.
const ElementwiseRow* find_elementwise(std::string_view name);
/// Index of a row in the table.
int row_number(const ElementwiseRow& row);

/// Another name of a row: the array API's, or one of NumPy's own.
struct ElementwiseAlias {
  std::string_view alias, name;
};
std::span<const ElementwiseAlias> elementwise_aliases();

/// The loop that converts `from` to `to`, as C++ does; floating to integer truncates, NaN and what is out of range become the lowest
/// value; anything to bool is "not zero". There is none from complex to real, but to bool.
BlockLoop cast_loop(DType from, DType to);

/// What an operand of type `t` adds to the promoted type.
DType promoted_as(const ElementwiseRow& row, DType t);
/// The type that `row` computes in for operands that promote to `promoted`.
/// @throws Error kind user: the function is not defined for that type
DType compute_type(const ElementwiseRow& row, DType promoted);
/// The type of its result.
DType result_type(const ElementwiseRow& row, DType compute);
/// The type that operand `k` is converted to.
DType operand_type(const ElementwiseRow& row, DType compute, int k);

}  // namespace freestone::kernels
