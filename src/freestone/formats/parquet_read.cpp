#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "freestone/formats/parquet.h"
#include "freestone/formats/thrift_compact.h"
#include "freestone/storage/codec.h"

namespace freestone::formats::parquet {
namespace {

constexpr std::string_view kMagic = "PAR1";
constexpr Index kLargestPage = Index{256} << 20;
constexpr Index kMostTextBytes = Index{512} << 20;  // of a column

enum class Kind { kInt32 = 1, kInt64 = 2, kBytes = 6 };
enum class Compression { kNone = 0, kSnappy = 1, kGzip = 2, kZstd = 6 };
enum class Encoding { kPlain = 0, kPlainDictionary = 2, kRle = 3, kRleDictionary = 8 };

struct Element {
  std::string name;
  std::int64_t type = -1, repetition = 0, children = 0;
};

struct ColumnChunk {
  std::vector<std::string> path;
  std::int64_t type = -1, codec = 0, values = 0, bytes = 0, data_offset = -1, dictionary_offset = -1;
};

struct RowGroup {
  std::int64_t rows = 0;
  std::vector<ColumnChunk> columns;
};

struct FileMetaData {
  std::vector<Element> schema;
  std::int64_t rows = -1;
  std::vector<RowGroup> groups;
};

struct PageHeader {
  std::int64_t type = -1, raw_bytes = -1, stored_bytes = -1;
  std::int64_t values = -1, encoding = -1;
  std::int64_t nulls = -1, level_bytes = 0, repeat_bytes = 0;  // of version 2
  bool is_compressed = true;
};

using thrift::Type;

ColumnChunk read_column_metadata(thrift::Reader& in) {
  ColumnChunk out;
  in.read_struct([&](int field, Type type) {
    switch (field) {
      case 1: out.type = in.read_number(type); break;
      case 3: in.read_list([&](Type t) { out.path.push_back(in.read_text(t)); }); break;
      case 4: out.codec = in.read_number(type); break;
      case 5: out.values = in.read_number(type); break;
      case 7: out.bytes = in.read_number(type); break;
      case 9: out.data_offset = in.read_number(type); break;
      case 11: out.dictionary_offset = in.read_number(type); break;
      default: break;
    }
  });
  return out;
}

FileMetaData read_metadata(thrift::Reader in) {
  FileMetaData out;
  in.read_struct([&](int field, Type type) {
    if (field == 2 && type == Type::kList) {
      in.read_list([&](Type) {
        Element element;
        in.read_struct([&](int f, Type t) {
          if (f == 1) element.type = in.read_number(t);
          if (f == 3) element.repetition = in.read_number(t);
          if (f == 4) element.name = in.read_text(t);
          if (f == 5) element.children = in.read_number(t);
        });
        out.schema.push_back(std::move(element));
      });
    } else if (field == 3) {
      out.rows = in.read_number(type);
    } else if (field == 4 && type == Type::kList) {
      in.read_list([&](Type) {
        RowGroup group;
        in.read_struct([&](int f, Type t) {
          if (f == 3) group.rows = in.read_number(t);
          if (f != 1 || t != Type::kList) return;
          in.read_list([&](Type) {
            ColumnChunk column;
            in.read_struct([&](int part, Type of) {
              if (part == 3 && of == Type::kStruct) column = read_column_metadata(in);
            });
            group.columns.push_back(std::move(column));
          });
        });
        out.groups.push_back(std::move(group));
      });
    }
  });
  return out;
}

PageHeader read_page_header(thrift::Reader& in) {
  PageHeader out;
  in.read_struct([&](int field, Type type) {
    if (field == 1) out.type = in.read_number(type);
    if (field == 2) out.raw_bytes = in.read_number(type);
    if (field == 3) out.stored_bytes = in.read_number(type);
    if (type != Type::kStruct) return;
    if (field == 5 || field == 7) {
      in.read_struct([&](int f, Type t) {
        if (f == 1) out.values = in.read_number(t);
        if (f == 2) out.encoding = in.read_number(t);
      });
    } else if (field == 8) {
      in.read_struct([&](int f, Type t) {
        if (f == 1) out.values = in.read_number(t);
        if (f == 2) out.nulls = in.read_number(t);
        if (f == 4) out.encoding = in.read_number(t);
        if (f == 5) out.level_bytes = in.read_number(t);
        if (f == 6) out.repeat_bytes = in.read_number(t);
        if (f == 7) out.is_compressed = in.read_number(t) != 0;
      });
    }
  });
  return out;
}

/// Snappy's format: the raw size, then literals and copies of what came before. False: damaged.
bool decode_snappy(ConstBytes from, Bytes to) {
  std::size_t at = 0, out = 0;
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(from[i]); };
  std::uint64_t size = 0;
  for (int shift = 0;; shift += 7) {
    if (at >= from.size() || shift > 35) return false;
    size |= std::uint64_t{byte(at) & 0x7f} << shift;
    if ((byte(at++) & 0x80) == 0) break;
  }
  if (size != to.size()) return false;
  while (at < from.size()) {
    const std::size_t tag = byte(at++), kind = tag & 3;
    std::size_t length = 0, distance = 0;
    if (kind == 0) {
      length = tag >> 2;
      if (length >= 60) {
        const std::size_t width = length - 59;
        if (from.size() - at < width) return false;
        length = 0;
        for (std::size_t i = 0; i < width; ++i) length |= byte(at + i) << (8 * i);
        at += width;
      }
      ++length;
      if (length > from.size() - at || length > to.size() - out) return false;
      std::memcpy(to.data() + out, from.data() + at, length);
      at += length;
      out += length;
      continue;
    }
    const std::size_t width = kind == 1 ? 1 : kind == 2 ? 2 : 4;
    if (from.size() - at < width) return false;
    for (std::size_t i = 0; i < width; ++i) distance |= byte(at + i) << (8 * i);
    at += width;
    length = kind == 1 ? 4 + (tag >> 2 & 7) : 1 + (tag >> 2);
    if (kind == 1) distance |= (tag >> 5) << 8;
    if (distance == 0 || distance > out || length > to.size() - out) return false;
    // They may overlap: byte by byte.
    for (std::size_t i = 0; i < length; ++i, ++out) to[out] = to[out - distance];
  }
  return out == to.size();
}

/// Numbers of a few bits, in runs of one number or side by side (RLE / bit-packing hybrid).
class Runs {
 public:
  Runs(ConstBytes bytes, int width) : bytes_(bytes), width_(width) {}
  /// False: they end.
  bool next(std::uint32_t& value) {
    while (left_ == 0) {
      std::uint64_t head = 0;
      for (int shift = 0;; shift += 7) {
        if (at_ >= bytes_.size() || shift > 35) return false;
        const auto part = std::to_integer<std::uint8_t>(bytes_[at_++]);
        head |= std::uint64_t{part & 0x7fU} << shift;
        if ((part & 0x80) == 0) break;
      }
      is_packed_ = (head & 1) != 0;
      if (is_packed_) {
        left_ = (head >> 1) * 8;
        bit_ = 0;
      } else {
        left_ = head >> 1;
        const auto width = static_cast<std::size_t>((width_ + 7) / 8);
        if (bytes_.size() - at_ < width) return false;
        value_ = 0;
        for (std::size_t i = 0; i < width; ++i) value_ |= std::to_integer<std::uint32_t>(bytes_[at_ + i]) << (8 * i);
        at_ += width;
      }
    }
    --left_;
    if (!is_packed_) {
      value = value_;
      return true;
    }
    value = 0;
    for (int i = 0; i < width_; ++i, ++bit_) {
      if (bit_ == 8) bit_ = 0, ++at_;
      if (at_ >= bytes_.size()) return false;
      value |= (std::to_integer<std::uint32_t>(bytes_[at_]) >> bit_ & 1U) << i;
    }
    // The next head begins at a byte.
    if (left_ == 0 && bit_ != 0) ++at_, bit_ = 0;
    return true;
  }

 private:
  ConstBytes bytes_;
  int width_;
  std::size_t at_ = 0;
  std::uint64_t left_ = 0;
  bool is_packed_ = false;
  std::uint32_t value_ = 0;
  int bit_ = 0;
};

/// Reads the pages of one column of one group of rows.
class ColumnReader {
 public:
  ColumnReader(std::string name, ConstBytes file, const ColumnChunk& chunk, bool is_optional, Column& out)
      : name_(std::move(name)), file_(file), chunk_(chunk), is_optional_(is_optional), out_(out) {}

  void read(std::int64_t rows) {
    const bool has_dictionary = chunk_.dictionary_offset > 0 && chunk_.dictionary_offset < chunk_.data_offset;
    std::int64_t at = has_dictionary ? chunk_.dictionary_offset : chunk_.data_offset;
    if (at < 4 || at > static_cast<std::int64_t>(file_.size())) damaged("its pages begin outside the file");
    std::int64_t read = 0;
    while (read < rows) {
      thrift::Reader in(name_, file_.subspan(static_cast<std::size_t>(at)));
      const PageHeader page = read_page_header(in);
      at += static_cast<std::int64_t>(in.position());
      if (page.stored_bytes < 0 || page.raw_bytes < 0 || page.raw_bytes > kLargestPage || page.stored_bytes > static_cast<std::int64_t>(file_.size()) - at) {
        damaged("a page is larger than it can be");
      }
      const ConstBytes stored = file_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(page.stored_bytes));
      at += page.stored_bytes;
      if (page.type == 2) {
        read_dictionary(page, stored);
      } else if (page.type == 0 || page.type == 3) {
        if (page.values < 0 || page.values > rows - read) damaged("a page has more rows than there are");
        // Pages without rows, one after another, would be read for ever; so would a header that takes nothing.
        if (page.values == 0 && ++empty_pages_ > 100) damaged("its pages are empty");
        read_page(page, stored);
        read += page.values;
      }
    }
  }

 private:
  [[noreturn]] void damaged(std::string_view what) const { fail(ErrorKind::kData, "{}: {}. The file is damaged.", name_, what); }

  std::vector<std::byte> decoded(ConstBytes stored, std::int64_t raw_bytes) const {
    std::vector<std::byte> raw(static_cast<std::size_t>(raw_bytes));
    switch (static_cast<Compression>(chunk_.codec)) {
      case Compression::kNone:
        if (stored.size() != raw.size()) damaged("a page has another size than it says");
        std::copy(stored.begin(), stored.end(), raw.begin());
        return raw;
      case Compression::kSnappy:
        if (!decode_snappy(stored, raw)) damaged("a page cannot be decompressed");
        return raw;
      case Compression::kGzip:
      case Compression::kZstd: {
        const CodecRef codec = static_cast<Compression>(chunk_.codec) == Compression::kGzip ? gzip_codec(6) : zstd_codec(3);
        try {
          if (codec->decode(stored, raw) != raw_bytes) damaged("a page has another size than it says");
        } catch (const Error& error) {
          damaged(fmt::format("a page cannot be decompressed: {}", error.message()));
        }
        return raw;
      }
      default: fail(ErrorKind::kUser, "{}: its compression (number {}) is not read.", name_, chunk_.codec);
    }
  }

  void read_dictionary(const PageHeader& page, ConstBytes stored) {
    if (page.encoding != static_cast<int>(Encoding::kPlain) && page.encoding != static_cast<int>(Encoding::kPlainDictionary)) damaged("its dictionary is in no known encoding");
    const std::vector<std::byte> raw = decoded(stored, page.raw_bytes);
    if (page.values < 0 || page.values > page.raw_bytes) damaged("its dictionary is longer than its bytes");
    Column values;
    plain(raw, page.values, values);
    numbers_ = std::move(values.numbers);
    texts_ = std::move(values.texts);
  }

  void read_page(const PageHeader& page, ConstBytes stored) {
    std::vector<std::byte> raw;
    ConstBytes levels, values;
    if (page.type == 3) {
      if (page.repeat_bytes != 0 || page.level_bytes < 0 || page.level_bytes > page.stored_bytes || page.level_bytes > page.raw_bytes) {
        damaged("the levels of a page have no length");
      }
      levels = stored.first(static_cast<std::size_t>(page.level_bytes));
      const ConstBytes rest = stored.subspan(static_cast<std::size_t>(page.level_bytes));
      if (page.is_compressed && chunk_.codec != 0) {
        raw = decoded(rest, page.raw_bytes - page.level_bytes);
        values = raw;
      } else {
        values = rest;
      }
    } else {
      raw = decoded(stored, page.raw_bytes);
      values = raw;
      if (is_optional_) {
        if (values.size() < 4) damaged("a page ends too soon");
        std::uint32_t bytes = 0;
        std::memcpy(&bytes, values.data(), 4);
        if (bytes > values.size() - 4) damaged("the levels of a page are longer than the page");
        levels = values.subspan(4, bytes);
        values = values.subspan(4 + std::size_t{bytes});
      }
    }
    const auto rows = static_cast<std::size_t>(page.values);
    std::vector<bool> present(rows, true);
    std::int64_t count = page.values;
    if (is_optional_) {
      Runs runs(levels, 1);
      count = 0;
      for (std::size_t i = 0; i < rows; ++i) {
        std::uint32_t level = 0;
        if (!runs.next(level)) damaged("the levels of a page end too soon");
        present[i] = level != 0;
        count += level != 0;
      }
    }
    Column found;
    if (page.encoding == static_cast<int>(Encoding::kPlain)) {
      plain(values, count, found);
    } else if (page.encoding == static_cast<int>(Encoding::kPlainDictionary) || page.encoding == static_cast<int>(Encoding::kRleDictionary)) {
      by_dictionary(values, count, found);
    } else {
      fail(ErrorKind::kUser, "{}: a page in encoding {} is not read.", name_, page.encoding);
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      out_.present.push_back(present[i]);
      if (out_.is_text) {
        out_.texts.push_back(present[i] ? std::move(found.texts[next]) : std::string());
      } else {
        out_.numbers.push_back(present[i] ? found.numbers[next] : 0);
      }
      next += present[i];
    }
  }

  void plain(ConstBytes bytes, std::int64_t count, Column& to) {
    std::size_t at = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      if (out_.is_text) {
        std::uint32_t size = 0;
        if (bytes.size() - at < 4) damaged("a page ends too soon");
        std::memcpy(&size, bytes.data() + at, 4);
        at += 4;
        if (size > bytes.size() - at) damaged("a text is longer than its page");
        to.texts.emplace_back(reinterpret_cast<const char*>(bytes.data() + at), size);
        take_text(size);
        at += size;
      } else {
        const std::size_t width = chunk_.type == static_cast<int>(Kind::kInt32) ? 4 : 8;
        if (bytes.size() - at < width) damaged("a page ends too soon");
        std::int64_t value = 0;
        if (width == 4) {
          std::int32_t small = 0;
          std::memcpy(&small, bytes.data() + at, 4);
          value = small;
        } else {
          std::memcpy(&value, bytes.data() + at, 8);
        }
        to.numbers.push_back(value);
        at += width;
      }
    }
  }

  void by_dictionary(ConstBytes bytes, std::int64_t count, Column& to) {
    if (count == 0) return;
    if (bytes.empty()) damaged("a page ends too soon");
    const int width = std::to_integer<int>(bytes[0]);
    if (width > 32) damaged("the numbers of a page are too wide");
    Runs runs(bytes.subspan(1), width);
    for (std::int64_t i = 0; i < count; ++i) {
      std::uint32_t number = 0;
      if (width > 0 && !runs.next(number)) damaged("a page ends too soon");
      if (number >= (out_.is_text ? texts_.size() : numbers_.size())) damaged("a page names what is not in its dictionary");
      if (out_.is_text) {
        take_text(texts_[number].size());
        to.texts.push_back(texts_[number]);
      } else {
        to.numbers.push_back(numbers_[number]);
      }
    }
  }

  /// A dictionary makes much of few bytes.
  void take_text(std::size_t bytes) {
    if ((text_bytes_ += static_cast<Index>(bytes)) > kMostTextBytes) {
      fail(ErrorKind::kUser, "{}: its texts are more than {}.", name_, format_bytes(kMostTextBytes));
    }
  }

  const std::string name_;
  ConstBytes file_;
  const ColumnChunk& chunk_;
  bool is_optional_;
  Column& out_;
  std::vector<std::int64_t> numbers_;
  std::vector<std::string> texts_;
  Index text_bytes_ = 0;
  int empty_pages_ = 0;
};

}  // namespace

const Column* Table::find(const std::string& name) const {
  const auto found = std::ranges::find(columns, name, &Column::name);
  return found == columns.end() ? nullptr : &*found;
}

Table read(const std::string& name, std::span<const std::byte> bytes, const std::vector<std::string>& wanted, Index most_rows) {
  const auto text = [&](std::size_t at) { return std::string_view(reinterpret_cast<const char*>(bytes.data()) + at, 4); };
  if (bytes.size() < 12 || text(0) != kMagic || text(bytes.size() - 4) != kMagic) {
    fail(ErrorKind::kData, "{}: it is no Parquet file, or was cut short.", name);
  }
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + bytes.size() - 8, 4);
  if (length > bytes.size() - 12) fail(ErrorKind::kData, "{}: its metadata are longer than the file. It is damaged.", name);
  const FileMetaData metadata = read_metadata(thrift::Reader(name, bytes.subspan(bytes.size() - 8 - length, length)));
  Table out{.rows = metadata.rows};
  std::int64_t rows = 0;
  for (const RowGroup& group : metadata.groups) {
    if (group.rows < 0 || group.rows > most_rows - rows) fail(ErrorKind::kData, "{}: it has more than {} rows.", name, most_rows);
    rows += group.rows;
  }
  if (rows != metadata.rows) fail(ErrorKind::kData, "{}: it has {} rows, and its groups have {}. It is damaged.", name, metadata.rows, rows);
  for (const std::string& column_name : wanted) {
    const auto element = std::ranges::find(metadata.schema, column_name, &Element::name);
    if (element == metadata.schema.end() || element->children > 0) continue;
    const bool is_known = element->type == static_cast<int>(Kind::kInt32) || element->type == static_cast<int>(Kind::kInt64) || element->type == static_cast<int>(Kind::kBytes);
    if (!is_known || element->repetition > 1 || element->repetition < 0) {
      fail(ErrorKind::kUser, "{}: its column '{}' is neither of whole numbers nor of texts.", name, column_name);
    }
    Column column{.name = column_name, .is_text = element->type == static_cast<int>(Kind::kBytes)};
    for (const RowGroup& group : metadata.groups) {
      const auto chunk = std::ranges::find_if(group.columns, [&](const ColumnChunk& c) { return c.path.size() == 1 && c.path[0] == column_name; });
      if (chunk == group.columns.end() || chunk->type != element->type || chunk->values != group.rows) {
        fail(ErrorKind::kData, "{}: its column '{}' is not whole. The file is damaged.", name, column_name);
      }
      ColumnReader(fmt::format("{}: column '{}'", name, column_name), bytes, *chunk, element->repetition == 1, column).read(group.rows);
    }
    out.columns.push_back(std::move(column));
  }
  return out;
}

}  // namespace freestone::formats::parquet
