#include "freestone/base/error.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/kernels/elementwise.h"
#include "freestone/kernels/elementwise_loops.h"

namespace freestone::kernels {
namespace {

const LoopSet& best() { return pick(baseline::loop_set, avx2::loop_set, avx2::loop_set)(); }

}  // namespace

std::span<const ElementwiseRow> elementwise_table() { return best().rows; }

const ElementwiseRow* find_elementwise(std::string_view name) {
  for (const ElementwiseRow& row : best().rows)
    if (row.name == name) return &row;
  return nullptr;
}

int row_number(const ElementwiseRow& row) { return static_cast<int>(&row - best().rows.data()); }

BlockLoop cast_loop(DType from, DType to) {
  ensure(is_real(from) && is_real(to), "a cast of complex numbers");
  return best().casts[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

DType compute_type(Domain domain, DType promoted, std::string_view name) {
  if (is_complex(promoted)) fail(ErrorKind::kUser, "{} of complex numbers is not available.", name);
  switch (domain) {
    case Domain::kAny: return promoted;
    case Domain::kNumeric: return is_bool(promoted) ? DType::kInt8 : promoted;
    case Domain::kFloat:
      if (is_floating(promoted)) return promoted;
      return size_of(promoted) <= 2 ? DType::kFloat32 : DType::kFloat64;
    case Domain::kDivide: return is_floating(promoted) ? promoted : DType::kFloat64;
    case Domain::kBool: return DType::kBool;
    case Domain::kInteger:
      if (is_floating(promoted)) fail(ErrorKind::kUser, "{} needs bool or integers, not {}.", name, name_of(promoted));
      return promoted;
  }
  return promoted;
}

}  // namespace freestone::kernels
