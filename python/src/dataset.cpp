// `open`: an array, or the arrays of a group.
#include "freestone/label/dataset.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <filesystem>

#include "freestone/label/cf.h"
#include "freestone/label/combine.h"
#include "freestone/label/open.h"
#include "freestone/label/raster.h"
#include "freestone/storage/location.h"
#include "freestone/storage/remote_options.h"
#include "module.h"
#include "run.h"
#include "storage_options.h"

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

nb::object open_any(const std::vector<std::string>& given, const nb::dict& storage_options, bool mask_and_scale, const std::string& concat_dim) {
  const CfOptions numbers{.mask_and_scale = mask_and_scale};
  std::optional<Dataset> dataset;
  Array array;
  const RemoteOptionsRef remote = storage_options.size() > 0 ? remote_options_of(storage_options) : nullptr;
  const auto open = [&](const Cancel& cancel) {
    const RemoteScope scope(remote, [&] { cancel.check(); });
    const std::vector<std::string> paths = given.size() == 1 ? files_of(given.front()) : given;
    const formats::Selected selected = formats::split_selector(paths.front());
    formats::Contents contents;
    if (paths.size() == 1) contents = formats::open_file(selected.path);
    if (paths.size() > 1) {
      dataset = open_datasets(paths, concat_dim, numbers);
    } else if (!contents.is_group) {
      // A lone array of Zarr is what zarr and dask make of it; nobody but xarray's groups takes the fill value for "missing".
      const Opened opened(std::move(contents), selected.selector);
      array = opened.contents().format == "zarr" ? opened.array() : variable_from(opened, numbers).array;
    } else {
      dataset = decode_cf(dataset_from(contents), numbers);
      if (!selected.selector.empty()) {
        array = (*dataset)[formats::select_variable(contents, selected.selector).name].array;
        dataset.reset();
      }
    }
  };
  if (given.empty()) fail(ErrorKind::kUser, "open: there is no file in the list.");
  if (std::any_of(given.begin(), given.end(), is_url)) {
    // A server may take its time: signals are looked at meanwhile.
    run_interruptibly({}, [&](const ComputeOptions& run) { open(*run.cancel); });
  } else {
    const nb::gil_scoped_release release;
    open(Cancel());
  }
  return dataset ? nb::cast(std::move(*dataset)) : nb::cast(array);
}

}  // namespace

RemoteOptionsRef remote_options_of(const nb::dict& values) {
  RemoteOptions options = default_remote_options();
  S3Credentials credentials;
  for (const auto& [key, value] : values) {
    const auto name = nb::cast<std::string>(key);
    const auto text = [&, value = value] { return nb::cast<std::string>(value); };
    if (name == "anonymous") options.anonymous = nb::cast<bool>(value);
    if (name == "key") credentials.key = text();
    if (name == "secret") credentials.secret = text();
    if (name == "token") credentials.token = text();
    if (name == "profile") options.profile = text();
    if (name == "endpoint") options.endpoint = text();
    if (name == "region") options.region = text();
    if (name == "path_style") options.path_style = nb::cast<bool>(value);
    if (name == "requester_pays") options.requester_pays = nb::cast<bool>(value);
    if (name == "headers") options.headers = nb::cast<std::vector<std::string>>(value);
    if (name == "timeout") options.timeout_seconds = nb::cast<double>(value);
    if (name == "retries") options.retries = nb::cast<int>(value);
  }
  if (!credentials.empty()) options.credentials = credentials;
  return std::make_shared<const RemoteOptions>(std::move(options));
}

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
      .def("data_names", &Dataset::data_names)
      .def("texts", [](const Dataset& dataset) {
        nb::list out;
        const std::vector<std::string> coordinates = dataset.text_coordinates();
        for (const formats::TextRequest& text : dataset.texts()) {
          const Shape& shape = text.texts.shape;
          out.append(nb::make_tuple(text.name, text.dims, std::vector<Index>(shape.begin(), shape.end()), text.texts.values, dict_of(text.attributes),
                                    std::find(coordinates.begin(), coordinates.end(), text.name) != coordinates.end()));
        }
        return out;
      });
  module.def("open", &open_any, nb::arg("paths"), nb::arg("storage_options") = nb::dict(), nb::arg("mask_and_scale") = true, nb::arg("concat_dim") = "");
}

}  // namespace freestone::python
