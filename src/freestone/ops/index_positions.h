/// Positions: an index array in memory, as the parameter of an operation.
///
/// What a tile needs of the array behind it is the hull of a range of positions; smallest and largest of every 256, and of every 65,536,
/// are kept, so that the answer takes a few hundred comparisons whatever the range. Long lists stand for themselves by a digest where equal
/// operations are found, and travel in plans as base64.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone {

class Positions {
 public:
  explicit Positions(std::vector<Index> values);

  Index size() const { return static_cast<Index>(values_.size()); }
  Index operator[](Index i) const { return values_[static_cast<std::size_t>(i)]; }
  const std::vector<Index>& values() const { return values_; }

  struct Range {
    Index low = 0, high = -1;  ///< both inside; empty when high < low
  };
  /// Smallest and largest of positions [first, end).
  Range hull(Index first, Index end) const;

  /// A list, or {"base64": ...} of little-endian 64-bit numbers when there are more than 65,536.
  nlohmann::json to_json() const;
  /// @throws Error kind data: damaged
  static Positions from_json(const nlohmann::json& json);
  /// 128 bits of all values and their number, as text.
  std::string digest() const;

 private:
  std::vector<Index> values_;
  std::vector<Range> blocks_, superblocks_;
};

using PositionsRef = std::shared_ptr<const Positions>;

}  // namespace freestone
