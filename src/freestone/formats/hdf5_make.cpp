#include "freestone/formats/hdf5_make.h"

#include <algorithm>

#include "freestone/formats/hdf5_write_attributes.h"

namespace freestone::formats::hdf5 {
namespace {

constexpr unsigned kKeepsOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

/// Says how dimension scales and netCDF hang together; attributes of such a name are the user's no longer.
bool is_structural(const std::string& key, bool is_netcdf, bool is_scale) {
  for (const char* name : {"DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"}) {
    if (key == name) return true;
  }
  if (is_scale && (key == "CLASS" || key == "NAME")) return true;
  return is_netcdf && (key == "_NCProperties" || key == "_Netcdf4Dimid" || key == "_Netcdf4Coordinates" || key == "_nc3_strict");
}

class Maker {
 public:
  Maker(const FileToWrite& plan, const WriteFile& file) : plan_(plan), file_(file), attributes_(plan.path, plan.is_netcdf) {}

  void make(std::vector<Handle>& datasets, std::vector<Index>& offsets) {
    const Handle root(H5Gopen2(file_.id(), "/", H5P_DEFAULT), H5Gclose);
    if (plan_.is_netcdf) attributes_.write_characters(root.id(), "/", "_NCProperties", properties());
    write_all(root.id(), "/", plan_.attributes, std::nullopt, false);
    bare_.resize(plan_.dimensions.size());
    // What netCDF numbers first is a dimension; what it lists first is a variable: both in the order in which they were asked for.
    for (std::size_t d = 0; d < plan_.dimensions.size(); ++d) {
      if (!plan_.dimensions[d].variable) make_dimension(d);
    }
    for (const VariableToWrite& variable : plan_.variables) {
      datasets.push_back(make_variable(variable));
      offsets.push_back(variable.texts ? 0 : place_of(variable, datasets.back().id()));
    }
    attach(datasets);
    for (const Group& described : plan_.groups) {
      const auto is_in = [&](const VariableToWrite& variable) { return variable.asked_name.starts_with(described.path + "/"); };
      if (std::ranges::any_of(plan_.variables, is_in)) write_all(group(described.path + "/").id(), described.path, described.attributes, std::nullopt, false);
    }
  }

 private:
  std::string properties() const {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    return fmt::format("version=2,freestone={},hdf5={}.{}.{}", FREESTONE_VERSION, major, minor, release);
  }

  /// "a/b/" open, with what is missing of it made.
  Handle group(const std::string& path) {
    Handle at(H5Gopen2(file_.id(), "/", H5P_DEFAULT), H5Gclose);
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t slash = path.find('/', begin);
      const std::string name = path.substr(begin, slash - begin);
      begin = slash + 1;
      Handle below;
      if (H5Lexists(at.id(), name.c_str(), H5P_DEFAULT) > 0) {
        below = Handle(H5Gopen2(at.id(), name.c_str(), H5P_DEFAULT), H5Gclose);
      } else {
        const Handle creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
        H5Pset_link_creation_order(creation.id(), kKeepsOrder);
        H5Pset_attr_creation_order(creation.id(), kKeepsOrder);
        H5Pset_obj_track_times(creation.id(), false);
        below = Handle(H5Gcreate2(at.id(), name.c_str(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Gclose);
      }
      if (!below) fail_to_write(plan_.path, path, "the group cannot be made");
      at = std::move(below);
    }
    return at;
  }

  Handle new_dataset_properties() const {
    Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(creation.id(), false);
    H5Pset_attr_creation_order(creation.id(), kKeepsOrder);
    return creation;
  }

  void make_dimension(std::size_t number) {
    const DimensionToWrite& dimension = plan_.dimensions[number];
    const Handle parent = group(dimension.group), creation = new_dataset_properties();
    const hsize_t length = static_cast<hsize_t>(dimension.length), limit = dimension.is_unlimited ? H5S_UNLIMITED : length, one = 1;
    if (dimension.is_unlimited) H5Pset_chunk(creation.id(), 1, &one);
    const Handle space(H5Screate_simple(1, &length, &limit), H5Sclose);
    Handle dataset(H5Dcreate2(parent.id(), dimension.name.c_str(), H5T_IEEE_F32BE, space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Dclose);
    if (!dataset) fail_to_write(plan_.path, dimension.name, "the dimension cannot be made");
    // The words by which every netCDF library knows a dimension that has no variable.
    write_scale(dataset.id(), dimension.name, fmt::format("This is a netCDF dimension but not a netCDF variable.{:10}", dimension.length), number);
    bare_[number] = std::move(dataset);
  }

  void write_scale(hid_t dataset, const std::string& where, const std::string& name, std::size_t number) {
    attributes_.write_characters(dataset, where, "CLASS", std::string("DIMENSION_SCALE\0", 16));
    attributes_.write_characters(dataset, where, "NAME", name + '\0');
    if (plan_.is_netcdf) attributes_.write_int(dataset, where, "_Netcdf4Dimid", static_cast<int>(number));
  }

  Handle make_variable(const VariableToWrite& variable) {
    const Handle parent = group(variable.group), creation = new_dataset_properties();
    const bool is_byte = plan_.is_netcdf && is_bool(variable.spec.dtype);
    const Handle type = variable.texts ? text_type() : stored_type(is_byte ? DType::kInt8 : variable.spec.dtype, variable.is_char);
    if (!variable.texts) H5Pset_fill_value(creation.id(), type.id(), variable.fill.data());
    const int rank = variable.spec.shape.rank();
    std::vector<hsize_t> shape, limits, chunk(variable.stored.chunk.begin(), variable.stored.chunk.end());
    for (int k = 0; k < rank; ++k) {
      shape.push_back(static_cast<hsize_t>(variable.spec.shape[k]));
      limits.push_back(variable.is_unlimited[static_cast<std::size_t>(k)] ? H5S_UNLIMITED : shape.back());
    }
    if (chunk.empty() && !variable.texts) {
      // Room is taken at once; what is in it comes from us.
      H5Pset_alloc_time(creation.id(), H5D_ALLOC_TIME_EARLY);
      H5Pset_fill_time(creation.id(), H5D_FILL_TIME_NEVER);
    } else if (!variable.texts) {
      H5Pset_chunk(creation.id(), rank, chunk.data());
      for (const FilterToWrite& filter : variable.stored.filters) add_filter(creation.id(), filter);
    }
    const Handle space(rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, shape.data(), limits.data()), H5Sclose);
    Handle dataset(H5Dcreate2(parent.id(), variable.name.c_str(), type.id(), space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Dclose);
    if (!dataset) fail_to_write(plan_.path, variable.asked_name, "the variable cannot be made");
    if (variable.texts && !variable.texts->empty()) {
      std::vector<const char*> pointers;
      for (const std::string& text : *variable.texts) pointers.push_back(text.c_str());
      if (H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) < 0) {
        fail_to_write(plan_.path, variable.asked_name, "its texts cannot be written");
      }
    }
    return dataset;
  }

  /// Only their numbers matter: chunks come encoded. What is not built in is optional, or a library without it could not make the dataset.
  void add_filter(hid_t creation, const FilterToWrite& filter) {
    const unsigned flags = filter.is_built_in ? H5Z_FLAG_MANDATORY : H5Z_FLAG_OPTIONAL;
    if (filter.id == H5Z_FILTER_SHUFFLE) {
      H5Pset_shuffle(creation);
    } else if (filter.id == H5Z_FILTER_FLETCHER32) {
      H5Pset_fletcher32(creation);
    } else {
      H5Pset_filter(creation, filter.id, flags, filter.parameters.size(), filter.parameters.data());
    }
  }

  Index place_of(const VariableToWrite& variable, hid_t dataset) {
    if (!variable.stored.chunk.empty() || element_count(variable.spec.shape) == 0) return 0;
    const haddr_t offset = H5Dget_offset(dataset);
    if (offset == HADDR_UNDEF) fail_to_write(plan_.path, variable.asked_name, "its elements find no place");
    return static_cast<Index>(offset);
  }

  void write_all(hid_t object, const std::string& where, const std::vector<Attribute>& all, std::optional<DType> elements, bool is_scale) {
    for (Attribute attribute : all) {
      while (is_structural(attribute.key, plan_.is_netcdf, is_scale)) attribute.key += "_";
      attributes_.write(object, where, attribute, elements);
    }
  }

  void attach(const std::vector<Handle>& datasets) {
    std::vector<hid_t> scales;
    for (std::size_t d = 0; d < plan_.dimensions.size(); ++d) {
      const auto& variable = plan_.dimensions[d].variable;
      scales.push_back(variable ? datasets[*variable].id() : bare_[d].id());
    }
    std::vector<hobj_ref_t> references;
    for (const hid_t scale : scales) references.push_back(reference_to(scale));
    std::vector<std::vector<AttributeWriter::Entry>> entries(scales.size());
    for (std::size_t i = 0; i < plan_.variables.size(); ++i) {
      const VariableToWrite& variable = plan_.variables[i];
      const hid_t dataset = datasets[i].id();
      const auto own = std::find_if(plan_.dimensions.begin(), plan_.dimensions.end(), [&](const DimensionToWrite& d) { return d.variable == i; });
      const bool is_scale = own != plan_.dimensions.end();
      if (is_scale) write_scale(dataset, variable.asked_name, variable.name, static_cast<std::size_t>(own - plan_.dimensions.begin()));
      const bool has_scales = std::any_of(variable.dims.begin(), variable.dims.end(), [](const auto& dim) { return dim.has_value(); });
      if (is_scale && variable.dims.size() > 1) {
        std::vector<int> ids;
        for (const auto& dim : variable.dims) ids.push_back(static_cast<int>(dim.value_or(0)));
        attributes_.write_ints(dataset, variable.asked_name, "_Netcdf4Coordinates", ids);
      } else if (!is_scale && has_scales) {
        std::vector<std::optional<hobj_ref_t>> list;
        const hobj_ref_t here = reference_to(dataset);
        for (std::size_t k = 0; k < variable.dims.size(); ++k) {
          const auto& dim = variable.dims[k];
          list.push_back(dim ? std::optional(references[*dim]) : std::nullopt);
          if (dim) entries[*dim].push_back({here, static_cast<int>(k)});
        }
        attributes_.write_dimension_list(dataset, variable.asked_name, list);
      }
      const bool has_labels = std::any_of(variable.labels.begin(), variable.labels.end(), [](const std::string& label) { return !label.empty(); });
      if (has_labels && !is_scale) attributes_.write_texts(dataset, variable.asked_name, "DIMENSION_LABELS", variable.labels, false);
      write_all(dataset, variable.asked_name, variable.attributes, variable.texts ? std::nullopt : std::optional(variable.spec.dtype), is_scale);
    }
    for (std::size_t d = 0; d < scales.size(); ++d) {
      if (!entries[d].empty()) attributes_.write_reference_list(scales[d], plan_.dimensions[d].name, entries[d]);
    }
  }

  hobj_ref_t reference_to(hid_t dataset) {
    hobj_ref_t out = 0;
    if (H5Rcreate(&out, dataset, ".", H5R_OBJECT, -1) < 0) fail_to_write(plan_.path, "", "an object cannot be referred to");
    return out;
  }

  const FileToWrite& plan_;
  const WriteFile& file_;
  AttributeWriter attributes_;
  std::vector<Handle> bare_;  // dimensions without a variable
};

}  // namespace

MadeFile::MadeFile(const FileToWrite& plan, int descriptor, bool many_chunks) : file_(plan.path, descriptor, plan.is_netcdf, many_chunks) {
  Maker(plan, file_).make(datasets_, offsets_);
}

void MadeFile::close() {
  if (!std::exchange(is_open_, false)) return;
  datasets_.clear();
  file_.close();
}

}  // namespace freestone::formats::hdf5
