// Any bytes at all as a file: the metadata parsers answer or throw an Error of kind data or user, and nothing else happens.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/fuzz_test.cpp runs it on mutated headers without.
#include "answers.h"
#include "freestone/formats/fits_table.h"
#include "freestone/formats/npy.h"

namespace {

using namespace freestone;
using fuzzing::require;

template <class F>
void expect_answer_or_clear_error(F&& f) {
  fuzzing::expect_answer_or_clear_error(f, [](const Error& error) {
    require(error.message().find("fuzz") != std::string::npos, "an error does not name the file");
  });
}

void look_at_fits(const ByteReader& reader) {
  for (const auto& hdu : formats::fits::read_hdus(reader)) {
    require(hdu.data_bytes >= 0 && hdu.data_offset + hdu.data_bytes <= reader.size(), "data outside the file");
    require(hdu.cards.size() % 80 == 0, "cards that are not 80 characters");
    if (hdu.has_pixels()) formats::fits::pixel_transform(reader.name(), hdu).check();
    if (hdu.kind == formats::fits::HduKind::kBinaryTable) {
      expect_answer_or_clear_error([&] {
        if (const auto table = formats::fits::read_table(reader, hdu)) {
          require(formats::fits::format_table(*table).size() % 2880 == 0, "a table that does not fill its blocks");
        }
      });
    }
    std::string again = formats::fits::sanitised_cards(hdu.cards);
    for (const auto& attribute : hdu.attributes) again += formats::fits::format_cards(attribute);
    require(again.size() % 80 == 0, "written cards that are not 80 characters");
    for (const char c : again) require(c >= 0x20 && c <= 0x7e, "a written card is not printable");
    formats::fits::parse_cards(again);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const MemoryReader reader("fuzz", std::as_bytes(std::span(data, size)));
  expect_answer_or_clear_error([&] { look_at_fits(reader); });
  expect_answer_or_clear_error([&] { formats::npy::read_header(reader); });
  return 0;
}
