#include "freestone/ops/index_positions.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/base/error.h"

namespace freestone {
namespace {

constexpr Index kBlock = 256, kSuperblock = 256;  // values a block, blocks a superblock
constexpr std::size_t kLongest = 1 << 16;         // that is written as a list
constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void widen(Positions::Range& range, Positions::Range other) {
  if (other.high < other.low) return;
  if (range.high < range.low) {
    range = other;
    return;
  }
  range.low = std::min(range.low, other.low), range.high = std::max(range.high, other.high);
}

std::string base64(const std::vector<Index>& values) {
  std::string text;
  text.reserve(values.size() * 11);
  std::uint32_t bits = 0;
  int held = 0;
  for (const Index value : values) {
    for (int byte = 0; byte < 8; ++byte) {
      bits = bits << 8 | (static_cast<std::uint64_t>(value) >> (8 * byte) & 0xFF);
      for (held += 8; held >= 6; held -= 6) text += kDigits[bits >> (held - 6) & 63];
    }
  }
  if (held > 0) text += kDigits[bits << (6 - held) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::vector<Index> from_base64(const std::string& text) {
  std::array<int, 256> digit;
  digit.fill(-1);
  for (int i = 0; i < 64; ++i) digit[static_cast<unsigned char>(kDigits[i])] = i;
  std::vector<Index> values;
  std::uint64_t value = 0;
  std::uint32_t bits = 0;
  int held = 0, bytes = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int d = digit[static_cast<unsigned char>(c)];
    if (d < 0) fail(ErrorKind::kData, "The plan is damaged: an index array is not base64.");
    bits = bits << 6 | static_cast<std::uint32_t>(d);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    value |= static_cast<std::uint64_t>(bits >> held & 0xFF) << (8 * bytes);
    if (++bytes < 8) continue;
    values.push_back(static_cast<Index>(value));
    value = 0, bytes = 0;
  }
  if (bytes != 0) fail(ErrorKind::kData, "The plan is damaged: an index array is cut short.");
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
  return {{"base64", base64(values_)}};
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
