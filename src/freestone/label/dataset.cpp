#include "freestone/label/dataset.h"

#include <algorithm>
#include <sstream>

#include "freestone/formats/find_attribute.h"
#include "freestone/label/cf.h"
#include "freestone/label/georeference.h"

namespace freestone {
namespace {

/// A variable that describes a projection: nothing but its attributes means something.
bool is_mapping(const DatasetVariable& variable) {
  return variable.attribute("grid_mapping_name") != nullptr || variable.attribute("crs_wkt") != nullptr || variable.attribute("spatial_ref") != nullptr;
}

/// Characters, whose last axis is that of the letters of a text.
bool are_letters(const DatasetVariable& variable) { return variable.text("numpy_dtype") == "S1" && variable.dims.size() > 1; }

}  // namespace

bool DatasetVariable::is_dimension_coordinate() const { return dims.size() == 1 && dims[0] == name.substr(name.rfind('/') + 1); }

int DatasetVariable::axis_of(const std::string& dim) const {
  const auto found = std::find(dims.begin(), dims.end(), dim);
  return found == dims.end() ? -1 : static_cast<int>(found - dims.begin());
}

const formats::Attribute* DatasetVariable::attribute(const std::string& key) const {
  return find_attribute(attributes, key);
}

std::string DatasetVariable::text(const std::string& key) const { return text_in(attributes, key); }

Dataset::Dataset(std::string path, std::vector<DatasetVariable> variables, std::vector<formats::Attribute> attributes)
    : path_(std::move(path)), variables_(std::move(variables)), attributes_(std::move(attributes)) {}

bool Dataset::contains(const std::string& name) const {
  return std::any_of(variables_.begin(), variables_.end(), [&](const DatasetVariable& v) { return v.name == name; });
}

const DatasetVariable& Dataset::operator[](const std::string& name) const {
  std::vector<std::string> names;
  std::string list;
  for (const DatasetVariable& variable : variables_) {
    if (variable.name == name) return variable;
    names.push_back(variable.name);
    list += (list.empty() ? "" : ", ") + variable.name;
  }
  fail(ErrorKind::kUser, "{}: there is no variable '{}'.{} There are: {}.", path_, name, suggestion(name, names), list);
}

const DatasetVariable* Dataset::coordinate(const std::string& dim) const {
  const auto found = std::find_if(variables_.begin(), variables_.end(),
                                  [&](const DatasetVariable& v) { return v.is_dimension_coordinate() && v.dims[0] == dim; });
  return found == variables_.end() ? nullptr : &*found;
}

Index Dataset::length(const std::string& dim) const {
  std::optional<Index> length;
  std::vector<std::string> names;
  for (const auto& [name, extent] : dims()) {
    names.push_back(name);
    if (name != dim) continue;
    if (length) fail(ErrorKind::kUser, "{}: axis '{}' has {} elements in one variable and {} in another.", path_, dim, *length, extent);
    length = extent;
  }
  if (!length) {
    fail(ErrorKind::kUser, "{}: there is no axis '{}'.{} There are: {}.", path_, dim, suggestion(dim, names), fmt::join(names, ", "));
  }
  return *length;
}

std::vector<std::string> Dataset::names(bool coordinates) const {
  std::vector<std::string> out;
  for (const DatasetVariable& variable : variables_) {
    if (variable.is_coordinate() == coordinates) out.push_back(variable.name);
  }
  return out;
}

std::vector<std::pair<std::string, Index>> Dataset::dims() const {
  std::vector<std::pair<std::string, Index>> out;
  for (const DatasetVariable& variable : variables_) {
    for (std::size_t k = 0; k < variable.dims.size(); ++k) {
      const std::pair<std::string, Index> dim{variable.dims[k], variable.array.shape()[static_cast<int>(k)]};
      if (!dim.first.empty() && std::find(out.begin(), out.end(), dim) == out.end()) out.push_back(dim);
    }
  }
  return out;
}

std::vector<std::string> Dataset::text_coordinates() const {
  std::vector<std::string> out;
  for (const DatasetVariable& variable : variables_) {
    for (const formats::Attribute& attribute : variable.encoding.attributes) {
      const auto* text = std::get_if<std::string>(&attribute.value);
      if (attribute.key != "coordinates" || text == nullptr) continue;
      std::istringstream words(*text);
      for (std::string word; words >> word;) {
        const bool is_text = std::any_of(texts_.begin(), texts_.end(), [&](const formats::TextRequest& one) { return one.name == word; });
        if (is_text && std::find(out.begin(), out.end(), word) == out.end()) out.push_back(word);
      }
    }
  }
  return out;
}

std::string grid_mapping_name(const DatasetVariable& variable) {
  const std::vector<std::string> names = grid_mapping_names(variable);
  if (names.size() < 2) return names.empty() ? "" : names.front();
  std::istringstream words(variable.text("grid_mapping"));
  std::string name;
  for (std::string word; words >> word;) {
    if (word.ends_with(':')) name = word.substr(0, word.size() - 1);
    if (!variable.dims.empty() && word == variable.dims.back()) return name;
  }
  return names.front();
}

std::vector<DatasetVariable> coordinates_of(const Dataset& dataset, const DatasetVariable& variable) {
  std::vector<std::string> bounds;
  std::vector<DatasetVariable> out;
  const auto is_named = [&](const DatasetVariable& v) { return std::find(bounds.begin(), bounds.end(), v.name) != bounds.end(); };
  for (const DatasetVariable& other : dataset.variables()) {
    if (!other.is_coordinate() || other.name == variable.name || is_mapping(other)) continue;
    if (!variable.name.starts_with(other.name.substr(0, other.name.rfind('/') + 1))) continue;  // another group's
    bool fits = true;
    const std::size_t own = other.dims.size() - (are_letters(other) && variable.axis_of(other.dims.back()) < 0 ? 1 : 0);
    for (std::size_t k = 0; k < own; ++k) {
      const int axis = variable.axis_of(other.dims[k]);
      fits = fits && axis >= 0 && axis < variable.array.rank() && other.array.shape()[static_cast<int>(k)] == variable.array.shape()[axis];
    }
    const auto last = [](const std::string& name) { return name.substr(name.rfind('/') + 1); };
    // Of one name the nearest group's is meant.
    const auto same = std::find_if(out.begin(), out.end(), [&](const DatasetVariable& v) { return last(v.name) == last(other.name); });
    if (!fits || (same != out.end() && same->name.size() > other.name.size())) continue;
    same == out.end() ? out.push_back(other) : static_cast<void>(*same = other);
    for (const char* key : {"bounds", "climatology"}) {
      if (const std::string name = other.text(key); !name.empty()) bounds.push_back(name);
    }
  }
  const std::vector<std::string> mappings = grid_mapping_names(variable);
  for (const DatasetVariable& other : dataset.variables()) {
    const bool is_there = std::any_of(out.begin(), out.end(), [&](const DatasetVariable& v) { return v.name == other.name; });
    if (!is_there && other.name != variable.name && (is_named(other) || std::ranges::find(mappings, other.name) != mappings.end())) out.push_back(other);
  }
  return out;
}

Dataset Dataset::with(std::vector<DatasetVariable> variables) const {
  Dataset out(path_, std::move(variables), attributes_);
  out.unlimited_dims_ = unlimited_dims_;
  return out;
}

Dataset dataset_from(const formats::Contents& contents) {
  std::vector<DatasetVariable> variables;
  std::vector<formats::TextRequest> texts;
  for (const formats::Variable& variable : contents.variables) {
    if (variable.texts) texts.push_back({variable.name, *variable.texts, variable.dims, variable.attributes});
    if (variable.source) variables.push_back({variable.name, from_source(variable.source), variable.dims, variable.attributes});
  }
  Dataset out(contents.path, std::move(variables), contents.attributes);
  out.set_unlimited_dims(contents.unlimited_dims);
  out.set_texts(std::move(texts));
  return out;
}

Dataset open_dataset(const std::string& path, const CfOptions& options) {
  return decode_cf(dataset_from(formats::open_file(path)), options);
}

}  // namespace freestone
