#include <nlohmann/json.hpp>

#include "freestone/formats/fits.h"
#include "freestone/formats/fits_table.h"
#include "freestone/formats/fits_tiles.h"
#include "freestone/formats/note.h"
#include "freestone/storage/manifest_source.h"

namespace freestone::formats::fits {
namespace {

std::string reference_of(const File& file, int hdu) {
  return nlohmann::json{{"path", file.location()}, {"variable", std::to_string(hdu)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Why an HDU that holds data gives no array; "" when it holds none.
std::string note_of(const Hdu& hdu) {
  switch (hdu.kind) {
    case HduKind::kImage:
      if (hdu.axes.size() > kMaxRank) return fmt::format("it has {} axes; Freestone handles up to {}", hdu.axes.size(), kMaxRank);
      return "";
    case HduKind::kBinaryTable: return "it is a table, not an image";
    case HduKind::kAsciiTable: return "it is an ASCII table, which cannot be read yet";
    case HduKind::kRandomGroups: return "it holds random groups, which cannot be read";
    case HduKind::kCompressedImage: return "";
    case HduKind::kOther: return fmt::format("it is an extension of the unknown type '{}'", hdu.extension);
  }
  return "";
}

}  // namespace

Contents open(std::shared_ptr<const File> file) {
  Contents contents{.format = "fits", .path = file->name()};
  for (Hdu& hdu : read_hdus(*file)) {
    Variable variable{.name = hdu.name, .hdu = hdu.number, .note = note_of(hdu)};
    if (hdu.kind == HduKind::kBinaryTable) {
      if (auto table = read_table(*file, hdu)) contents.tables.push_back(std::move(*table));
    } else if (hdu.kind == HduKind::kCompressedImage) {
      try {
        variable.source = open_tiles(file, hdu, reference_of(*file, hdu.number));
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kUser) throw;
        variable.note = formats::note_of(error, file->name());
      }
      // The header of the image, without what is the table's.
      hdu.cards = sanitised_cards(hdu.cards);
      hdu.attributes = parse_cards(hdu.cards);
    } else if (hdu.has_pixels() && variable.note.empty()) {
      const Shape shape(hdu.axes.rbegin(), hdu.axes.rend());
      variable.source = std::make_shared<ManifestSource>(
          contiguous_manifest(file, hdu.data_offset, shape, pixel_transform(file->name(), hdu), reference_of(*file, hdu.number)));
    }
    variable.attributes = std::move(hdu.attributes);
    variable.header = std::move(hdu.cards);
    contents.variables.push_back(std::move(variable));
  }
  return contents;
}

}  // namespace freestone::formats::fits
