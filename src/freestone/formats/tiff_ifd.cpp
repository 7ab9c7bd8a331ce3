#include "freestone/formats/tiff_ifd.h"

#include <cstring>
#include <limits>

namespace freestone::formats::tiff {
namespace {

// Longer texts are no metadata of an image.
constexpr Index kLongestText = Index{64} << 20;

struct TagName {
  std::uint16_t tag;
  const char* name;
};
constexpr TagName kTagNames[] = {
    {kNewSubfileType, "NewSubfileType"}, {kSubfileType, "SubfileType"}, {kImageWidth, "ImageWidth"}, {kImageLength, "ImageLength"},
    {kBitsPerSample, "BitsPerSample"}, {kCompression, "Compression"}, {kPhotometric, "PhotometricInterpretation"}, {kFillOrder, "FillOrder"},
    {kImageDescription, "ImageDescription"}, {kStripOffsets, "StripOffsets"}, {kSamplesPerPixel, "SamplesPerPixel"},
    {kRowsPerStrip, "RowsPerStrip"}, {kStripByteCounts, "StripByteCounts"}, {kPlanarConfiguration, "PlanarConfiguration"},
    {kPredictor, "Predictor"}, {kColorMap, "ColorMap"}, {kTileWidth, "TileWidth"}, {kTileLength, "TileLength"}, {kTileOffsets, "TileOffsets"},
    {kTileByteCounts, "TileByteCounts"}, {kSubIfds, "SubIFDs"}, {kSampleFormat, "SampleFormat"}, {kModelPixelScale, "ModelPixelScale"},
    {kModelTiepoint, "ModelTiepoint"}, {kModelTransformation, "ModelTransformation"}, {kGeoKeyDirectory, "GeoKeyDirectory"},
    {kGeoDoubleParams, "GeoDoubleParams"}, {kGeoAsciiParams, "GeoAsciiParams"}, {kGdalMetadata, "GDAL_METADATA"}, {kGdalNodata, "GDAL_NODATA"}, {kLercParameters, "LercParameters"},
};

std::uint64_t unsigned_at(const std::byte* at, Index width, ByteOrder order) {
  std::uint64_t value = 0;
  for (Index i = 0; i < width; ++i) {
    const Index place = order == ByteOrder::kBig ? i : width - 1 - i;
    value = value << 8 | std::to_integer<std::uint64_t>(at[place]);
  }
  return value;
}

bool is_integer(FieldType type) {
  switch (type) {
    case FieldType::kAscii: case FieldType::kRational: case FieldType::kSignedRational: case FieldType::kFloat: case FieldType::kDouble: return false;
    default: return true;
  }
}
bool is_signed(FieldType type) {
  return type == FieldType::kSignedByte || type == FieldType::kSignedShort || type == FieldType::kSignedLong || type == FieldType::kSignedLong8 ||
         type == FieldType::kSignedRational;
}

std::int64_t with_sign(std::uint64_t value, Index width) {
  const int unused = 64 - 8 * static_cast<int>(width);
  return static_cast<std::int64_t>(value << unused) >> unused;
}

}  // namespace

std::string name_of(std::uint16_t tag) {
  for (const TagName& known : kTagNames) {
    if (known.tag == tag) return fmt::format("{} ({})", known.name, tag);
  }
  return fmt::format("tag {}", tag);
}

Index size_of(FieldType type) {
  switch (type) {
    case FieldType::kByte: case FieldType::kAscii: case FieldType::kSignedByte: case FieldType::kUndefined: return 1;
    case FieldType::kShort: case FieldType::kSignedShort: return 2;
    case FieldType::kLong: case FieldType::kSignedLong: case FieldType::kFloat: case FieldType::kIfd: return 4;
    case FieldType::kRational: case FieldType::kSignedRational: case FieldType::kDouble: case FieldType::kLong8: case FieldType::kSignedLong8:
    case FieldType::kIfd8: return 8;
  }
  return 0;
}

Header read_header(const ByteReader& reader) {
  const std::string& file = reader.name();
  std::byte start[16] = {};
  const Index n = std::min<Index>(16, reader.size());
  reader.read_exactly(0, std::span(start, static_cast<std::size_t>(n)));
  const bool little = std::memcmp(start, "II", 2) == 0;
  if (n < 8 || (!little && std::memcmp(start, "MM", 2) != 0)) {
    fail(ErrorKind::kData, "{}: it is not a TIFF file: {}.", file, n < 8 ? fmt::format("{} bytes are too few", n) : "it begins with neither II nor MM");
  }
  Header header;
  header.order = little ? ByteOrder::kLittle : ByteOrder::kBig;
  const auto version = unsigned_at(start + 2, 2, header.order);
  if (version != 42 && version != 43) fail(ErrorKind::kData, "{}: it is not a TIFF file: its version is {}, not 42 or 43 (BigTIFF).", file, version);
  header.big = version == 43;
  if (header.big && (n < 16 || unsigned_at(start + 4, 2, header.order) != 8)) {
    fail(ErrorKind::kData, "{}: its BigTIFF header is damaged, or was cut short.", file);
  }
  const auto first = header.big ? unsigned_at(start + 8, 8, header.order) : unsigned_at(start + 4, 4, header.order);
  if (first < 8 || first >= static_cast<std::uint64_t>(reader.size())) {
    fail(ErrorKind::kData, "{}: its first directory is said to be at offset {}, the file ends at {}. It was cut short, or never finished.", file, first,
         reader.size());
  }
  header.first = static_cast<Index>(first);
  return header;
}

Directory::Directory(const ByteReader& reader, const Header& header, Index offset) : reader_(&reader), order_(header.order), offset_(offset) {
  const Index count_bytes = header.big ? 8 : 2, entry_bytes = header.big ? 20 : 12, offset_bytes = header.big ? 8 : 4;
  const auto out_of_file = [&](std::string_view what) {
    fail(ErrorKind::kData, "{}: the directory at offset {} {}, the file ends at {}. It is damaged, or was cut short.", reader.name(), offset, what,
         reader.size());
  };
  if (offset < 8 || offset > reader.size() - count_bytes) out_of_file("does not lie in the file");
  std::byte number[8];
  reader.read_exactly(offset, std::span(number, static_cast<std::size_t>(count_bytes)));
  const std::uint64_t count = unsigned_at(number, count_bytes, order_);
  const Index begin = offset + count_bytes, room = reader.size() - begin;
  // Tags are numbers of 16 bits.
  if (count > 65536 || static_cast<Index>(count) * entry_bytes > room) out_of_file(fmt::format("has {} entries", count));
  const Index bytes = std::min(static_cast<Index>(count) * entry_bytes + offset_bytes, room);
  std::vector<std::byte> memory(static_cast<std::size_t>(bytes));
  reader.read_exactly(begin, memory);
  entries_.reserve(static_cast<std::size_t>(count));
  for (Index i = 0; i < static_cast<Index>(count); ++i) {
    const std::byte* at = memory.data() + i * entry_bytes;
    Entry entry{static_cast<std::uint16_t>(unsigned_at(at, 2, order_)), static_cast<FieldType>(unsigned_at(at + 2, 2, order_)), 0, 0};
    const std::uint64_t values = unsigned_at(at + 4, offset_bytes, order_);
    const Index width = size_of(entry.type);
    if (width == 0) continue;  // a type of the future: readers leave it out
    const Index in_entry = begin + i * entry_bytes + 4 + offset_bytes;
    if (values > static_cast<std::uint64_t>(std::numeric_limits<Index>::max()) / 8) damaged(entry.tag, fmt::format("has {} values", values));
    entry.count = static_cast<Index>(values);
    const std::uint64_t place = unsigned_at(at + 4 + offset_bytes, offset_bytes, order_);
    entry.at = entry.count * width <= offset_bytes ? in_entry : static_cast<Index>(std::min<std::uint64_t>(place, std::numeric_limits<Index>::max()));
    entries_.push_back(entry);
  }
  // Files that end with their entries have been seen: nothing follows then.
  if (bytes == static_cast<Index>(count) * entry_bytes + offset_bytes) {
    const std::uint64_t next = unsigned_at(memory.data() + static_cast<Index>(count) * entry_bytes, offset_bytes, order_);
    next_ = static_cast<Index>(std::min<std::uint64_t>(next, std::numeric_limits<Index>::max()));
  }
}

void Directory::damaged(std::uint16_t tag, const std::string& why) const {
  fail(ErrorKind::kData, "{}: in the directory at offset {}, {} {}. It is damaged, or was cut short.", reader_->name(), offset_, name_of(tag), why);
}

const Directory::Entry* Directory::find(std::uint16_t tag) const {
  for (const Entry& entry : entries_) {
    if (entry.tag == tag) return &entry;
  }
  return nullptr;
}

Index Directory::value_bytes() const {
  Index bytes = 0;
  for (const Entry& entry : entries_) {
    if (entry.count <= reader_->size()) bytes += std::min(reader_->size(), entry.count * size_of(entry.type));
  }
  return bytes;
}

Index Directory::count(std::uint16_t tag) const {
  const Entry* entry = find(tag);
  return entry == nullptr ? 0 : entry->count;
}

std::vector<std::byte> Directory::bytes_of(const Entry& entry, Index most) const {
  if (entry.count > most) damaged(entry.tag, fmt::format("has {} values, more than {}", entry.count, most));
  const Index bytes = entry.count * size_of(entry.type);
  if (entry.at < 0 || bytes > reader_->size() || entry.at > reader_->size() - bytes) {
    damaged(entry.tag, fmt::format("has {} values at offset {}, the file ends at {}", entry.count, entry.at, reader_->size()));
  }
  std::vector<std::byte> out(static_cast<std::size_t>(bytes));
  reader_->read_exactly(entry.at, out);
  return out;
}

Index Directory::integer(std::uint16_t tag, Index otherwise) const {
  const Entry* entry = find(tag);
  if (entry == nullptr || entry->count == 0) return otherwise;
  // Lists may be long: the first value alone is read.
  Entry first = *entry;
  first.count = 1;
  const Index width = size_of(entry->type);
  if (!is_integer(entry->type)) damaged(tag, "is no integer");
  const auto memory = bytes_of(first, 1);
  const std::uint64_t value = unsigned_at(memory.data(), width, order_);
  if (is_signed(entry->type)) return with_sign(value, width);
  if (value > static_cast<std::uint64_t>(std::numeric_limits<Index>::max())) damaged(tag, fmt::format("is {}", value));
  return static_cast<Index>(value);
}

std::vector<Index> Directory::integers(std::uint16_t tag, Index most) const {
  const Entry* entry = find(tag);
  if (entry == nullptr) return {};
  if (!is_integer(entry->type)) damaged(tag, "are no integers");
  const auto memory = bytes_of(*entry, most);
  const Index width = size_of(entry->type);
  std::vector<Index> out(static_cast<std::size_t>(entry->count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t value = unsigned_at(memory.data() + static_cast<Index>(i) * width, width, order_);
    if (!is_signed(entry->type) && value > static_cast<std::uint64_t>(std::numeric_limits<Index>::max())) damaged(tag, fmt::format("has a value of {}", value));
    out[i] = is_signed(entry->type) ? with_sign(value, width) : static_cast<Index>(value);
  }
  return out;
}

std::vector<double> Directory::numbers(std::uint16_t tag, Index most) const {
  const Entry* entry = find(tag);
  if (entry == nullptr) return {};
  const FieldType type = entry->type;
  if (is_integer(type)) {
    const auto whole = integers(tag, most);
    return {whole.begin(), whole.end()};
  }
  if (type == FieldType::kAscii) damaged(tag, "are no numbers");
  const auto memory = bytes_of(*entry, most);
  const Index width = size_of(type);
  std::vector<double> out(static_cast<std::size_t>(entry->count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::byte* at = memory.data() + static_cast<Index>(i) * width;
    if (type == FieldType::kFloat) {
      out[i] = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_at(at, 4, order_))));
    } else if (type == FieldType::kDouble) {
      out[i] = std::bit_cast<double>(unsigned_at(at, 8, order_));
    } else {
      const std::uint64_t top = unsigned_at(at, 4, order_), bottom = unsigned_at(at + 4, 4, order_);
      const bool has_sign = type == FieldType::kSignedRational;
      const double divisor = has_sign ? static_cast<double>(with_sign(bottom, 4)) : static_cast<double>(bottom);
      out[i] = (has_sign ? static_cast<double>(with_sign(top, 4)) : static_cast<double>(top)) / divisor;
    }
  }
  return out;
}

std::string Directory::text(std::uint16_t tag) const {
  const Entry* entry = find(tag);
  if (entry == nullptr) return {};
  if (size_of(entry->type) != 1) damaged(tag, "is no text");
  const auto memory = bytes_of(*entry, kLongestText);
  std::string out(reinterpret_cast<const char*>(memory.data()), memory.size());
  out.resize(std::min(out.size(), out.find('\0')));
  return out;
}

}  // namespace freestone::formats::tiff
