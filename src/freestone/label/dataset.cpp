#include "freestone/label/dataset.h"

#include <algorithm>

namespace freestone {

bool DatasetVariable::is_coordinate() const { return dims.size() == 1 && dims[0] == name.substr(name.rfind('/') + 1); }

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

Dataset dataset_from(const formats::Contents& contents) {
  std::vector<DatasetVariable> variables;
  for (const formats::Variable& variable : contents.variables) {
    if (variable.source) variables.push_back({variable.name, from_source(variable.source), variable.dims, variable.attributes});
  }
  return {contents.path, std::move(variables), contents.attributes};
}

Dataset open_dataset(const std::string& path) { return dataset_from(formats::open_file(path)); }

}  // namespace freestone
