#include "freestone/formats/hdf5_file_layout.h"

#include <hdf5.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/dataset_request.h"
#include "freestone/formats/find_attribute.h"

namespace freestone::formats::hdf5 {
namespace {

/// @throws Error kind user: no name of netCDF, or of an object of HDF5
void check_name(const FileToWrite& file, const char* what, const std::string& name) {
  if (!file.is_netcdf) {
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos) {
      fail(ErrorKind::kUser, "{}: '{}' is no name for a {} in HDF5.", file.path, name, what);
    }
    return;
  }
  const bool has_bad = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
  const bool begins_well = !name.empty() && (std::isalnum(static_cast<unsigned char>(name[0])) || name[0] == '_' || (name[0] & 0x80) != 0);
  if (has_bad || !begins_well || name.back() == ' ') {
    fail(ErrorKind::kUser, "{}: '{}' is no name for a {} in NetCDF-4: it begins with a letter, a digit or '_', and ends with no blank.", file.path, name, what);
  }
}

void check_path(const FileToWrite& file, const std::string& path) {
  std::size_t begin = 0;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
    check_name(file, "group", path.substr(begin, slash - begin));
    begin = slash + 1;
  }
  check_name(file, "variable", path.substr(begin));
}

template <class T>
std::vector<std::byte> bytes_of(T value) {
  std::vector<std::byte> out(sizeof value);
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

/// What netCDF takes for missing where a variable does not say.
std::vector<std::byte> default_fill(DType dtype) {
  constexpr double kFloatFill = 9.9692099683868690e+36;
  switch (dtype) {
    case DType::kBool:
    case DType::kInt8: return bytes_of(std::int8_t{-127});
    case DType::kInt16: return bytes_of(std::int16_t{-32767});
    case DType::kInt32: return bytes_of(std::int32_t{-2147483647});
    case DType::kInt64: return bytes_of(std::int64_t{-9223372036854775806});
    case DType::kUint8: return bytes_of(std::uint8_t{255});
    case DType::kUint16: return bytes_of(std::uint16_t{65535});
    case DType::kUint32: return bytes_of(std::uint32_t{4294967295});
    case DType::kUint64: return bytes_of(std::uint64_t{18446744073709551614u});
    case DType::kFloat32: return bytes_of(static_cast<float>(kFloatFill));
    default: return bytes_of(kFloatFill);
  }
}

std::vector<std::byte> fill_of(const VariableToWrite& variable, bool is_netcdf) {
  const DType dtype = variable.spec.dtype;
  std::vector<std::byte> zero(static_cast<std::size_t>(size_of(dtype)));
  const Attribute* given = find_attribute(variable.attributes, "_FillValue");
  if (given != nullptr && is_real(dtype)) {
    const AttributeNumbers numbers = numbers_of(given->value);
    if (numbers.size() == 1 && can_hold(dtype, numbers)) {
      return with_real_type(dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        return bytes_of(static_cast<T>(numbers.as<T>().front()));
      });
    }
  }
  return is_netcdf && !variable.is_char ? default_fill(dtype) : zero;
}

/// "a/" of "a/b/" and "a/c/".
std::string common_group(const std::string& a, const std::string& b) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i) {
    if (a[i] == '/') end = i + 1;
  }
  return a.substr(0, end);
}

class Planner {
 public:
  Planner(const DatasetRequest& request, bool is_netcdf) : request_(request), requests_(request.variables) {
    out_.path = request.path;
    out_.is_netcdf = is_netcdf;
  }

  FileToWrite plan() {
    for (const Attribute& attribute : request_.attributes) add_attribute(out_.attributes, attribute);
    for (const Group& group : request_.groups) {
      Group& out = out_.groups.emplace_back();
      out.path = group.path;
      for (const Attribute& attribute : group.attributes) add_attribute(out.attributes, attribute);
    }
    for (const VariableRequest& variable : request_.variables) add_variable(variable);
    for (const TextRequest& texts : request_.texts) {
      requests_.push_back({.name = texts.name, .spec = {texts.texts.shape, DType::kUint8}, .dims = texts.dims, .attributes = texts.attributes});
      ensure(static_cast<Index>(texts.texts.values.size()) == element_count(texts.texts.shape), "texts are not as many as their shape says");
      add_variable(requests_.back());
      out_.variables.back().texts = texts.texts.values;
      // They are written at once, and whole.
      out_.variables.back().is_unlimited.assign(texts.dims.size(), false);
    }
    if (out_.is_netcdf) {
      add_dimensions();
    } else {
      add_scales();
    }
    check_unlimited();
    for (std::size_t i = 0; i < out_.variables.size(); ++i) {
      VariableToWrite& variable = out_.variables[i];
      variable.transform = {.stored = variable.spec.dtype, .order = ByteOrder::kLittle, .dtype = variable.spec.dtype};
      variable.fill = fill_of(variable, out_.is_netcdf);
      if (!variable.texts) variable.stored = stored_as(out_.path, requests_[i], variable.is_unlimited);
    }
    return std::move(out_);
  }

 private:
  bool is_unlimited(const std::string& dim) const { return std::ranges::find(request_.unlimited_dims, dim) != request_.unlimited_dims.end(); }

  void add_variable(const VariableRequest& request) {
    check_path(out_, request.name);
    VariableToWrite out{.asked_name = request.name, .group = group_of(request.name)};
    out.name = request.name.substr(out.group.size());
    out.spec = request.spec;
    if (out_.is_netcdf && is_complex(request.spec.dtype)) {
      fail(ErrorKind::kUser, "{}: NetCDF-4 holds no {} numbers (variable '{}'). Write real and imaginary part, or an .h5 or .zarr file.", out_.path,
           name_of(request.spec.dtype), request.name);
    }
    if (request.spec.shape.rank() > H5S_MAX_RANK) fail(ErrorKind::kUser, "{}: '{}' has more than {} axes.", out_.path, request.name, H5S_MAX_RANK);
    for (const VariableToWrite& other : out_.variables) {
      if (other.asked_name == request.name) fail(ErrorKind::kUser, "{}: two variables have the name '{}'.", out_.path, request.name);
      if (other.asked_name.starts_with(request.name + "/") || request.name.starts_with(other.asked_name + "/")) {
        fail(ErrorKind::kUser, "{}: '{}' and '{}': one is a variable, and the other's group.", out_.path, other.asked_name, request.name);
      }
    }
    for (const Attribute& attribute : request.attributes) {
      if (attribute.key == "numpy_dtype" && attribute.value == AttributeValue("S1") && request.spec.dtype == DType::kUint8) {
        out.is_char = true;
      } else {
        add_attribute(out.attributes, attribute);
      }
    }
    // Stored as int8; by this word xarray, and we, know what it was.
    if (out_.is_netcdf && is_bool(request.spec.dtype)) add_attribute(out.attributes, {"dtype", std::string("bool"), ""});
    for (const std::string& dim : request.dims) out.is_unlimited.push_back(is_unlimited(dim));
    out.dims.resize(request.dims.size());
    out_.variables.push_back(std::move(out));
  }

  void add_dimensions() {
    // A name and a length are one dimension, in the group that holds all who have it.
    std::map<std::pair<std::string, Index>, std::size_t> numbers;
    for (std::size_t i = 0; i < out_.variables.size(); ++i) {
      VariableToWrite& variable = out_.variables[i];
      const VariableRequest& request = requests_[i];
      for (std::size_t k = 0; k < request.dims.size(); ++k) {
        const std::string& name = request.dims[k];
        const Index length = request.spec.shape[static_cast<int>(k)];
        const auto [found, is_new] = numbers.emplace(std::pair(name, length), out_.dimensions.size());
        if (is_new) {
          check_name(out_, "dimension", name);
          out_.dimensions.push_back({.group = variable.group, .name = name, .length = length, .is_unlimited = is_unlimited(name), .variable = {}});
        }
        DimensionToWrite& dimension = out_.dimensions[found->second];
        dimension.group = common_group(dimension.group, variable.group);
        variable.dims[k] = found->second;
      }
    }
    for (std::size_t i = 0; i < out_.dimensions.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        const DimensionToWrite &a = out_.dimensions[k], &b = out_.dimensions[i];
        if (a.name == b.name && a.group == b.group) {
          fail(ErrorKind::kUser, "{}: some variables have {} elements along '{}', others {}.", out_.path, a.length, a.name, b.length);
        }
      }
    }
    for (std::size_t i = 0; i < out_.variables.size(); ++i) {
      VariableToWrite& variable = out_.variables[i];
      for (std::size_t d = 0; d < out_.dimensions.size(); ++d) {
        DimensionToWrite& dimension = out_.dimensions[d];
        if (dimension.group != variable.group || dimension.name != variable.name) continue;
        if (!variable.dims.empty() && variable.dims.front() == d) {
          dimension.variable = i;
        } else {
          variable.name = "_nc4_non_coord_" + variable.name;  // as netCDF has it
          break;
        }
      }
    }
  }

  /// Plain HDF5: what is named as its only axis is the scale of all axes of that name and length in its group and below.
  void add_scales() {
    for (std::size_t i = 0; i < out_.variables.size(); ++i) {
      const VariableRequest& request = requests_[i];
      out_.variables[i].labels = request.dims;
      if (request.dims.size() != 1 || request.dims.front() != out_.variables[i].name) continue;
      out_.dimensions.push_back({.group = out_.variables[i].group, .name = request.dims.front(), .length = request.spec.shape[0],
                                 .is_unlimited = is_unlimited(request.dims.front()), .variable = i});
    }
    for (std::size_t d = 0; d < out_.dimensions.size(); ++d) attach_scale(d);
    while (add_bare_scales()) {
    }
  }

  /// h5netcdf, and xarray with it, opens no file in which an array has scales on some axes and on others none. @returns whether there are more now
  bool add_bare_scales() {
    const std::size_t before = out_.dimensions.size();
    for (const VariableToWrite& variable : out_.variables) {
      if (std::ranges::none_of(variable.dims, [](const auto& dim) { return dim.has_value(); })) continue;
      for (std::size_t k = 0; k < variable.labels.size(); ++k) {
        const std::string& name = variable.labels[k];
        // What is no name of a link stays a label.
        if (variable.dims[k] || name.empty() || name == "." || name.find('/') != std::string::npos) continue;
        const std::string path = variable.group + name, below = path + "/";
        const auto has_path = [&](const std::string& other) { return other == path || other.starts_with(below); };
        if (std::ranges::any_of(out_.variables, [&](const VariableToWrite& other) { return has_path(other.asked_name); })) continue;
        if (std::ranges::any_of(out_.dimensions, [&](const DimensionToWrite& other) { return has_path(other.group + other.name); })) continue;
        out_.dimensions.push_back({.group = variable.group, .name = name, .length = variable.spec.shape[static_cast<int>(k)], .is_unlimited = is_unlimited(name), .variable = {}});
        attach_scale(out_.dimensions.size() - 1);
      }
    }
    return out_.dimensions.size() > before;
  }

  void attach_scale(std::size_t number) {
    const DimensionToWrite& dimension = out_.dimensions[number];
    for (VariableToWrite& variable : out_.variables) {
      for (std::size_t k = 0; k < variable.labels.size(); ++k) {
        if (dimension.name != variable.labels[k] || dimension.length != variable.spec.shape[static_cast<int>(k)]) continue;
        if (!variable.group.starts_with(dimension.group)) continue;
        // The nearest group's.
        if (!variable.dims[k] || out_.dimensions[*variable.dims[k]].group.size() < dimension.group.size()) variable.dims[k] = number;
      }
    }
  }

  void check_unlimited() const {
    for (const std::string& dim : request_.unlimited_dims) {
      std::vector<std::string> known;
      for (const VariableRequest& variable : requests_) known.insert(known.end(), variable.dims.begin(), variable.dims.end());
      if (std::ranges::find(known, dim) != known.end()) continue;
      std::sort(known.begin(), known.end());
      known.erase(std::unique(known.begin(), known.end()), known.end());
      fail(ErrorKind::kUser, "{}: no dimension is called '{}', which is to be unlimited.{} There are {}.", out_.path, dim, suggestion(dim, known),
           known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
    }
  }

  const DatasetRequest& request_;
  std::vector<VariableRequest> requests_;  // and those of texts
  FileToWrite out_;
};

}  // namespace

std::string group_of(const std::string& path) { return path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1); }

FileToWrite file_to_write(const DatasetRequest& request, bool is_netcdf) {
  if (request.variables.empty()) fail(ErrorKind::kUser, "{}: there is no variable to write.", request.path);
  return Planner(request, is_netcdf).plan();
}

}  // namespace freestone::formats::hdf5
