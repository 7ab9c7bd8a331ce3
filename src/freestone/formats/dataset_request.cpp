#include "freestone/formats/dataset_request.h"

#include <algorithm>
#include <map>

#include "freestone/formats/fits_card.h"

namespace freestone::formats {
namespace {

/// A key of other formats as a name of netCDF, "" for one that has none.
std::string key_from(std::string key) {
  for (char& c : key) {
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  while (!key.empty() && key.back() == ' ') key.pop_back();
  return key;
}

}  // namespace

void add_attribute(std::vector<Attribute>& list, Attribute attribute) {
  attribute.key = key_from(attribute.key);
  if (attribute.key.empty()) return;
  const auto same = std::find_if(list.begin(), list.end(), [&](const Attribute& other) { return other.key == attribute.key; });
  if (same == list.end()) {
    list.push_back(std::move(attribute));
    return;
  }
  const auto *before = std::get_if<std::string>(&same->value), *text = std::get_if<std::string>(&attribute.value);
  if ((attribute.key == "COMMENT" || attribute.key == "HISTORY") && before != nullptr && text != nullptr) attribute.value = *before + "\n" + *text;
  *same = std::move(attribute);
}

std::vector<std::string> unlimited_dims_in(const std::string& format, const std::vector<std::string>& dims,
                                           const std::vector<std::vector<std::string>>& variables) {
  std::vector<std::string> out;
  const bool is_classic = format == "netcdf3";
  if (!is_classic && format != "netcdf4" && format != "hdf5") return out;
  for (const std::string& dim : dims) {
    bool is_used = false, is_first = true;
    for (const auto& axes : variables) {
      const auto at = std::find(axes.begin(), axes.end(), dim);
      is_used = is_used || at != axes.end();
      is_first = is_first && (at == axes.end() || at == axes.begin());
    }
    if (is_used && (!is_classic || (is_first && out.empty())) && std::find(out.begin(), out.end(), dim) == out.end()) out.push_back(dim);
  }
  return out;
}

DatasetRequest dataset_of_one(const Spec& spec, const WriteRequest& request) {
  DatasetRequest all{.path = request.path, .format = request.format, .overwrite = request.overwrite, .attributes = {}, .variables = {},
                     .unlimited_dims = request.unlimited_dims, .append = request.append};
  VariableRequest variable{.name = request.name.empty() ? "data" : request.name, .spec = spec, .packing = request.packing,
                           .nominal_chunks = request.nominal_chunks, .chunks_are_wanted = request.chunks_are_wanted,
                           .nominal_deflate = request.nominal_deflate};
  std::map<std::string, Index> lengths;
  for (int k = 0; k < spec.shape.rank(); ++k) {
    const auto axis = static_cast<std::size_t>(k);
    std::string name = axis < request.dims.size() ? request.dims[axis] : "";
    if (name.empty()) name = fmt::format("dim_{}", k);
    while (lengths.emplace(name, spec.shape[k]).first->second != spec.shape[k]) name += "_";
    variable.dims.push_back(std::move(name));
  }
  for (Attribute& attribute : fits::parse_cards(fits::sanitised_cards(request.header_cards))) variable.attributes.push_back(std::move(attribute));
  for (const auto* list : {&request.plain_attributes, &request.attributes}) {
    for (const Attribute& attribute : *list) variable.attributes.push_back(attribute);
  }
  all.variables.push_back(std::move(variable));
  return all;
}

}  // namespace freestone::formats
