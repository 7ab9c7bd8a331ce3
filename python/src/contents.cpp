// What a file holds, as it is stored: for faces that decode by rules of their own (xarray's).
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/format_choice.h"
#include "freestone/label/dataset.h"
#include "freestone/label/open.h"
#include "freestone/label/write.h"
#include "freestone/ops/shape.h"
#include "freestone/storage/chunked_source.h"
#include "freestone/storage/location.h"
#include "module.h"
#include "run.h"
#include "storage_options.h"

namespace freestone::python {
namespace {

/// (key, value, comment) of each.
nb::list triples_of(const std::vector<formats::Attribute>& attributes) {
  nb::list out;
  for (const formats::Attribute& a : attributes)
    out.append(nb::make_tuple(a.key, std::visit([](const auto& value) { return nb::cast(value); }, a.value), a.comment));
  return out;
}

/// Shape of the pieces in which it is compressed, and (name, numcodecs' JSON) of each codec; None for data without chunks.
nb::object chunking_of(const Source& source) {
  const auto* chunked = dynamic_cast<const ChunkedSource*>(&source);
  if (chunked == nullptr) return nb::none();
  nb::list codecs;
  for (const CodecRef& codec : chunked->layout().codecs.codecs()) codecs.append(nb::make_tuple(std::string(codec->name()), codec->numcodecs()));
  const Shape& chunk = chunked->layout().grid.chunk();
  return nb::make_tuple(std::vector<Index>(chunk.begin(), chunk.end()), codecs);
}

nb::dict dict_of(const formats::Variable& variable) {
  nb::dict out;
  out["name"] = variable.name;
  out["number"] = variable.hdu;
  out["dims"] = variable.dims;
  out["attributes"] = triples_of(variable.attributes);
  out["note"] = variable.note;
  out["array"] = nb::none();
  out["chunking"] = nb::none();
  out["texts"] = nb::none();
  if (variable.source) {
    Array array = from_source(variable.source);
    // A file in Fortran's order has its axes as NumPy has them.
    for (const formats::Attribute& a : variable.attributes) {
      if (const bool* is_fortran = std::get_if<bool>(&a.value); a.key == "fortran_order" && is_fortran != nullptr && *is_fortran) array = transpose(array);
    }
    out["array"] = nb::cast(array);
    out["chunking"] = chunking_of(*variable.source);
  }
  if (variable.texts) {
    const Shape& shape = variable.texts->shape;
    out["texts"] = nb::make_tuple(std::vector<Index>(shape.begin(), shape.end()), variable.texts->values);
  }
  return out;
}

nb::dict open_contents(const std::string& path, const nb::dict& storage_options) {
  formats::Contents contents;
  const RemoteOptionsRef remote = storage_options.size() > 0 ? remote_options_of(storage_options) : nullptr;
  const auto open = [&](const Cancel& cancel) {
    const RemoteScope scope(remote, [&] { cancel.check(); });
    contents = formats::open_file(path);
  };
  if (is_url(path)) {
    run_interruptibly({}, [&](const ComputeOptions& run) { open(*run.cancel); });
  } else {
    const nb::gil_scoped_release release;
    open(Cancel());
  }
  nb::dict out;
  out["format"] = contents.format;
  out["is_group"] = contents.is_group;
  out["attributes"] = triples_of(contents.attributes);
  nb::dict groups;
  for (const formats::Contents::Group& group : contents.groups) groups[nb::cast(group.path)] = triples_of(group.attributes);
  out["groups"] = groups;
  nb::list variables;
  for (const formats::Variable& variable : contents.variables) variables.append(dict_of(variable));
  out["variables"] = variables;
  out["unlimited_dims"] = contents.unlimited_dims;
  return out;
}

formats::AttributeValue value_of(nb::handle value, const std::string& key) {
  if (PyBool_Check(value.ptr())) return nb::cast<bool>(value);
  if (PyLong_Check(value.ptr())) return whole_from(value, key);
  if (PyFloat_Check(value.ptr())) return nb::cast<double>(value);
  if (PyUnicode_Check(value.ptr())) return nb::cast<std::string>(value);
  const auto list = nb::cast<nb::list>(value);
  bool whole = true, text = false;
  for (const nb::handle item : list) {
    whole = whole && PyLong_Check(item.ptr());
    text = text || PyUnicode_Check(item.ptr());
  }
  if (text) return nb::cast<std::vector<std::string>>(value);
  if (std::vector<std::int64_t> numbers; whole && nb::try_cast(value, numbers)) return numbers;
  if (std::vector<std::uint64_t> numbers; whole && nb::try_cast(value, numbers)) return formats::whole_value(std::move(numbers));
  return nb::cast<std::vector<double>>(value);
}

/// From (key, value, comment) of each.
std::vector<formats::Attribute> attributes_of(const nb::list& triples) {
  std::vector<formats::Attribute> out;
  for (const nb::handle triple : triples)
    out.push_back({nb::cast<std::string>(triple[0]), value_of(triple[1], nb::cast<std::string>(triple[0])), nb::cast<std::string>(triple[2])});
  return out;
}

/// `variables`: (name, array, dims, attributes, whether it is a coordinate that is no axis).
Dataset make_dataset(const nb::list& variables, const nb::list& attributes) {
  std::vector<DatasetVariable> out;
  for (const nb::handle v : variables) {
    DatasetVariable variable{nb::cast<std::string>(v[0]), nb::cast<Array>(v[1]), nb::cast<std::vector<std::string>>(v[2]),
                             attributes_of(nb::cast<nb::list>(v[3]))};
    variable.is_auxiliary = nb::cast<bool>(v[4]);
    out.push_back(std::move(variable));
  }
  return {"", std::move(out), attributes_of(attributes)};
}

}  // namespace

void bind_contents(nb::module_& module) {
  module.def("open_contents", &open_contents, nb::arg("path"), nb::arg("storage_options") = nb::dict());
  module.def("make_dataset", &make_dataset);
  module.def("dataset_outputs", [](const Dataset& dataset, const std::string& path, bool overwrite, const std::string& format,
                                   const std::vector<std::string>& unlimited, const std::string& append, const nb::dict& storage,
                                   const nb::list& texts) {
    DatasetWriteOptions options{
        .overwrite = overwrite, .format = format, .unlimited_dims = unlimited, .append = append, .packing = packing_from(storage), .nodata = nodata_from(storage), .texts = {}};
    for (const nb::handle t : texts) {
      formats::TextRequest text;
      text.name = nb::cast<std::string>(t[0]);
      text.dims = nb::cast<std::vector<std::string>>(t[1]);
      text.texts.shape = Shape(nb::cast<std::vector<Index>>(t[2]));
      text.texts.values = nb::cast<std::vector<std::string>>(t[3]);
      text.attributes = attributes_of(nb::cast<nb::list>(t[4]));
      options.texts.push_back(std::move(text));
    }
    nb::list out;
    for (Output& output : outputs_for(dataset, path, options)) out.append(nb::cast(std::move(output)));
    return out;
  });
  module.def(
      "format_for",
      [](const std::string& path, const std::string& format) {
        const formats::FormatChoice choice = formats::format_for(path, format);
        return nb::make_tuple(choice.name, choice.holds_several);
      },
      "The format that a path is written in, and whether it holds several arrays.");
  module.def(
      "unlimited_dims_in",
      [](const std::string& path, const std::string& format, const std::vector<std::string>& dims, const std::vector<std::vector<std::string>>& variables) {
        return formats::unlimited_dims_in(formats::format_for(path, format).name, dims, variables);
      },
      "Of `dims` those that may grow in the file that is written.");
  module.def("split_selector", [](const std::string& path) {
    const formats::Selected selected = formats::split_selector(path);
    return nb::make_tuple(selected.path, selected.selector);
  });
}

}  // namespace freestone::python
