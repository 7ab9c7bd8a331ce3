#include "freestone/ops/index_put.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/create.h"
#include "freestone/ops/index.h"

namespace freestone {
namespace {

Access value_access(const Dims& start, const Dims& step) {
  Access access;
  for (int k = 0; k < start.rank(); ++k) access.push_back(step[k] == 1 ? AxisMap::point(k, -start[k]) : AxisMap::gather());
  return access;
}

}  // namespace

PutOp::PutOp(const Spec& array, const Spec& value, Dims start, Dims step)
    : Op(array.shape, {array}, {identity_access(array.shape.rank()), value_access(start, step)}, {identity_access(array.shape.rank())}),
      value_(value.shape),
      start_(start),
      step_(step) {
  bool fits =
      value.dtype == array.dtype && value_.rank() == array.shape.rank() && start.rank() == value_.rank() && step.rank() == value_.rank();
  for (int k = 0; fits && k < value_.rank(); ++k)
    fits = start[k] >= 0 && step[k] >= 1 && (value_[k] == 0 || start[k] + (value_[k] - 1) * step[k] < array.shape[k]);
  if (!fits) fail(ErrorKind::kData, "A region of shape {} does not fit an array of shape {}.", to_string(value_), to_string(array.shape));
}

nlohmann::json PutOp::params() const { return {{"start", start_.to_vector()}, {"step", step_.to_vector()}}; }

Box PutOp::input_box(int i, const Box& box, const Shape& array) const {
  if (i == 0) return map_box(input(0), box, array);
  Box out(array);
  for (int k = 0; k < array.rank(); ++k) {
    const auto up = [&](Index position) {  // the first value at or after it
      return std::clamp<Index>(position <= start_[k] ? 0 : (position - start_[k] + step_[k] - 1) / step_[k], 0, array[k]);
    };
    const Index first = up(box.start[k]), end = std::max(first, up(box.end(k)));
    out.start[k] = first, out.shape[k] = end - first;
  }
  return out;
}

Need PutOp::need(const Box& box) const { return {0, 0.4 * static_cast<double>(box.count())}; }

void PutOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel&) const {
  const View from = in[0].part(box).view, to = out[0].part(box).view;
  if (from.data != to.data) copy(from, to);
  const Box part = input_box(1, box, value_);
  if (part.empty()) return;
  View region = to;
  for (int k = 0; k < box.rank(); ++k) {
    region.data += (start_[k] + part.start[k] * step_[k] - box.start[k]) * to.strides[k];
    region.shape[k] = part.shape[k];
    region.strides[k] = to.strides[k] * step_[k];
  }
  copy(in[1].part(part).view, region);
}

Array put_slice(const Array& a, const std::vector<Slice>& slices, const Array& value) {
  const Array region = slice(a, slices);
  Array put = broadcast_to(astype(value, a.dtype()), region.shape());
  // Axes that an integer dropped come back with length 1; what runs backwards is turned.
  Dims start(a.rank()), step(a.rank(), 1);
  std::vector<Slice> turned(static_cast<std::size_t>(region.rank()));
  bool turns = false;
  for (int k = 0, axis = 0; k < a.rank(); ++k) {
    const Index n = a.shape()[k];
    const Slice s = k < static_cast<int>(slices.size()) ? slices[static_cast<std::size_t>(k)] : Slice{};
    if (s.step == 0) {
      start[k] = *s.start < 0 ? *s.start + n : *s.start;
      put = expand_dims(put, k);
      turned.insert(turned.begin() + k, Slice{});
      continue;
    }
    const Index count = region.shape()[axis++];
    const Index open = s.step > 0 ? 0 : n - 1;
    const Index first =
        std::clamp<Index>(s.start ? (*s.start < 0 ? *s.start + n : *s.start) : open, s.step > 0 ? 0 : -1, s.step > 0 ? n : n - 1);
    start[k] = count == 0 ? 0 : s.step > 0 ? first : first + (count - 1) * s.step;
    step[k] = std::abs(s.step);
    if (s.step < 0) turned[static_cast<std::size_t>(k)] = {std::nullopt, std::nullopt, -1}, turns = true;
  }
  if (turns) put = slice(put, turned);
  if (put.size() == 0) return a;
  return apply_op(std::make_shared<PutOp>(a.spec(), put.spec(), start, step), {a, put});
}

Array put_slice(const Array& a, const std::vector<Slice>& slices, double value) {
  return put_slice(a, slices, astype(full({}, value, DType::kFloat64), a.dtype()));
}

}  // namespace freestone
