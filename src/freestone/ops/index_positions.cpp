#include "freestone/ops/index_positions.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/base/base64.h"
#include "freestone/base/error.h"

namespace freestone {
namespace {

constexpr Index kBlock = 256, kSuperblock = 256;  // values a block, blocks a superblock
constexpr std::size_t kLongest = 1 << 16;         // that is written as a list
void widen(Positions::Range& range, Positions::Range other) {
  if (other.high < other.low) return;
  if (range.high < range.low) {
    range = other;
    return;
  }
  range.low = std::min(range.low, other.low), range.high = std::max(range.high, other.high);
}

std::vector<Index> from_base64(const std::string& text) {
  const auto bytes = base64_decoded(text);
  if (!bytes) fail(ErrorKind::kData, "The plan is damaged: an index array is not base64.");
  if (bytes->size() % sizeof(Index) != 0) fail(ErrorKind::kData, "The plan is damaged: an index array is cut short.");
  std::vector<Index> values(bytes->size() / sizeof(Index));
  if (!values.empty()) std::memcpy(values.data(), bytes->data(), bytes->size());
  return values;
}

}  // namespace

Positions::Positions(std::vector<Index> values) : values_(std::move(values)) {
  const Index blocks = (size() + kBlock - 1) / kBlock;
  for (Index b = 0; b < blocks; ++b) {
    Range range;
    for (Index i = b * kBlock; i < std::min(size(), (b + 1) * kBlock); ++i) widen(range, {(*this)[i], (*this)[i]});
    blocks_.push_back(range);
    if (b % kSuperblock == 0) superblocks_.emplace_back();
    widen(superblocks_.back(), range);
  }
}

Positions::Range Positions::hull(Index first, Index end) const {
  Range range;
  const auto one_by_one = [&](Index from, Index to) {
    for (Index i = from; i < to; ++i) widen(range, {(*this)[i], (*this)[i]});
  };
  const Index first_block = (first + kBlock - 1) / kBlock, end_block = end / kBlock;
  if (first_block >= end_block) {
    one_by_one(first, end);
    return range;
  }
  one_by_one(first, first_block * kBlock);
  for (Index b = first_block; b < end_block;) {
    if (b % kSuperblock == 0 && b + kSuperblock <= end_block) {
      widen(range, superblocks_[static_cast<std::size_t>(b / kSuperblock)]);
      b += kSuperblock;
    } else {
      widen(range, blocks_[static_cast<std::size_t>(b++)]);
    }
  }
  one_by_one(end_block * kBlock, end);
  return range;
}

nlohmann::json Positions::to_json() const {
  if (values_.size() <= kLongest) return values_;
  return {{"base64", base64_encoded(std::as_bytes(std::span(values_)))}};
}

Positions Positions::from_json(const nlohmann::json& json) {
  if (json.is_array()) return Positions(json.get<std::vector<Index>>());
  return Positions(from_base64(json.at("base64").get<std::string>()));
}

std::string Positions::digest() const {
  // Two chains of multiply and shift (the finisher of MurmurHash3, with other odd constants in the second).
  std::uint64_t a = 0x9E3779B97F4A7C15u ^ values_.size(), b = 0xD1B54A32D192ED03u + values_.size();
  for (const Index value : values_) {
    const auto v = static_cast<std::uint64_t>(value);
    a = (a ^ v) * 0xFF51AFD7ED558CCDu;
    a ^= a >> 33;
    b = (b + v) * 0xC4CEB9FE1A85EC53u;
    b ^= b >> 29;
  }
  return fmt::format("{:016x}{:016x}/{}", a, b, values_.size());
}

}  // namespace freestone
