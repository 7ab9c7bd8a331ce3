// Any bytes at all as references, JSON or a file of Parquet by the first byte: they are read, or there is an Error of kind data or user. A table that
// was read is written again and read the same.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/references_test.cpp runs it on mutated files without.
#include "answers.h"
#include "freestone/formats/kerchunk.h"
#include "freestone/formats/parquet.h"
#include "freestone/storage/anonymous_file.h"

namespace {

using namespace freestone;
using fuzzing::require;

void look_at_parquet(std::span<const std::byte> bytes) {
  const formats::parquet::Table table = formats::parquet::read("fuzz", bytes, {"path", "offset", "size", "raw"}, 100'000);
  for (const auto& column : table.columns) {
    require((column.is_text ? column.texts.size() : column.numbers.size()) == static_cast<std::size_t>(table.rows), "a column of another length");
    require(column.present.size() == static_cast<std::size_t>(table.rows) || table.rows == 0, "rows that are neither there nor not");
  }
  const std::vector<std::byte> again = formats::parquet::written(table);
  const formats::parquet::Table second = formats::parquet::read("again", again, {"path", "offset", "size", "raw"}, 100'000);
  require(second.rows == table.rows && second.columns.size() == table.columns.size(), "another table");
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const auto &a = table.columns[c], &b = second.columns[c];
    require(a.is_text == b.is_text && a.texts == b.texts, "other texts");
    for (std::size_t i = 0; i < static_cast<std::size_t>(table.rows); ++i) {
      if (a.is_text) require(a.has(i) == b.has(i), "another row is there");
      if (!a.is_text) require(a.numbers[i] == b.numbers[i], "other numbers");
    }
  }
}

}  // namespace

int look_at_references(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span bytes = std::as_bytes(std::span(data + 1, size - 1));
  fuzzing::expect_answer_or_clear_error([&] {
    if (data[0] % 2 == 1) return look_at_parquet(bytes);
    const auto file = file_in_memory("fuzz.json", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    for (const formats::Variable& variable : formats::kerchunk::open(file).variables) require(variable.source || !variable.note.empty(), "neither source nor note");
  });
  return 0;
}

#ifdef FREESTONE_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { return look_at_references(data, size); }
#endif
