#include <algorithm>
#include <cctype>
#include <limits>
#include <numeric>

#include "freestone/astro/sky_array.h"
#include "freestone/astro/small_array.h"
#include "freestone/base/log.h"
#include "freestone/label/cf.h"
#include "freestone/label/memory_array.h"
#include "freestone/label/raster.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"

namespace freestone::astro {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Where axes of a file go: others, then spectral, latitude, longitude; and the names of the axes in that order.
struct AxisOrder {
  std::vector<int> order;
  std::vector<std::string> names;
};

std::string name_of_kind(WorldKind kind) {
  switch (kind) {
    case WorldKind::kSpectral: return "spectral";
    case WorldKind::kLatitude: return "y";
    case WorldKind::kLongitude: return "x";
    case WorldKind::kStokes: return "stokes";
    case WorldKind::kLinear: break;
  }
  return "";
}

bool is_world(const std::string& dim) { return dim == "spectral" || dim == "y" || dim == "x"; }

AxisOrder axis_order(const Wcs& wcs) {
  const int rank = wcs.rank();
  std::vector<int> known, others;
  for (const WorldKind kind : {WorldKind::kSpectral, WorldKind::kLatitude, WorldKind::kLongitude})
    if (const auto axis = wcs.axis_of(kind)) known.push_back(*axis);
  for (int axis = 0; axis < rank; ++axis)
    if (std::find(known.begin(), known.end(), axis) == known.end()) others.push_back(axis);

  AxisOrder result;
  // A spectral axis with two plain ones is a cube in a plane without sky; then the plain axes come last.
  const bool sky = wcs.has_celestial();
  result.order = sky ? others : known;
  result.order.insert(result.order.end(), sky ? known.begin() : others.begin(), sky ? known.end() : others.end());
  for (const int axis : result.order) result.names.push_back(name_of_kind(wcs.kind(axis)));

  // Beside one spectral axis, or beside a sky, axes without a type are what the cube lacks.
  const auto untyped = [&](std::size_t k) { return result.names[k].empty() && wcs.ctype(result.order[k]).empty(); };
  if (rank == 3 && sky && untyped(0)) result.names[0] = "spectral";
  if (rank == 3 && !sky && !known.empty() && result.names[1].empty() && result.names[2].empty()) result.names = {"spectral", "y", "x"};
  for (std::size_t k = 0; k < result.names.size(); ++k) {
    if (!result.names[k].empty()) continue;
    // Where nothing is sky or spectrum, axes may be those of a grid of the Earth, named by their types.
    std::string name = wcs.ctype(result.order[k]);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool is_taken = std::find(result.names.begin(), result.names.end(), name) != result.names.end();
    result.names[k] = name.empty() || is_taken || !known.empty() ? fmt::format("axis{}", k) : name;
  }
  return result;
}

const formats::Table* find_beams(const formats::Contents& contents) {
  for (const formats::Table& table : contents.tables)
    if (table.name == "BEAMS") return &table;
  return nullptr;
}

BeamColumns columns_of(const formats::Table& table) {
  BeamColumns out;
  const auto whole = [](const std::vector<double>& numbers) {
    std::vector<Index> result;
    for (const double number : numbers) result.push_back(std::isfinite(number) ? static_cast<Index>(number) : 0);
    return result;
  };
  for (const auto& column : table.columns) {
    if (column.name == "BMAJ")
      out.major = column.numbers, out.major_unit = column.unit;
    else if (column.name == "BMIN")
      out.minor = column.numbers, out.minor_unit = column.unit;
    else if (column.name == "BPA")
      out.pa = column.numbers, out.pa_unit = column.unit;
    else if (column.name == "CHAN")
      out.channel = whole(column.numbers);
    else if (column.name == "POL")
      out.polarisation = whole(column.numbers);
  }
  return out;
}

/// Channels without a valid beam become NaN: what they hold is of unknown resolution.
Array without_bad_beams(const Array& data, const std::vector<Beam>& beams, int axis) {
  std::vector<unsigned char> good;
  for (const Beam& beam : beams) good.push_back(beam.is_valid());
  const auto bad = std::count(good.begin(), good.end(), 0);
  if (bad == 0) return data;
  log(LogLevel::kWarning, "{} of {} channels have no valid beam in table BEAMS: they are masked.", bad, beams.size());
  return where(small_mask(std::move(good), along(axis, static_cast<Index>(beams.size()), data.rank())), data, kNan);
}

/// The FITS part: `sky` holds the data in the file's axis order. Of a Stokes axis `plane` is taken where it is given.
void read_header(const Opened& opened, SkyArray& sky, std::optional<Index> plane) {
  const int rank = sky.data.rank();
  const std::string& cards = opened.variable().header;
  const FitsHeader header = FitsHeader::parse(cards);
  sky.header = header.without_structure();
  sky.unit = Unit::parse_or_opaque(header.text("BUNIT").value_or(""));
  const Wcs wcs = Wcs::from_cards(cards, rank);

  // Axes of length 1 that are neither sky nor spectrum say nothing.
  const AxisOrder order = axis_order(wcs);
  std::vector<Slice> taken;
  std::vector<int> kept;
  for (std::size_t k = 0; k < order.order.size(); ++k) {
    const std::string& name = order.names[k];
    const bool says_nothing = name == "stokes" || ((wcs.has_celestial() || rank > 3) && !is_world(name));
    const bool is_last = kept.empty() && k + 1 == order.order.size();
    const Index length = sky.data.shape()[order.order[k]];
    const bool is_chosen = plane && name == "stokes";
    if (is_chosen && (*plane < 0 || *plane >= length))
      fail(ErrorKind::kUser, "There is no Stokes plane {}: the file has {}.", *plane, length);
    const bool drops = is_chosen || (says_nothing && !is_last && length == 1);
    taken.push_back(drops ? Slice::at(is_chosen ? *plane : 0) : Slice{});
    if (drops) continue;
    kept.push_back(order.order[k]);
    sky.dims.push_back(name);
  }
  // No axis has a type: by position.
  const std::vector<std::string> by_position = {"spectral", "y", "x"};
  const auto left = static_cast<std::ptrdiff_t>(kept.size());
  if (std::all_of(sky.dims.begin(), sky.dims.end(), [](const std::string& dim) { return dim.starts_with("axis"); }) && (left == 2 || left == 3))
    sky.dims.assign(by_position.end() - left, by_position.end());

  std::vector<int> unmoved(static_cast<std::size_t>(rank));
  std::iota(unmoved.begin(), unmoved.end(), 0);
  if (order.order != unmoved) sky.data = transpose(sky.data, order.order);
  if (static_cast<int>(kept.size()) < rank) sky.data = slice(sky.data, taken);
  sky.wcs = wcs.keep_axes(kept);

  for (int k = 0; k < sky.rank(); ++k) {
    if (sky.wcs.kind(k) != WorldKind::kLinear || sky.wcs.ctype(k).empty() || sky.dims[static_cast<std::size_t>(k)].starts_with("axis")) continue;
    const std::string& dim = sky.dims[static_cast<std::size_t>(k)];
    DatasetVariable coordinate{dim, array_in_memory(axis_coordinates(sky, k)), {dim}, {}};
    std::string unit = sky.wcs.unit(k).to_string();
    if (unit == "deg" && (dim == "lat" || dim == "latitude")) unit = "degrees_north";
    if (unit == "deg" && (dim == "lon" || dim == "longitude")) unit = "degrees_east";
    if (!unit.empty()) coordinate.attributes.push_back({"units", unit, ""});
    sky.coordinates.push_back(std::move(coordinate));
  }

  sky.beam = beam_from_header(header);
  const auto spectral = std::find(sky.dims.begin(), sky.dims.end(), "spectral");
  const formats::Table* const table = find_beams(opened.contents());
  if (table != nullptr && spectral != sky.dims.end()) {
    const int axis = static_cast<int>(spectral - sky.dims.begin());
    sky.beams = beams_from_columns(columns_of(*table), sky.data.shape()[axis], plane.value_or(0));
    sky.beam.reset();
    sky.data = without_bad_beams(sky.data, sky.beams, axis);
  }
}

}  // namespace

SkyArray sky_array_from(const Opened& opened, const CfOptions& options) {
  const formats::Contents& contents = opened.contents();
  const formats::Variable& variable = opened.variable();
  if (contents.is_group) {
    SkyArray sky = sky_array_from(decode_cf(dataset_from(contents), options), variable.name);
    sky.name = variable.name.substr(variable.name.rfind('/') + 1);
    for (DatasetVariable& coordinate : sky.coordinates) coordinate.name = coordinate.name.substr(coordinate.name.rfind('/') + 1);
    return sky;
  }
  if (contents.format != "fits" && variable.header.empty()) {
    // One array, without neighbours. Packed numbers become what they stand for, as in a Dataset.
    SkyArray sky = sky_array_from(Dataset(contents.path, {variable_from(opened, options)}, {}), variable.name);
    sky.name.clear();
    return sky;
  }
  SkyArray sky;
  sky.data = opened.array();
  if (!options.mask_and_scale) {
    if (const auto stored = opened.stored_integers()) {
      sky.data = stored->array;
      sky.attributes.push_back({"nodata", stored->blank, ""});
    }
  }
  try {
    read_header(opened, sky, std::nullopt);
  } catch (Error& error) {
    throw error.within(contents.path);
  }
  return sky;
}

SkyArray stokes_plane_from(const Opened& opened, Index plane) {
  SkyArray sky;
  sky.data = opened.array();
  try {
    read_header(opened, sky, plane);
  } catch (Error& error) {
    throw error.within(opened.contents().path);
  }
  return sky;
}

}  // namespace freestone::astro
