// Any bytes at all as a file: the metadata parsers answer or throw an Error of kind data or user, and nothing else happens; small
// tile-compressed images are decoded.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/fuzz_test.cpp runs it on mutated headers without.
#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

#include "answers.h"
#include "freestone/formats/fits.h"
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

void decode(const Source& source) {
  constexpr Index kMost = Index{1} << 20;
  const Box box(source.spec().shape);
  double count = 1;
  for (const Index n : box.shape) count *= static_cast<double>(n);
  if (count == 0) return;  // nobody asks for nothing
  if (count * static_cast<double>(size_of(source.spec().dtype)) > static_cast<double>(kMost) || source.encoded_bytes(box) > 8 * kMost) return;
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box))), out(static_cast<std::size_t>(source.spec().bytes()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(out.data(), source.spec().dtype, box.shape), Cancel());
}

/// Compressed images (GZIP, RICE, HCOMPRESS, PLIO; ZBLANK, ZSCALE, quantised floats) are read from a file.
void look_at_tiles(const unsigned char* data, std::size_t size) {
  const int descriptor = memfd_create("fuzz.fits", MFD_CLOEXEC);
  require(descriptor >= 0 && (size == 0 || write(descriptor, data, size) == static_cast<ssize_t>(size)), "no file in memory");
  const auto file = File::adopt(descriptor, "fuzz.fits", static_cast<Index>(size));
  const formats::Contents contents = formats::fits::open(file);
  int looked_at = 0;
  for (const formats::Variable& variable : contents.variables) {
    if (variable.source && ++looked_at <= 4) expect_answer_or_clear_error([&] { decode(*variable.source); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const MemoryReader reader("fuzz", std::as_bytes(std::span(data, size)));
  expect_answer_or_clear_error([&] { look_at_fits(reader); });
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("ZIMAGE") != std::string_view::npos) expect_answer_or_clear_error([&] { look_at_tiles(data, size); });
  expect_answer_or_clear_error([&] { formats::npy::read_header(reader); });
  return 0;
}
