#include <nlohmann/json.hpp>

#include "freestone/formats/netcdf3.h"
#include "freestone/formats/netcdf3_header.h"
#include "freestone/storage/manifest_source.h"

namespace freestone::formats::netcdf3 {

Contents open(std::shared_ptr<const File> file) {
  Header header = read_header(*file);
  const std::string absolute = file->location();
  Contents contents{.format = "netcdf3", .path = file->name()};
  contents.is_group = true;
  contents.attributes = std::move(header.attributes);
  if (header.record_dim >= 0) contents.unlimited_dims.push_back(header.dims[static_cast<std::size_t>(header.record_dim)].name);
  contents.variables.reserve(header.variables.size());
  for (StoredVariable& stored : header.variables) {
    Variable variable{.name = stored.name, .hdu = static_cast<int>(contents.variables.size())};
    variable.attributes = std::move(stored.attributes);
    if (stored.type == Type::kChar) variable.attributes.push_back({"numpy_dtype", std::string("S1"), "what the integers mean"});
    for (const int dim : stored.dims) variable.dims.push_back(header.dims[static_cast<std::size_t>(dim)].name);
    if (stored.dims.size() > kMaxRank) {
      variable.note = fmt::format("it has {} axes; Freestone handles up to {}", stored.dims.size(), kMaxRank);
    } else {
      Shape shape;
      for (const int dim : stored.dims) shape.push_back(header.dims[static_cast<std::size_t>(dim)].length);
      const ElementTransform transform{.stored = dtype_of(stored.type), .order = ByteOrder::kBig, .dtype = dtype_of(stored.type)};
      std::string reference =
          nlohmann::json{{"path", absolute}, {"variable", stored.name}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      const bool lies_apart = stored.is_record && header.records() > 1 && header.record_bytes != stored.bytes;
      variable.source = std::make_shared<ManifestSource>(
          lies_apart ? record_manifest(file, stored.begin, shape, header.record_bytes, transform, std::move(reference))
                     : contiguous_manifest(file, stored.begin, shape, transform, std::move(reference)));
    }
    contents.variables.push_back(std::move(variable));
  }
  return contents;
}

}  // namespace freestone::formats::netcdf3
