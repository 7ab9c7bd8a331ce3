/// Kept chunks: what tiles read when decoded chunks that later tiles want again are kept in a cache, and in which order that pays.
#pragma once

#include <vector>

#include "freestone/plan/stage_program.h"

namespace freestone {

// Lanes get out of step: they meet now and then where their tiles have chunks of their own, too. Measured, anomalies over NetCDF-4: at the same price
// without it, tiles of parts of chunks took 4.0 s, whole chunks 3.7 s.
inline constexpr double kOutOfStep = 0.3;

struct CachedRead {
  double decoded = 0;        ///< bytes a tile, on average
  Index cache_bytes = 0;     ///< 0: nothing worth keeping, or no room
  bool goes_onward = false;  ///< see Stage
  double resumed = 0;        ///< bytes a tile that could be decoded while its decoders find back what they look back over
  double waits = 1;          ///< 0 to 1: how much of the chunks of tiles in turn other lanes want at the same time
  /// Chunks are kept, decoded.
  bool keeps_chunks() const { return cache_bytes > 0 && !goes_onward; }
};

/// Tiles one after another: from the fastest axis to the slowest, as long as there is room for the chunks that lie across the border
/// between one run of tiles and the next, each chunk is decoded once a run.
class KeptRows {
 public:
  /// @param middle tile in the middle of the domain
  KeptRows(const StageProgram& program, const Stage& stage, const std::vector<int>& order, const Box& middle);
  /// @param tile what it reads
  /// @param lanes that compute: fewer than `slots` when tasks are read ahead
  CachedRead read(const ReadCost& tile, int slots, int lanes, Index room) const;

 private:
  /// Decoded bytes of so many tiles one after another, which share chunks, from `first`.
  Index decoded_of(const ReadCost& tile, int tiles, const Dims& first) const;

  struct Row {
    Index shared;    ///< decoded bytes across the border to the next run
    Index run;       ///< decoded bytes of one run, until the next comes by the same place
    double decoded;  ///< bytes a tile when the chunks of a run are kept
  };
  std::vector<Row> rows_;  ///< from the fastest axis that has several tiles
  const StageProgram& program_;
  Box middle_, domain_;
  std::vector<int> axes_;  ///< of rows_
};

/// Pairs of anchor axes, of equal extents, such that some input is looked at in two ways that differ by their exchange: `x + x.T`.
std::vector<MirroredAxes> mirrored_axes(const StageProgram& program, const Stage& stage);

/// Tiles in mirrored pairs along `mirror`, whose square is set here: the smallest whose edges are edges of chunks both ways. With room for a
/// square and a row of tiles, what two mirrored squares read is decoded once for both.
/// @param order the last two axes are the mirrored ones
CachedRead read_in_mirrored_pairs(const StageProgram& program, Stage stage, const std::vector<int>& order, MirroredAxes& mirror, Index room);

/// Tiles one after another along the slowest axis of the chunks of all inputs: each chunk is decoded once, piece by piece.
/// @param program reads onward
/// @param order that axis is put last here
/// @param decoded bytes a tile, on average, when each chunk is decoded once
/// @returns nothing kept: not all inputs can be read so by these tiles
CachedRead read_onward(const StageProgram& program, const Stage& stage, std::vector<int>& order, int threads, double decoded);

}  // namespace freestone
