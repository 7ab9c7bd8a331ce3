#include <algorithm>
#include <cctype>
#include <limits>
#include <map>

#include "freestone/formats/netcdf3.h"
#include "freestone/formats/netcdf3_attributes.h"
#include "freestone/formats/netcdf3_header.h"
#include "freestone/formats/dataset_request.h"
#include "freestone/storage/raw_sink.h"

namespace freestone::formats::netcdf3 {
namespace {

constexpr Index kLargestWord = std::numeric_limits<std::int32_t>::max();
// What a variable may have in CDF-1 and CDF-2, unless nothing follows it.
constexpr Index kLargestVariable = (Index{1} << 32) - 4;

/// @throws Error kind user: no name of netCDF
void check_name(const std::string& path, const char* what, const std::string& name) {
  const bool has_bad = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
  const bool begins_well = !name.empty() && (std::isalnum(static_cast<unsigned char>(name[0])) || name[0] == '_' || (name[0] & 0x80) != 0);
  if (has_bad || !begins_well || name.back() == ' ') {
    fail(ErrorKind::kUser,
         "{}: '{}' is no name for a {} in netCDF-3: it begins with a letter, a digit or '_', holds no '/' (there are no groups), and ends with no "
         "blank.",
         path, name, what);
  }
}

/// Numbers the dimensions by their names.
class Dimensions {
 public:
  Dimensions(const std::string& path, Header& header) : path_(path), header_(header) {}
  int number(const std::string& name, Index length) {
    const auto [found, is_new] = numbers_.emplace(name, static_cast<int>(header_.dims.size()));
    if (is_new) {
      check_name(path_, "dimension", name);
      header_.dims.push_back({name, length});
    }
    return found->second;
  }

 private:
  const std::string& path_;
  Header& header_;
  std::map<std::string, int> numbers_;
};

/// The dimension that may grow, and one without elements: a length of 0 has no other meaning in the file.
void set_record_dimension(const DatasetRequest& request, Header& header) {
  for (std::size_t k = 0; k < header.dims.size(); ++k) {
    const Dimension& dim = header.dims[k];
    const bool is_unlimited =
        std::find(request.unlimited_dims.begin(), request.unlimited_dims.end(), dim.name) != request.unlimited_dims.end();
    if (!is_unlimited && dim.length > 0) continue;
    if (header.record_dim >= 0) {
      fail(ErrorKind::kUser, "{}: '{}' and '{}' are both unlimited or without elements; netCDF-3 has one such dimension.", request.path,
           header.dims[static_cast<std::size_t>(header.record_dim)].name, dim.name);
    }
    header.record_dim = static_cast<int>(k);
  }
}

/// CDF-1, 2 or 5: the first that holds all. Offsets must be set.
int version_for(const Header& header, Index file_bytes) {
  bool needs_5 = std::any_of(header.attributes.begin(), header.attributes.end(), wants_cdf5);
  for (const Dimension& dim : header.dims) needs_5 = needs_5 || dim.length > kLargestWord;
  const StoredVariable* last = nullptr;
  for (const bool is_record : {false, true}) {
    for (const StoredVariable& variable : header.variables) {
      if (variable.is_record == is_record) last = &variable;
    }
  }
  for (const StoredVariable& variable : header.variables) {
    needs_5 = needs_5 || is_extended(variable.type) || (variable.bytes > kLargestVariable && &variable != last) ||
              std::any_of(variable.attributes.begin(), variable.attributes.end(), wants_cdf5);
  }
  return needs_5 ? 5 : file_bytes > kLargestWord ? 2 : 1;
}

/// Gives every variable its place; returns the length of the file.
Index set_places(const std::string& path, Header& header) {
  Index at = padded(static_cast<Index>(format_header(header).size()));
  const auto advance = [&](Index bytes) {
    if (__builtin_add_overflow(at, padded(bytes), &at)) fail(ErrorKind::kUser, "{}: its variables have more than 2^63 bytes.", path);
  };
  for (StoredVariable& variable : header.variables) {
    if (variable.is_record) continue;
    variable.begin = at;
    advance(variable.bytes);
  }
  const Index first_record = at;
  for (StoredVariable& variable : header.variables) {
    if (!variable.is_record) continue;
    variable.begin = at;
    advance(variable.bytes);
  }
  if (header.record_bytes == 0) return at;
  Index bytes = 0;
  if (__builtin_mul_overflow(header.record_bytes, header.records(), &bytes)) fail(ErrorKind::kUser, "{}: its records have more than 2^63 bytes.", path);
  at = first_record;
  advance(0);
  if (__builtin_add_overflow(at, bytes, &at)) fail(ErrorKind::kUser, "{}: its records have more than 2^63 bytes.", path);
  return at;
}

StoredVariable stored_variable(const std::string& path, const VariableRequest& request) {
  check_name(path, "variable", request.name);
  const auto type = type_of(request.spec.dtype);
  if (!type) {
    fail(ErrorKind::kUser, "{}: netCDF-3 holds no {} numbers (variable '{}'). Write real and imaginary part, or an .npy or .zarr file.", path,
         name_of(request.spec.dtype), request.name);
  }
  StoredVariable out{.name = request.name, .type = *type};
  for (const Attribute& attribute : request.attributes) {
    if (attribute.key == "numpy_dtype" && attribute.value == AttributeValue("S1") && *type == Type::kUbyte) {
      out.type = Type::kChar;
    } else {
      add_attribute(out.attributes, attribute);
    }
  }
  // Stored as bytes; by this word xarray, and we, know what it was.
  if (is_bool(request.spec.dtype)) add_attribute(out.attributes, {"dtype", std::string("bool"), ""});
  return out;
}

}  // namespace

std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request) {
  if (request.variables.empty()) fail(ErrorKind::kUser, "{}: there is no variable to write.", request.path);
  Header header;
  for (const Attribute& attribute : request.attributes) add_attribute(header.attributes, attribute);
  Dimensions dimensions(request.path, header);
  for (const VariableRequest& variable : request.variables) {
    StoredVariable stored = stored_variable(request.path, variable);
    for (const StoredVariable& other : header.variables) {
      if (other.name == stored.name) fail(ErrorKind::kUser, "{}: two variables have the name '{}'.", request.path, stored.name);
    }
    for (int k = 0; k < variable.spec.shape.rank(); ++k) {
      stored.dims.push_back(dimensions.number(variable.dims[static_cast<std::size_t>(k)], variable.spec.shape[k]));
    }
    header.variables.push_back(std::move(stored));
  }
  set_record_dimension(request, header);
  header.measure(request.path, ErrorKind::kUser);
  header.version = 1;
  Index file_bytes = set_places(request.path, header);
  while (version_for(header, file_bytes) > header.version) {
    header.version = version_for(header, file_bytes);
    file_bytes = set_places(request.path, header);
  }

  RawFileLayout layout;
  for (std::size_t i = 0; i < request.variables.size(); ++i) {
    const StoredVariable& stored = header.variables[i];
    const Spec& spec = request.variables[i].spec;
    const bool lies_apart = stored.is_record && header.record_bytes != stored.bytes;
    layout.arrays.push_back({.shape = spec.shape,
                             .transform = {.stored = dtype_of(stored.type), .order = ByteOrder::kBig, .dtype = spec.dtype},
                             .data_offset = stored.begin,
                             .record_stride = lies_apart ? header.record_bytes : 0});
  }
  layout.file_bytes = file_bytes;
  layout.blocks.push_back({0, format_header(header)});
  return raw_sinks(request.path, request.overwrite, std::move(layout));
}

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) { return netcdf3::create_sinks(dataset_of_one(spec, request)).front(); }

}  // namespace freestone::formats::netcdf3
