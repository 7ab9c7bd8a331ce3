#include <algorithm>
#include <cctype>
#include <limits>

#include "freestone/cli/step.h"
#include "freestone/geo/indices.h"
#include "freestone/label/selection.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"

namespace freestone::cli {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The bands of a raster, and what they are called.
struct Raster {
  int axis = 0;
  Index count = 0;
  std::vector<std::string> names;
};

/// One band of a raster: the image.
Array band_at(const Array& data, int axis, Index number) {
  std::vector<Slice> slices(static_cast<std::size_t>(data.rank()));
  slices[static_cast<std::size_t>(axis)] = Slice::at(number);
  return slice(data, slices);
}

Raster raster_of(const astro::SkyArray& array) {
  Raster raster;
  const auto found = std::find(array.dims.begin(), array.dims.end(), "band");
  if (found == array.dims.end() || array.rank() < 3) {
    fail(ErrorKind::kUser, "there is no axis of bands, as a raster has: this array is ({}). Files of one band each are stacked: freestone run b4.tif b5.tif --stack band ! index ...",
         fmt::join(array.dims, ", "));
  }
  raster.axis = static_cast<int>(found - array.dims.begin());
  raster.count = array.data.shape()[raster.axis];
  for (const formats::Attribute& attribute : array.attributes) {
    if (const auto* names = std::get_if<std::vector<std::string>>(&attribute.value); attribute.key == "band_names" && names != nullptr) raster.names = *names;
  }
  return raster;
}

/// A band by its number, from 1, or by its name.
Index band_of(const Raster& raster, const std::string& option, const std::string& text) {
  const auto named = std::find(raster.names.begin(), raster.names.end(), text);
  if (named != raster.names.end()) return static_cast<Index>(named - raster.names.begin());
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos || text.size() > 9) {
    fail(ErrorKind::kUser, "--{} '{}': there is no band of that name.{} Bands have numbers from 1 to {}{}.", option, text, suggestion(text, raster.names), raster.count,
         raster.names.empty() ? "" : fmt::format(" and names: {}", fmt::join(raster.names, ", ")));
  }
  const Index number = std::stoll(text);
  if (number < 1 || number > raster.count) fail(ErrorKind::kUser, "--{} {}: bands have numbers from 1 to {}.", option, number, raster.count);
  return number - 1;
}

void index(Flow& flow, const Arguments& arguments, Request&) {
  const std::string& name = arguments.words().front();
  const geo::SpectralIndex& wanted = geo::find_spectral_index(name);
  const astro::SkyArray& input = flow.array();
  const Raster raster = raster_of(input);
  std::vector<std::string_view> sensor;
  if (arguments.has("sensor")) {
    sensor = geo::sensor_bands(arguments.text("sensor"));
    if (static_cast<Index>(sensor.size()) != raster.count) {
      fail(ErrorKind::kUser, "--sensor {}: its files have {} bands ({}), this one has {}. Name the bands instead, as in --red 3.", arguments.text("sensor"),
           sensor.size(), fmt::join(sensor, ", "), raster.count);
    }
  }
  geo::Bands bands;
  for (const std::string_view band : wanted.bands) {
    const std::string option(band);
    Index number = 0;
    if (arguments.has(option)) {
      number = band_of(raster, option, arguments.text(option));
    } else if (const auto found = std::find(sensor.begin(), sensor.end(), band); found != sensor.end()) {
      number = found - sensor.begin();
    } else {
      const auto named = std::find(raster.names.begin(), raster.names.end(), option);
      if (named == raster.names.end()) {
        fail(ErrorKind::kUser, "{} is {}: which band is {}? Say --{} N, or --sensor NAME.", name, wanted.formula, band, band);
      }
      number = named - raster.names.begin();
    }
    Array data = band_at(input.data, raster.axis, number);
    if (arguments.has("nodata")) {
      data = astype(data, DType::kFloat64);
      data = where(elementwise("equal", {data, arguments.number("nodata", 0)}), kNan, data);
    }
    bands.emplace(option, std::move(data));
  }
  astro::SkyArray result;
  result.data = geo::spectral_index(name, bands);
  result.dims = input.dims;
  result.dims.erase(result.dims.begin() + raster.axis);
  result.attributes = attributes_of_image(input);
  result.attributes.push_back({"nodata", kNan, ""});
  result.attributes.push_back({"long_name", name, ""});
  for (const DatasetVariable& coordinate : input.coordinates) {
    if (coordinate.axis_of("band") < 0 && coordinate.name != "band") result.coordinates.push_back(coordinate);
  }
  flow.array() = std::move(result);
  flow.nodata.reset();
  flow.label = name;
}

std::string names_of_indices() {
  std::string out;
  for (const geo::SpectralIndex& index : geo::spectral_indices()) out += (out.empty() ? "" : ", ") + std::string(index.name);
  return out;
}

bool is_name(const std::string& text) {
  if (text.empty() || text == "x" || !(std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '_')) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

/// What is said of each band, of those that are left.
void keep_bands(std::vector<formats::Attribute>& attributes, Index count, const std::vector<Index>& kept) {
  std::vector<formats::Attribute> out;
  for (formats::Attribute& attribute : attributes) {
    if (attribute.key.starts_with("band_") && attribute.key.find(':') != std::string::npos) {
      const Index number = std::atoll(attribute.key.c_str() + 5);
      const auto found = std::find(kept.begin(), kept.end(), number - 1);
      if (found == kept.end()) continue;
      attribute.key = fmt::format("band_{}{}", found - kept.begin() + 1, attribute.key.substr(attribute.key.find(':')));
    }
    std::visit(
        [&]<class T>(T& value) {
          if constexpr (requires { typename T::value_type; value.at(0); } && !std::is_same_v<T, std::string>) {
            const bool is_of_bands = attribute.key == "band_names" || attribute.key == "units" || attribute.key == "scale" || attribute.key == "offset";
            if (!is_of_bands || static_cast<Index>(value.size()) != count) return;
            T picked;
            for (const Index k : kept) picked.push_back(value[static_cast<std::size_t>(k)]);
            value = std::move(picked);
          }
        },
        attribute.value);
    out.push_back(std::move(attribute));
  }
  attributes = std::move(out);
}

}  // namespace

void select_bands(Flow& flow, const std::string& text, const std::string& step) {
  const Raster raster = raster_of(flow.array());
  std::vector<Index> bands;
  const bool is_range = text.find(':') != std::string::npos && std::find(raster.names.begin(), raster.names.end(), text) == raster.names.end();
  if (is_range) {
    const std::vector<std::string> ends = split(text, ':');
    if (ends.size() != 2) refuse("{}: --band FIRST:LAST is a range, not '{}'.", step, text);
    const Index first = ends[0].empty() ? 0 : band_of(raster, "band", trimmed(ends[0])), last = ends[1].empty() ? raster.count - 1 : band_of(raster, "band", trimmed(ends[1]));
    for (Index k = first; k <= last; ++k) bands.push_back(k);
    if (bands.empty()) refuse("{}: --band {}: the last comes before the first.", step, text);
  } else {
    for (const std::string& one : split(text, ',')) bands.push_back(band_of(raster, "band", trimmed(one)));
  }
  const bool is_one = bands.size() == 1 && !is_range && text.find(',') == std::string::npos;
  flow.change_labels([&](const Dataset& d) {
    return isel(d, {{"band", is_one ? PositionSelector(bands[0]) : PositionSelector(bands)}});
  });
  keep_bands(flow.array().attributes, raster.count, bands);
}

std::vector<formats::Attribute> attributes_of_pixels(const astro::SkyArray& array) {
  static constexpr std::string_view kOfNumbers[] = {"colormap", "photometric", "extra_samples", "nbits"};
  std::vector<formats::Attribute> out;
  for (const formats::Attribute& attribute : array.attributes) {
    const bool is_of_band = attribute.key.starts_with("band_") && attribute.key.find(":STATISTICS_") != std::string::npos;
    const bool is_of_numbers = std::find(std::begin(kOfNumbers), std::end(kOfNumbers), attribute.key) != std::end(kOfNumbers);
    if (!is_of_numbers && !is_of_band && !attribute.key.starts_with("STATISTICS_")) out.push_back(attribute);
  }
  return out;
}

std::vector<formats::Attribute> attributes_of_image(const astro::SkyArray& array) {
  static constexpr std::string_view kOfBands[] = {"band_names", "scale", "offset", "units", "nodata", "_FillValue", "long_name"};
  std::vector<formats::Attribute> out = attributes_of_pixels(array);
  std::erase_if(out, [](const formats::Attribute& a) {
    return std::find(std::begin(kOfBands), std::end(kOfBands), a.key) != std::end(kOfBands) || a.key.starts_with("band_");
  });
  return out;
}

std::map<std::string, astro::SkyArray> bands_by_name(const astro::SkyArray& array) {
  std::map<std::string, astro::SkyArray> bands;
  if (array.rank() < 3 || std::find(array.dims.begin(), array.dims.end(), "band") == array.dims.end()) return bands;
  const Raster raster = raster_of(array);
  for (Index number = 0; number < raster.count; ++number) {
    astro::SkyArray band;
    band.data = band_at(array.data, raster.axis, number);
    band.dims = array.dims;
    band.dims.erase(band.dims.begin() + raster.axis);
    band.unit = array.unit;
    for (const DatasetVariable& coordinate : array.coordinates) {
      if (coordinate.axis_of("band") < 0 && coordinate.name != "band") band.coordinates.push_back(coordinate);
    }
    if (const std::size_t k = static_cast<std::size_t>(number); k < raster.names.size() && is_name(raster.names[k])) bands.emplace(raster.names[k], band);
    bands.insert_or_assign(fmt::format("b{}", number + 1), std::move(band));
  }
  return bands;
}

std::vector<StepRow> raster_steps() {
  std::vector<OptionRow> options;
  std::vector<std::string_view> known;
  for (const geo::SpectralIndex& index : geo::spectral_indices()) {
    for (const std::string_view band : index.bands) {
      if (std::find(known.begin(), known.end(), band) != known.end()) continue;
      known.push_back(band);
      options.push_back({std::string(band), "BAND", "its number in the file, from 1, or its name there"});
    }
  }
  options.push_back({"sensor", "NAME", "whose bands these are, in its order: " + geo::sensor_names()});
  options.push_back({"nodata", "V", "a value that counts as missing, beside what the file calls nodata; missing in any band is missing in the index"});
  return {
      {"index", "NAME", "a spectral index of the bands of a raster, in float64: " + names_of_indices(), "scene.tif ! index ndvi --red 3 --nir 4 ! write ndvi.tif --compress lzw",
       false, std::move(options), index},
  };
}

}  // namespace freestone::cli
