#include "freestone/array/op.h"

#include <nlohmann/json.hpp>

namespace freestone {

std::string Op::key() const { return params().dump(); }

void Op::run(const Box&, std::span<const Tile>, std::span<const Tile>, Scratch&, const Cancel&) const {
  fail(ErrorKind::kInternal, "the operation {} has no tile function", name());
}

ChunkGrid Op::chunks(int output, std::span<const ChunkGrid> inputs) const {
  const Shape& shape = outputs()[static_cast<std::size_t>(output)].shape;
  // An output that lies on the axes of a chunked input has its chunks; anything else counts as contiguous.
  for (int i = 0; i < input_count(); ++i) {
    const ChunkGrid& grid = inputs[static_cast<std::size_t>(i)];
    if (grid.is_contiguous() || grid.shape() != shape) continue;
    bool aligned = true;
    for (int k = 0; k < shape.rank(); ++k) {
      const AxisMap &in = input(i)[static_cast<std::size_t>(k)], &out = this->output(output)[static_cast<std::size_t>(k)];
      aligned = aligned && in.kind == out.kind && in.domain_axis == out.domain_axis && in.mul == out.mul;
    }
    if (aligned) return grid;
  }
  return ChunkGrid::contiguous(shape);
}

Tile Op::view(const Tile&, const Box&) const { fail(ErrorKind::kInternal, "the operation {} is not a view", name()); }

const std::shared_ptr<const Source>& Op::source() const {
  static const std::shared_ptr<const Source> kNone;
  return kNone;
}

}  // namespace freestone
