#include "freestone/base/error.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/kernels/elementwise.h"
#include "freestone/kernels/elementwise_loops.h"

namespace freestone::kernels {
namespace {

const LoopSet& best() { return pick(baseline::loop_set, avx2::loop_set, avx2::loop_set)(); }

constexpr ElementwiseAlias kAliases[] = {
    {"abs", "absolute"},          {"acos", "arccos"},
    {"acosh", "arccosh"},         {"asin", "arcsin"},
    {"asinh", "arcsinh"},         {"atan", "arctan"},
    {"atan2", "arctan2"},         {"atanh", "arctanh"},
    {"bitwise_invert", "invert"}, {"bitwise_left_shift", "left_shift"},
    {"bitwise_not", "invert"},    {"bitwise_right_shift", "right_shift"},
    {"conj", "conjugate"},        {"degrees", "rad2deg"},
    {"mod", "remainder"},         {"pow", "power"},
    {"radians", "deg2rad"},       {"true_divide", "divide"},
};

/// "bool, integers and floating numbers": what `row` computes in.
std::string types_of(const ElementwiseRow& row) {
  const auto has = [&](DType t) { return row.loops[static_cast<std::size_t>(t)] != nullptr; };
  std::string text;
  const auto add = [&](bool present, std::string_view words) {
    if (present) text += (text.empty() ? "" : ", ") + std::string(words);
  };
  const bool takes_bool = has(DType::kBool) || (row.domain == Domain::kNumeric && has(DType::kInt8));
  const bool converts = row.domain == Domain::kFloat || row.domain == Domain::kDivide || row.domain == Domain::kWide;
  add(takes_bool || converts, "bool");
  add(has(DType::kInt8) || converts, "integers");
  add(has(DType::kFloat64), "floating numbers");
  add(has(DType::kComplex128), "complex numbers");
  return text;
}

DType converted(Domain domain, DType promoted) {
  const bool inexact = is_floating(promoted) || is_complex(promoted);
  switch (domain) {
    case Domain::kAny: return promoted;
    case Domain::kNumbersOnly: return promoted;
    case Domain::kNumeric: return is_bool(promoted) ? DType::kInt8 : promoted;
    case Domain::kFloat: return inexact ? promoted : size_of(promoted) <= 2 ? DType::kFloat32 : DType::kFloat64;
    case Domain::kDivide: return inexact ? promoted : DType::kFloat64;
    case Domain::kWide: return is_complex(promoted) ? DType::kComplex128 : DType::kFloat64;
    case Domain::kBool: return DType::kBool;
  }
  return promoted;
}

}  // namespace

std::span<const ElementwiseRow> elementwise_table() { return best().rows; }

std::span<const ElementwiseAlias> elementwise_aliases() { return kAliases; }

const ElementwiseRow* find_elementwise(std::string_view name) {
  for (const ElementwiseAlias& alias : kAliases)
    if (alias.alias == name) name = alias.name;
  for (const ElementwiseRow& row : best().rows)
    if (row.name == name) return &row;
  return nullptr;
}

int row_number(const ElementwiseRow& row) { return static_cast<int>(&row - best().rows.data()); }

BlockLoop cast_loop(DType from, DType to) {
  const BlockLoop loop = best().casts[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
  ensure(loop != nullptr, "a cast from complex to real numbers");
  return loop;
}

DType promoted_as(const ElementwiseRow& row, DType t) { return row.domain == Domain::kFloat ? converted(Domain::kFloat, t) : t; }

DType compute_type(const ElementwiseRow& row, DType promoted) {
  const DType compute = converted(row.domain, promoted);
  if (row.loops[static_cast<std::size_t>(compute)] != nullptr) return compute;
  std::string_view advice;
  if (is_bool(promoted))
    advice = " Convert it first (astype), or use logical_not or logical_xor.";
  else if (is_complex(promoted))
    advice = " Take real, imag or absolute of it first.";
  fail(ErrorKind::kUser, "{} of {} is not defined; it takes {}.{}", row.name, name_of(promoted), types_of(row), advice);
}

DType result_type(const ElementwiseRow& row, DType compute) {
  switch (row.result) {
    case Result::kSame: return compute;
    case Result::kBool: return DType::kBool;
    case Result::kReal: return real_type(compute);
    case Result::kUint8: return DType::kUint8;
    case Result::kInt32: return DType::kInt32;
  }
  return compute;
}

DType operand_type(const ElementwiseRow& row, DType compute, int k) {
  if (row.operands == Operands::kConditionFirst && k == 0) return DType::kBool;
  if (row.operands == Operands::kIntegerLast && k == row.arity - 1) return DType::kInt64;
  return compute;
}

}  // namespace freestone::kernels
