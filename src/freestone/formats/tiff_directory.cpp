#include "freestone/formats/tiff_directory.h"

#include <algorithm>
#include <cstring>

namespace freestone::formats::tiff {
namespace {

void append(std::string& bytes, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i));
}

Index aligned(Index offset) { return (offset + 7) / 8 * 8; }

bool is_list(std::uint16_t tag) { return tag == kTileOffsets || tag == kTileByteCounts || tag == kStripOffsets || tag == kStripByteCounts; }

std::vector<TagToWrite> all_tags(const DirectoryToWrite& directory, bool is_big) {
  std::vector<TagToWrite> tags = directory.tags;
  const auto& places = *directory.places;
  const int width = is_big ? 8 : 4;
  TagToWrite offsets{directory.is_tiled ? kTileOffsets : kStripOffsets, is_big ? FieldType::kLong8 : FieldType::kLong, static_cast<Index>(places.size()), {}};
  TagToWrite sizes{directory.is_tiled ? kTileByteCounts : kStripByteCounts, FieldType::kLong, offsets.count, {}};
  offsets.bytes.reserve(places.size() * static_cast<std::size_t>(width));
  sizes.bytes.reserve(places.size() * 4);
  for (const ChunkPlace& place : places) {
    append(offsets.bytes, static_cast<std::uint64_t>(place.offset), width);
    append(sizes.bytes, static_cast<std::uint64_t>(place.bytes), 4);
  }
  tags.push_back(std::move(offsets));
  tags.push_back(std::move(sizes));
  std::sort(tags.begin(), tags.end(), [](const TagToWrite& a, const TagToWrite& b) { return a.tag < b.tag; });
  return tags;
}

}  // namespace

std::string header_bytes(bool is_big, Index first_directory) {
  std::string out = is_big ? std::string("II\x2b\0\x08\0\0\0", 8) : std::string("II\x2a\0", 4);
  append(out, static_cast<std::uint64_t>(first_directory), is_big ? 8 : 4);
  return out;
}

std::string directory_bytes(const std::vector<DirectoryToWrite>& directories, Index offset, bool is_big) {
  const std::size_t width = is_big ? 8 : 4;
  struct Placed {
    std::vector<TagToWrite> tags;
    std::vector<Index> at;  // of the values of each tag
    Index start = 0;
  };
  std::vector<Placed> placed;
  Index end = offset;
  const auto place_values = [&](Placed& directory, bool lists) {
    for (std::size_t i = 0; i < directory.tags.size(); ++i) {
      const TagToWrite& tag = directory.tags[i];
      if (tag.bytes.size() <= width || is_list(tag.tag) != lists) continue;
      directory.at[i] = aligned(end);
      end = directory.at[i] + static_cast<Index>(tag.bytes.size());
    }
  };
  for (const DirectoryToWrite& directory : directories) {
    Placed one{all_tags(directory, is_big), {}, placed.empty() ? offset : aligned(end)};
    const auto count = static_cast<Index>(one.tags.size());
    one.at.assign(one.tags.size(), 0);
    end = one.start + (is_big ? 8 + 20 * count + 8 : 2 + 12 * count + 4);
    place_values(one, false);
    placed.push_back(std::move(one));
  }
  for (Placed& one : placed) place_values(one, true);

  std::string out(static_cast<std::size_t>(aligned(end) - offset), '\0');
  const auto put = [&](Index at, const std::string& bytes) { std::memcpy(out.data() + (at - offset), bytes.data(), bytes.size()); };
  for (std::size_t k = 0; k < placed.size(); ++k) {
    const Placed& one = placed[k];
    std::string entries;
    append(entries, one.tags.size(), is_big ? 8 : 2);
    for (std::size_t i = 0; i < one.tags.size(); ++i) {
      const TagToWrite& tag = one.tags[i];
      append(entries, tag.tag, 2);
      append(entries, static_cast<std::uint64_t>(tag.type), 2);
      append(entries, static_cast<std::uint64_t>(tag.count), static_cast<int>(width));
      if (tag.bytes.size() <= width) {
        entries += tag.bytes;
        entries.append(width - tag.bytes.size(), '\0');
      } else {
        append(entries, static_cast<std::uint64_t>(one.at[i]), static_cast<int>(width));
        put(one.at[i], tag.bytes);
      }
    }
    append(entries, k + 1 < placed.size() ? static_cast<std::uint64_t>(placed[k + 1].start) : 0, static_cast<int>(width));
    put(one.start, entries);
  }
  return out;
}

}  // namespace freestone::formats::tiff
