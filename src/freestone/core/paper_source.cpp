#include "freestone/core/paper_source.h"

#include <algorithm>
#include <cmath>

namespace freestone {
namespace {

Spec longer(const Source& like, int axis, double factor) {
  Spec spec = like.spec();
  spec.shape[axis] = std::max<Index>(1, static_cast<Index>(std::llround(static_cast<double>(spec.shape[axis]) * factor)));
  return spec;
}

}  // namespace

PaperSource::PaperSource(std::shared_ptr<const Source> like, int axis, double factor)
    : like_(like),
      spec_(longer(*like, axis, factor)),
      grid_(like->chunks().is_contiguous() ? ChunkGrid::contiguous(spec_.shape) : ChunkGrid(spec_.shape, like->chunks().chunk())),
      name_(like->identity().path) {}

std::string PaperSource::reference() const {
  // Equal references are one node: another shape or dtype is another variable.
  return fmt::format(R"({{"path": "{}", "variable": "{} {}"}})", name_, to_string(spec_.shape), name_of(spec_.dtype));
}

/// The part of `like` that costs what `box` costs: the same phase to the chunks, moved to where `like` has data, cut where it ends.
Box PaperSource::within_like(const Box& box) const {
  Box part = box;
  for (int k = 0; k < box.rank(); ++k) {
    const Index n = like_->spec().shape[k], chunk = like_->chunks().is_contiguous() ? 1 : like_->chunks().chunk()[k];
    if (part.end(k) <= n) continue;
    part.shape[k] = std::min(part.shape[k], n);
    const Index room = n - part.shape[k];
    part.start[k] = std::min(part.start[k] % chunk, room);
  }
  return part;
}

ReadCost PaperSource::cost(const Box& box) const {
  if (like_ == nullptr) {
    Index rows = 1;
    for (int k = 0; k + 1 < box.rank(); ++k) rows *= box.shape[k];
    return {box.count() * size_of(spec_.dtype), rows};
  }
  if (box.empty()) return {};
  const Box part = within_like(box);
  ReadCost cost = like_->cost(part);
  const double more = static_cast<double>(box.count()) / static_cast<double>(std::max<Index>(1, part.count()));
  cost.bytes = static_cast<Index>(std::llround(static_cast<double>(cost.bytes) * more));
  cost.requests = static_cast<Index>(std::llround(static_cast<double>(cost.requests) * more));
  return cost;
}

Index PaperSource::encoded_bytes(const Box& box) const {
  if (like_ == nullptr || box.empty()) return box.count() * size_of(spec_.dtype);
  const Box part = within_like(box);
  const double more = static_cast<double>(box.count()) / static_cast<double>(std::max<Index>(1, part.count()));
  return static_cast<Index>(std::ceil(static_cast<double>(like_->encoded_bytes(part)) * more));
}

void PaperSource::fetch(const Box&, std::span<std::byte>, const Cancel&) const {
  fail(ErrorKind::kUser, "{}: data of this size is not here; it can be planned, not read.", name_);
}

void PaperSource::decode(const Box&, std::span<std::byte>, const View&, const Cancel&) const {
  fail(ErrorKind::kUser, "{}: data of this size is not here; it can be planned, not read.", name_);
}

}  // namespace freestone
