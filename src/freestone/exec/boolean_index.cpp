#include "freestone/exec/boolean_index.h"

#include "freestone/ops/elementwise.h"
#include "freestone/ops/index_mask.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

Array as_mask(const Array& a) {
  if (a.rank() == 0) fail(ErrorKind::kUser, "A mask needs at least one axis.");
  return is_bool(a.dtype()) ? a : elementwise("not_equal", {a, 0});
}

/// What `mask` picks: of `values`, or its positions.
Array select(const Array& mask, const Array* values, const ComputeOptions& options) {
  const MaskBlocks blocks(mask.shape());
  const Tensor counts = compute(apply_op(std::make_shared<MaskCountOp>(mask.spec(), blocks), {mask}), options);
  std::vector<Index> before{0};
  for (Index i = 0; i < counts.view().count(); ++i) before.push_back(before.back() + counts.data<std::int64_t>()[i]);
  auto ref = std::make_shared<Positions>(std::move(before));
  auto op = std::make_shared<MaskSelectOp>(mask.spec(), values == nullptr ? nullptr : &values->spec(), blocks, std::move(ref));
  return values == nullptr ? apply_op(std::move(op), {mask}) : apply_op(std::move(op), {mask, *values});
}

}  // namespace

Array boolean_index(const Array& x, const Array& mask, const ComputeOptions& options) {
  bool fits = mask.rank() <= x.rank();
  for (int k = 0; fits && k < mask.rank(); ++k) fits = mask.shape()[k] == x.shape()[k];
  if (!fits) fail(ErrorKind::kUser, "A mask of shape {} for an array of shape {}.", to_string(mask.shape()), to_string(x.shape()));
  return select(as_mask(mask), &x, options);
}

Array argwhere(const Array& a, const ComputeOptions& options) { return select(as_mask(a), nullptr, options); }

std::vector<Array> nonzero(const Array& a, const ComputeOptions& options) {
  const Array rows = argwhere(a, options);
  std::vector<Array> out;
  for (Index k = 0; k < a.rank(); ++k) out.push_back(slice(rows, {Slice{}, Slice::at(k)}));
  return out;
}

std::vector<Array> where(const Array& condition, const ComputeOptions& options) { return nonzero(condition, options); }

Array flatnonzero(const Array& a, const ComputeOptions& options) { return nonzero(ravel(a), options)[0]; }

Array extract(const Array& condition, const Array& a, const ComputeOptions& options) {
  if (condition.size() != a.size())
    fail(ErrorKind::kUser, "extract: a condition of shape {} for an array of shape {}.", to_string(condition.shape()),
         to_string(a.shape()));
  return boolean_index(ravel(a), ravel(condition), options);
}

}  // namespace freestone
