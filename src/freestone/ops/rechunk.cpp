#include "freestone/ops/rechunk.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace freestone {
namespace {

constexpr Index kAutoBytes = Index{4} << 20;

}  // namespace

RechunkOp::RechunkOp(const Spec& input, Shape chunk) : ViewOp(input, input.shape, identity_access(input.shape.rank())), chunk_(chunk) {}

nlohmann::json RechunkOp::params() const { return {{"chunk", chunk_.to_vector()}}; }

Array rechunk(const Array& a, const std::vector<Index>& chunks) {
  if (static_cast<int>(chunks.size()) != a.rank())
    fail(ErrorKind::kUser, "rechunk: {} extents for an array of {} axes.", chunks.size(), a.rank());
  Shape chunk;
  for (int k = 0; k < a.rank(); ++k) {
    const Index asked = chunks[static_cast<std::size_t>(k)], extent = std::max<Index>(1, a.shape()[k]);
    if (asked < kWholeAxis)
      fail(ErrorKind::kUser, "rechunk: an extent of {} on axis {}. Give one of 1 or more, -1 for the whole axis, or auto.", asked, k);
    chunk.push_back(asked == kWholeAxis || asked == kAutoChunk ? extent : std::min(asked, extent));
  }
  // The longest of the axes that are left to us is cut in half until a chunk is small enough.
  while (element_count(chunk) * size_of(a.dtype()) > kAutoBytes) {
    int longest = -1;
    for (int k = 0; k < a.rank(); ++k)
      if (chunks[static_cast<std::size_t>(k)] == kAutoChunk && chunk[k] > 1 && (longest < 0 || chunk[k] > chunk[longest])) longest = k;
    if (longest < 0) break;
    chunk[longest] = (chunk[longest] + 1) / 2;
  }
  if (!a.chunks().is_contiguous() && a.chunks().chunk() == chunk) return a;
  return apply_op(std::make_shared<RechunkOp>(a.spec(), chunk), {a});
}

}  // namespace freestone
