#include <algorithm>
#include <cctype>
#include <cstring>

#include "freestone/astro/derived.h"
#include "freestone/astro/sky_array.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/formats/fits_card.h"
#include "freestone/label/georeference.h"

namespace freestone::astro {
namespace {

using formats::Attribute;

/// Eight characters at most of what FITS allows, and no more than one word of other formats' habits would be.
bool is_card_key(const std::string& key) {
  if (key == "COMMENT" || key == "HISTORY") return true;
  const bool fits = std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isupper(c) || std::isdigit(c) || c == '_' || c == '-'; });
  return fits && !key.empty() && key.size() <= 8;
}

/// Attributes that were cards of a FITS file become cards again: they have a WCS or a unit among them.
void take_cards(SkyArray& sky) {
  const auto& attributes = sky.attributes;
  if (find_attribute(attributes, "CTYPE1") == nullptr && find_attribute(attributes, "BUNIT") == nullptr && find_attribute(attributes, "BMAJ") == nullptr) return;
  std::string cards;
  for (const Attribute& attribute : attributes) {
    if (is_card_key(attribute.key)) cards += formats::fits::format_cards({attribute.key, attribute.value, ""});
  }
  const FitsHeader header = FitsHeader::parse(cards);
  sky.header = header.without_structure();
  sky.beam = beam_from_header(header);
  const Wcs wcs = Wcs::from_cards(cards, sky.rank());
  if (find_attribute(attributes, "CTYPE1") != nullptr || find_attribute(attributes, "CRVAL1") != nullptr) sky.wcs = wcs;
  if (const auto unit = header.text("BUNIT"); unit && text_in(attributes, "units").empty()) sky.unit = Unit::parse_or_opaque(*unit);
  std::erase_if(sky.attributes, [](const Attribute& a) { return is_card_key(a.key); });
}

/// One node, or as many equal numbers in memory: those that two arrays have made of one thing.
bool holds_the_same(const Array& a, const Array& b) {
  if (a == b) return true;
  const auto &x = a.node()->op->source(), &y = b.node()->op->source();
  if (x == nullptr || y == nullptr || !x->memory() || !y->memory() || a.spec() != b.spec()) return false;
  const View left = *x->memory(), right = *y->memory();
  return left.is_contiguous() && right.is_contiguous() && std::memcmp(left.data, right.data, static_cast<std::size_t>(a.bytes())) == 0;
}

/// NaN, which xarray has for _FillValue, is the same as NaN.
bool says_the_same(const Attribute& a, const Attribute& b) {
  return a == b || (a.key == b.key && a.comment == b.comment && a.value.index() == b.value.index() && formats::text_of(a.value) == formats::text_of(b.value));
}

bool is_same(const DatasetVariable& a, const DatasetVariable& b) {
  return holds_the_same(a.array, b.array) && a.dims == b.dims && std::ranges::equal(a.attributes, b.attributes, says_the_same);
}

}  // namespace

SkyArray sky_array_from(const Dataset& dataset, const std::string& name) {
  DatasetVariable variable = dataset[name];
  SkyArray sky;
  sky.coordinates = coordinates_of(dataset, variable);
  raster_read(variable, sky.coordinates);
  sky.data = variable.array;
  for (std::size_t k = 0; k < variable.dims.size(); ++k) {
    sky.dims.push_back(variable.dims[k].empty() ? fmt::format("axis{}", k) : variable.dims[k]);
  }
  for (int k = static_cast<int>(sky.dims.size()); k < sky.rank(); ++k) sky.dims.push_back(fmt::format("axis{}", k));
  sky.attributes = std::move(variable.attributes);
  sky.name = name;
  sky.unit = Unit::parse_or_opaque(text_in(sky.attributes, "units"));
  try {
    take_cards(sky);
  } catch (Error& error) {
    throw error.within(dataset.path());
  }
  return sky;
}

DatasetVariable variable_of(const SkyArray& array) {
  DatasetVariable out{array.name.empty() ? "data" : array.name, array.data, array.dims, array.attributes};
  const std::string unit = array.unit.to_string(), spelled = text_in(array.attributes, "units");
  if (!(Unit::parse_or_opaque(spelled) == array.unit)) {
    std::erase_if(out.attributes, [](const Attribute& a) { return a.key == "units"; });
    if (!unit.empty()) out.attributes.push_back({"units", unit, ""});
  }
  return out;
}

Dataset dataset_of(const std::vector<SkyArray>& arrays, const std::vector<Attribute>& attributes) {
  std::vector<DatasetVariable> variables;
  for (const SkyArray& array : arrays) {
    for (const DatasetVariable& coordinate : array.coordinates) {
      // A coordinate of a group that is the array itself.
      if (coordinate.name == array.name) continue;
      const auto there = std::find_if(variables.begin(), variables.end(), [&](const DatasetVariable& v) { return v.name == coordinate.name; });
      if (there == variables.end()) {
        variables.push_back(coordinate);
      } else if (!is_same(*there, coordinate)) {
        fail(ErrorKind::kUser, "Two arrays have different coordinates '{}'. Handle them one by one, with --var.", coordinate.name);
      }
    }
  }
  for (const SkyArray& array : arrays) {
    DatasetVariable variable = variable_of(array);
    if (std::any_of(variables.begin(), variables.end(), [&](const DatasetVariable& v) { return v.name == variable.name; })) {
      fail(ErrorKind::kUser, "There is more than one array '{}'.", variable.name);
    }
    variables.push_back(std::move(variable));
  }
  return Dataset("", std::move(variables), attributes);
}

SkyArray with_labels(const SkyArray& array, const Dataset& dataset) {
  const DatasetVariable& variable = dataset[array.name.empty() ? "data" : array.name];
  std::vector<int> kept;
  bool is_known = array.wcs.rank() > 0;
  for (std::size_t k = 0; k < variable.dims.size(); ++k) {
    const auto at = std::find(array.dims.begin(), array.dims.end(), variable.dims[k]);
    is_known = is_known && at != array.dims.end() && array.data.shape()[static_cast<int>(at - array.dims.begin())] == variable.array.shape()[static_cast<int>(k)];
    if (at != array.dims.end()) kept.push_back(static_cast<int>(at - array.dims.begin()));
  }
  SkyArray out = with_axes(array, variable.array, kept);
  if (!is_known) out.wcs = Wcs();
  out.dims = variable.dims;
  out.attributes = variable.attributes;
  out.coordinates = coordinates_of(dataset, variable);
  const std::string units = text_in(out.attributes, "units");
  if (!(Unit::parse_or_opaque(units) == array.unit)) out.unit = Unit::parse_or_opaque(units);
  return out;
}

}  // namespace freestone::astro
