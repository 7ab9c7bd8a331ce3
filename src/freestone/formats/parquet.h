/// Parquet, as much of it as references need: flat tables of whole numbers and texts.
///
/// Read: INT32, INT64 and BYTE_ARRAY columns, required or optional, data pages of both versions, plain or by dictionary, uncompressed or by snappy,
/// gzip or zstd. Written: plain pages, zstd. Every length is checked before memory is taken for it.
/// Facts: the specification of Parquet's file format, encodings and compression, and of Thrift's compact protocol.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone::formats::parquet {

struct Column {
  std::string name;
  bool is_text = false;               ///< BYTE_ARRAY: `texts`, else `numbers`
  std::vector<std::int64_t> numbers;  ///< one a row
  std::vector<std::string> texts;     ///< one a row
  std::vector<bool> present;          ///< one a row, false where it is null; empty: all are
  bool has(std::size_t row) const { return present.empty() || present[row]; }
};

struct Table {
  Index rows = 0;
  std::vector<Column> columns;
  /// Null when there is no column of this name.
  const Column* find(const std::string& name) const;
};

/// @param name of the file, for messages
/// @param wanted columns; others are passed over, whatever they are
/// @throws Error kind data: damaged, naming the field; kind user: a type, encoding or codec that is not read
Table read(const std::string& name, std::span<const std::byte> bytes, const std::vector<std::string>& wanted, Index most_rows);

/// A file of the table, in one group of rows.
std::vector<std::byte> written(const Table& table);

}  // namespace freestone::formats::parquet
