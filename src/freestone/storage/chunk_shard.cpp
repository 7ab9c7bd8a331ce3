#include "freestone/storage/chunk_shard.h"

#include <cstring>
#include <limits>

namespace freestone {
namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

std::uint64_t load_number(const std::byte* at, ByteOrder order) {
  std::uint64_t number = 0;
  std::memcpy(&number, at, sizeof number);
  return order == kNativeOrder ? number : __builtin_bswap64(number);
}

void store_number(std::byte* at, std::uint64_t number, ByteOrder order) {
  if (order != kNativeOrder) number = __builtin_bswap64(number);
  std::memcpy(at, &number, sizeof number);
}

}  // namespace

ShardIndex::ShardIndex(const ByteReader& shard, const ShardLayout& layout) : ShardIndex(layout.count()) {
  const Index bytes = layout.index_bytes();
  if (shard.size() < bytes) {
    fail(ErrorKind::kData, "{}: the shard has {} bytes, its index alone {}. It was cut short.", shard.name(), shard.size(), bytes);
  }
  std::vector<std::byte> stored(static_cast<std::size_t>(bytes)), numbers(entries_.size() * 16);
  shard.read_exactly(layout.index_at_end ? shard.size() - bytes : 0, stored);
  std::vector<std::byte> scratch(static_cast<std::size_t>(layout.index_codecs.decode_scratch_bytes(static_cast<Index>(numbers.size()))));
  try {
    layout.index_codecs.decode(stored, numbers, scratch);
  } catch (const Error& error) {
    fail(error.kind(), "{}: the shard's index is damaged: {}.", shard.name(), error.message());
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint64_t offset = load_number(&numbers[16 * i], layout.order), size = load_number(&numbers[16 * i + 8], layout.order);
    if (offset == kNone && size == kNone) continue;
    const auto room = static_cast<std::uint64_t>(shard.size());
    if (offset > room || size > room - offset) {
      fail(ErrorKind::kData,
           "{}: by the shard's index its chunk {} has {} bytes at offset {}, the file has {}. It is damaged or was cut short.",
           shard.name(), i, size, offset, shard.size());
    }
    entries_[i] = {static_cast<Index>(offset), static_cast<Index>(size)};
  }
}

std::vector<std::byte> ShardIndex::encoded(const ShardLayout& layout) const {
  std::vector<std::byte> numbers(entries_.size() * 16);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    store_number(&numbers[16 * i], entry.exists() ? static_cast<std::uint64_t>(entry.offset) : kNone, layout.order);
    store_number(&numbers[16 * i + 8], entry.exists() ? static_cast<std::uint64_t>(entry.bytes) : kNone, layout.order);
  }
  std::vector<std::byte> scratch(static_cast<std::size_t>(layout.index_codecs.encode_scratch_bytes(static_cast<Index>(numbers.size()))));
  const ConstBytes out = layout.index_codecs.encode(numbers, scratch);
  return {out.begin(), out.end()};
}

}  // namespace freestone
