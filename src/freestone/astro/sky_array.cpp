#include "freestone/astro/sky_array.h"

#include <charconv>
#include <limits>

#include "freestone/label/write.h"
#include "freestone/ops/elementwise.h"

namespace freestone::astro {
namespace {

constexpr double kArcsecPerDegree = 3600;

formats::Table beams_table(const std::vector<Beam>& beams) {
  formats::Table table;
  table.name = "BEAMS";
  table.rows = static_cast<Index>(beams.size());
  table.columns = {{.name = "BMAJ", .unit = "arcsec"},
                   {.name = "BMIN", .unit = "arcsec"},
                   {.name = "BPA", .unit = "deg"},
                   {.name = "CHAN", .code = 'J'},
                   {.name = "POL", .code = 'J'}};
  for (Index channel = 0; channel < table.rows; ++channel) {
    const Beam& beam = beams[static_cast<std::size_t>(channel)];
    const double row[] = {beam.major_deg * kArcsecPerDegree, beam.minor_deg * kArcsecPerDegree, beam.pa_deg, static_cast<double>(channel),
                          0};
    for (std::size_t c = 0; c < table.columns.size(); ++c) table.columns[c].numbers.push_back(row[c]);
  }
  return table;
}

/// Names that a file gave, without those that stand for none.
std::vector<std::string> written_dims(const SkyArray& array) {
  std::vector<std::string> dims;
  bool any = false;
  for (std::size_t k = 0; k < array.dims.size(); ++k) {
    const bool stands_for_none = array.dims[k].starts_with("axis");
    dims.push_back(stands_for_none ? "" : array.dims[k]);
    any = any || !stands_for_none;
  }
  return any ? dims : std::vector<std::string>();
}

}  // namespace

int SkyArray::axis(const std::string& name) const {
  for (int k = 0; k < rank(); ++k)
    if (dims[static_cast<std::size_t>(k)] == name) return k;
  Index number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size() && !name.empty()) return normal_axis(number, rank());
  std::vector<std::string> names = dims;
  for (int k = 0; k < wcs.rank(); ++k) {
    const std::string world = wcs.name(k);
    if (world.empty()) continue;
    if (world == name) return k;
    names.push_back(world);
  }
  std::string list;
  for (const std::string& dim : dims) list += (list.empty() ? "" : ", ") + dim;
  fail(ErrorKind::kUser, "Axis '{}' is not in ({}).{}", name, list, suggestion(name, names));
}

void SkyArray::write(const std::string& path, const WriteOptions& options, const ComputeOptions& compute) const {
  astro::write(*this, path, options, compute);
}

std::vector<double> axis_coordinates(const SkyArray& array, int axis) {
  const Index n = array.data.shape()[axis];
  const int rank = array.wcs.rank();
  if (rank > 0 && array.wcs.kind(axis) == WorldKind::kSpectral) return array.wcs.spectral_values(n);
  std::vector<double> out(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(i);
  if (rank == 0) return out;
  const auto width = static_cast<std::size_t>(rank), at = static_cast<std::size_t>(axis);
  std::vector<double> pixels(out.size() * width, 0);
  for (std::size_t i = 0; i < out.size(); ++i) pixels[i * width + at] = out[i];
  const std::vector<double> world = array.wcs.pixel_to_world(pixels);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = world[i * width + at];
  return out;
}

Output output_for(const SkyArray& array, const std::string& path, const WriteOptions& options) {
  FitsHeader header = array.header.without_structure();
  const std::string unit = array.unit.to_string();
  if (!unit.empty()) header.set("BUNIT", unit);
  formats::WriteRequest request{.path = path, .format = options.format, .overwrite = options.overwrite, .packing = options.packing};
  request.unlimited_dims = options.unlimited_dims;
  request.append = options.append;
  request.name = array.name;
  request.plain_attributes = array.attributes;
  request.dims = written_dims(array);
  take_chunks(request, array.data);
  if (!array.beams.empty()) {
    header.set("CASAMBM", true, "beams by channel in table BEAMS");
    request.tables.push_back(beams_table(array.beams));
  } else if (array.beam) {
    set_beam(header, *array.beam);
  }
  if (!options.history.empty()) header.add_history(options.history);
  request.header_cards = array.wcs.to_header_cards() + header.format();
  const Array data = options.dtype ? astype(array.data, *options.dtype) : array.data;
  return {data, formats::create_sink(data.spec(), request)};
}

void write(const SkyArray& array, const std::string& path, const WriteOptions& options, const ComputeOptions& compute) {
  write_outputs({output_for(array, path, options)}, compute);
}

}  // namespace freestone::astro
