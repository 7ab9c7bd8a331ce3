#include <algorithm>
#include <cstring>

#include "freestone/formats/parquet.h"
#include "freestone/formats/thrift_compact.h"
#include "freestone/storage/codec.h"

namespace freestone::formats::parquet {
namespace {

using thrift::Type;

constexpr std::int64_t kInt64 = 2, kBytes = 6, kOptional = 1, kRequired = 0, kUtf8 = 0, kPlain = 0, kRle = 3, kZstd = 6;

void append(std::vector<std::byte>& to, const void* from, std::size_t bytes) {
  const std::size_t before = to.size();
  to.resize(before + bytes);
  if (bytes > 0) std::memcpy(to.data() + before, from, bytes);
}

void append_size(std::vector<std::byte>& to, std::size_t size) {
  const auto value = static_cast<std::uint32_t>(size);
  append(to, &value, sizeof value);
}

/// Which rows are there, as one run of bits.
std::vector<std::byte> levels_of(const Column& column, std::size_t rows) {
  std::vector<std::byte> out;
  const std::size_t eights = (rows + 7) / 8;
  for (std::uint64_t head = std::uint64_t{eights} << 1 | 1;; head >>= 7) {
    out.push_back(static_cast<std::byte>(head >= 0x80 ? head | 0x80 : head));
    if (head < 0x80) break;
  }
  std::vector<std::uint8_t> bits(eights, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    if (column.has(i)) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | 1U << (i % 8));
  }
  append(out, bits.data(), bits.size());
  return out;
}

std::vector<std::byte> plain(const Column& column, std::size_t rows) {
  std::vector<std::byte> out;
  if (column.is_text) {
    const std::vector<std::byte> levels = levels_of(column, rows);
    append_size(out, levels.size());
    append(out, levels.data(), levels.size());
  }
  for (std::size_t i = 0; i < rows; ++i) {
    if (!column.is_text) {
      append(out, &column.numbers[i], sizeof column.numbers[i]);
    } else if (column.has(i)) {
      append_size(out, column.texts[i].size());
      append(out, column.texts[i].data(), column.texts[i].size());
    }
  }
  return out;
}

struct Written {
  std::size_t offset, raw_bytes, stored_bytes;  // with the page's header
};

Written append_page(std::vector<std::byte>& file, const Column& column, std::size_t rows) {
  const std::vector<std::byte> raw = plain(column, rows);
  const CodecRef codec = zstd_codec(3);
  std::vector<std::byte> stored(static_cast<std::size_t>(codec->largest_made(static_cast<Index>(raw.size()))));
  stored.resize(static_cast<std::size_t>(codec->encode(raw, stored)));
  thrift::Writer header;
  header.begin();
  header.number(1, 0, Type::kI32);
  header.number(2, static_cast<std::int64_t>(raw.size()), Type::kI32);
  header.number(3, static_cast<std::int64_t>(stored.size()), Type::kI32);
  header.struct_field(5);
  header.number(1, static_cast<std::int64_t>(rows), Type::kI32);
  header.number(2, kPlain, Type::kI32);
  header.number(3, kRle, Type::kI32);
  header.number(4, kRle, Type::kI32);
  header.end();
  header.end();
  const Written out{file.size(), header.bytes().size() + raw.size(), header.bytes().size() + stored.size()};
  append(file, header.bytes().data(), header.bytes().size());
  append(file, stored.data(), stored.size());
  return out;
}

void describe_schema(thrift::Writer& out, const Table& table) {
  out.list(2, table.columns.size() + 1, Type::kStruct);
  out.begin();
  out.text(4, "schema");
  out.number(5, static_cast<std::int64_t>(table.columns.size()), Type::kI32);
  out.end();
  for (const Column& column : table.columns) {
    out.begin();
    out.number(1, column.is_text ? kBytes : kInt64, Type::kI32);
    out.number(3, column.is_text ? kOptional : kRequired, Type::kI32);
    out.text(4, column.name);
    // Of bytes nobody says that they are text.
    if (column.is_text && column.name != "raw") out.number(6, kUtf8, Type::kI32);
    out.end();
  }
}

}  // namespace

std::vector<std::byte> written(const Table& table) {
  const auto rows = static_cast<std::size_t>(table.rows);
  std::vector<std::byte> file;
  append(file, "PAR1", 4);
  std::vector<Written> pages;
  for (const Column& column : table.columns) {
    ensure((column.is_text ? column.texts.size() : column.numbers.size()) == rows, "a column of another length than its table");
    pages.push_back(append_page(file, column, rows));
  }
  thrift::Writer footer;
  footer.begin();
  footer.number(1, 1, Type::kI32);
  describe_schema(footer, table);
  footer.number(3, table.rows, Type::kI64);
  footer.list(4, 1, Type::kStruct);
  footer.begin();
  footer.list(1, table.columns.size(), Type::kStruct);
  std::size_t total = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const Column& column = table.columns[i];
    total += pages[i].raw_bytes;
    footer.begin();
    footer.number(2, static_cast<std::int64_t>(pages[i].offset), Type::kI64);
    footer.struct_field(3);
    footer.number(1, column.is_text ? kBytes : kInt64, Type::kI32);
    footer.list(2, 2, Type::kI32);
    footer.element(kPlain);
    footer.element(kRle);
    footer.list(3, 1, Type::kBinary);
    footer.element(column.name);
    footer.number(4, kZstd, Type::kI32);
    footer.number(5, table.rows, Type::kI64);
    footer.number(6, static_cast<std::int64_t>(pages[i].raw_bytes), Type::kI64);
    footer.number(7, static_cast<std::int64_t>(pages[i].stored_bytes), Type::kI64);
    footer.number(9, static_cast<std::int64_t>(pages[i].offset), Type::kI64);
    footer.end();
    footer.end();
  }
  footer.number(2, static_cast<std::int64_t>(total), Type::kI64);
  footer.number(3, table.rows, Type::kI64);
  footer.end();
  footer.text(6, "freestone");
  footer.end();
  append(file, footer.bytes().data(), footer.bytes().size());
  append_size(file, footer.bytes().size());
  append(file, "PAR1", 4);
  return file;
}

}  // namespace freestone::formats::parquet
