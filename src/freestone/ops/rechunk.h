/// Other nominal chunks: what a chunked file will have when the array is written, and what later leaf grids and user functions follow.
#pragma once

#include <vector>

#include "freestone/ops/shape.h"

namespace freestone {

inline constexpr Index kWholeAxis = -1;  ///< one chunk along the axis
inline constexpr Index kAutoChunk = 0;   ///< as long as makes chunks of about 4 MiB; several such axes share alike

/// `a` with the nominal chunks `chunks`, one extent an axis; extents longer than the axis are cut. The elements are the same: the planner
/// decides how they get there (through a temporary store when no tile fits both).
/// @throws Error kind user: not one extent for each axis, or below -1
Array rechunk(const Array& a, const std::vector<Index>& chunks);

class RechunkOp final : public ViewOp {
 public:
  RechunkOp(const Spec& input, Shape chunk);
  std::string_view name() const override { return "rechunk"; }
  nlohmann::json params() const override;
  ChunkGrid chunks(int, std::span<const ChunkGrid>) const override { return ChunkGrid(domain(), chunk_); }

 private:
  Shape chunk_;
};

}  // namespace freestone
