#include "freestone/cli/stacked_files.h"

#include <algorithm>

#include "freestone/formats/find_attribute.h"
#include "freestone/label/open.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/shape.h"

namespace freestone::cli {
namespace {

std::string stem_of(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto dot = name.find('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

/// The place of both, as text: "" where they agree.
std::string difference(const astro::SkyArray& a, const astro::SkyArray& b) {
  if (a.dims != b.dims) return fmt::format("its axes are ({}), not ({})", fmt::join(b.dims, ", "), fmt::join(a.dims, ", "));
  for (const std::string_view key : {"crs", "GeoTransform"}) {
    const formats::Attribute *ours = find_attribute(a.attributes, key), *theirs = find_attribute(b.attributes, key);
    if (ours != nullptr && theirs != nullptr && ours->value != theirs->value) {
      return fmt::format("its {} is {}, not {}", key, formats::text_of(theirs->value), formats::text_of(ours->value));
    }
  }
  return "";
}

}  // namespace

astro::SkyArray stacked(const std::vector<std::string>& files, const std::string& dim, const CfOptions& numbers) {
  astro::SkyArray result;
  std::vector<Array> parts;
  std::vector<std::string> names;
  bool is_new = true;
  for (const std::string& file : files) {
    astro::SkyArray one = astro::sky_array_from(open(file), numbers);
    const auto at = std::find(one.dims.begin(), one.dims.end(), dim);
    if (parts.empty()) is_new = at == one.dims.end();
    if ((at == one.dims.end()) != is_new) {
      fail(ErrorKind::kUser, "--stack {}: {} has {} axis '{}', {} has {}.", dim, files.front(), is_new ? "no" : "an", dim, file, is_new ? "one" : "none");
    }
    Array data = one.data;
    if (!is_new && at != one.dims.begin()) fail(ErrorKind::kUser, "--stack {}: it is not the first axis of {} ({}).", dim, file, fmt::join(one.dims, ", "));
    if (is_new) {
      data = expand_dims(data, 0);
      one.dims.insert(one.dims.begin(), dim);
    }
    const Index count = data.shape()[0];
    const formats::Attribute* attribute = find_attribute(one.attributes, "band_names");
    const auto* given = attribute == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&attribute->value);
    for (Index band = 0; band < count; ++band) {
      const bool is_named = given != nullptr && static_cast<Index>(given->size()) == count && !(*given)[static_cast<std::size_t>(band)].empty();
      names.push_back(is_named ? (*given)[static_cast<std::size_t>(band)] : count == 1 ? stem_of(file) : fmt::format("{}_{}", stem_of(file), band + 1));
    }
    if (parts.empty()) {
      result = std::move(one);
    } else {
      const std::string differs = difference(result, one);
      if (!differs.empty()) fail(ErrorKind::kUser, "--stack {}: {} does not lie where {} does: {}.", dim, file, files.front(), differs);
      Shape expected = parts.front().shape();
      expected[0] = count;
      if (data.shape() != expected) {
        fail(ErrorKind::kUser, "--stack {}: {} is {}, {} is {}.", dim, file, to_string(one.data.shape()), files.front(), to_string(parts.front().shape()));
      }
    }
    parts.push_back(std::move(data));
  }
  result.data = concat(parts, 0);
  result.wcs = {};
  std::erase_if(result.attributes, [](const formats::Attribute& a) { return a.key == "band_names" || a.key.starts_with("band_"); });
  if (dim == "band") result.attributes.push_back({"band_names", names, ""});
  return result;
}

}  // namespace freestone::cli
