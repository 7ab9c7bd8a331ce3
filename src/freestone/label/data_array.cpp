#include "freestone/label/data_array.h"

namespace freestone {

DataArray::DataArray(const Dataset& dataset, std::string name) : name_(std::move(name)) {
  const DatasetVariable& variable = dataset[name_];
  std::vector<DatasetVariable> kept = coordinates_of(dataset, variable);
  kept.push_back(variable);
  dataset_ = dataset.with(std::move(kept));
}

DataArray::DataArray(Array array, std::vector<std::string> dims, std::vector<DatasetVariable> coordinates, std::string name,
                     std::vector<formats::Attribute> attributes)
    : name_(std::move(name)) {
  if (static_cast<int>(dims.size()) != array.rank()) {
    fail(ErrorKind::kUser, "'{}' has {} axes and {} names for them.", name_, array.rank(), dims.size());
  }
  coordinates.push_back({name_, std::move(array), std::move(dims), std::move(attributes)});
  dataset_ = Dataset("", std::move(coordinates), {});
  for (const auto& [dim, length] : dataset_.dims()) dataset_.length(dim);
}

}  // namespace freestone
