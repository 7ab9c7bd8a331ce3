// `open`: an array, or the arrays of a group.
#include "freestone/label/dataset.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <filesystem>

#include "freestone/label/cf.h"
#include "freestone/label/combine.h"
#include "freestone/label/open.h"
#include "freestone/label/raster.h"
#include "module.h"

namespace freestone::python {
namespace {

/// An attribute as Python has it; lists and objects by Python's own JSON.
nb::object object_of(const formats::Attribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value); text != nullptr && attribute.comment == "JSON")
    return nb::module_::import_("json").attr("loads")(*text);
  return std::visit([](const auto& value) { return nb::cast(value); }, attribute.value);
}

nb::dict dict_of(const std::vector<formats::Attribute>& attributes) {
  nb::dict out;
  for (const auto& attribute : attributes) out[attribute.key.c_str()] = object_of(attribute);
  return out;
}

/// The files of a pattern; a part in brackets is none.
std::vector<std::string> files_of(const std::string& path) {
  const formats::Selected selected = formats::split_selector(path);
  std::error_code error;
  if (!selected.selector.empty() && std::filesystem::exists(selected.path, error)) return {path};
  return expand_paths(path);
}

nb::object open_any(const std::string& path) {
  std::optional<Dataset> dataset;
  Array array;
  {
    const nb::gil_scoped_release release;
    const std::vector<std::string> paths = files_of(path);
    const formats::Selected selected = formats::split_selector(paths.front());
    formats::Contents contents;
    if (paths.size() == 1) contents = formats::open_file(selected.path);
    if (paths.size() > 1) {
      dataset = open_datasets(paths);
    } else if (!contents.is_group) {
      array = variable_from(Opened(std::move(contents), selected.selector)).array;
    } else {
      dataset = decode_cf(dataset_from(contents));
      if (!selected.selector.empty()) {
        array = (*dataset)[formats::select_variable(contents, selected.selector).name].array;
        dataset.reset();
      }
    }
  }
  return dataset ? nb::cast(std::move(*dataset)) : nb::cast(array);
}

}  // namespace

void bind_dataset(nb::module_& module) {
  nb::class_<Dataset>(module, "Dataset")
      .def_prop_ro("path", &Dataset::path)
      .def("arrays",
           [](const Dataset& dataset) {
             nb::list out;
             for (const DatasetVariable& variable : dataset.variables()) out.append(nb::make_tuple(variable.name, variable.array));
             return out;
           })
      .def("attributes", [](const Dataset& dataset,
                            const std::string& name) { return dict_of(name.empty() ? dataset.attributes() : dataset[name].attributes); })
      .def("dims_of", [](const Dataset& dataset, const std::string& name) { return dataset[name].dims; })
      .def("dims", &Dataset::dims)
      .def("coordinate_names", &Dataset::coordinate_names)
      .def("data_names", &Dataset::data_names);
  module.def("open", &open_any);
}

}  // namespace freestone::python
