#include "freestone/geo/indices.h"

#include <algorithm>

#include "freestone/ops/elementwise.h"

namespace freestone::geo {
namespace {

using Band = const std::vector<Array>&;

Array normalised_difference(const Array& a, const Array& b) { return (a - b) / (a + b); }

Array ndvi(Band b) { return normalised_difference(b[0], b[1]); }
Array kndvi(Band b) {
  const Array n = ndvi(b);
  return elementwise("tanh", {n * n});
}
Array evi(Band b) { return (b[0] - b[1]) / (b[0] + b[1] * 6.0 - b[2] * 7.5 + 1.0) * 2.5; }
Array evi2(Band b) { return (b[0] - b[1]) / (b[0] + 1.0 + b[1] * 2.4) * 2.5; }
Array savi(Band b) { return (b[0] - b[1]) / (b[0] + b[1] + 0.5) * 1.5; }
// Of a negative product there is no root.
Array avi(Band b) { return elementwise("power", {b[0] * (Operand(1.0) - b[1]) * (b[0] - b[1]), 0.3334}); }
Array gcvi(Band b) { return b[0] / b[1] - 1.0; }
// Bare above 0.5; where a band is missing the comparison is false, and the sum is NaN.
Array wi(Band b) {
  const Array sum = b[0] + b[1];
  return where(elementwise("greater", {sum, 0.5}), 0.0, Operand(1.0) - sum / 0.5);
}

struct Sensor {
  std::string_view name;
  std::vector<std::string_view> bands;
};
const std::vector<Sensor>& sensors() {
  static const std::vector<std::string_view> kBgrn = {"blue", "green", "red", "nir"};
  static const std::vector<std::string_view> kLandsat = {"blue", "green", "red", "nir", "swir1", "swir2"};
  static const std::vector<std::string_view> kLandsat8 = {"coastal", "blue", "green", "red", "nir", "swir1", "swir2"};
  static const std::vector<Sensor> kSensors = {
      {"rgb", {"red", "green", "blue"}},
      {"rgbn", {"red", "green", "blue", "nir"}},
      {"bgr", {"blue", "green", "red"}},
      {"bgrn", kBgrn},
      {"l5", kLandsat},
      {"l7", kLandsat},
      {"l8", kLandsat8},
      {"l9", kLandsat8},
      {"s2", {"coastal", "blue", "green", "red", "nir1", "nir2", "nir3", "nir", "rededge", "water", "cirrus", "swir1", "swir2"}},
      {"s2f", {"blue", "green", "red", "nir1", "nir2", "nir3", "nir", "rededge", "swir1", "swir2"}},
      {"s210", kBgrn},
      {"s220", {"nir1", "nir2", "nir3", "rededge", "swir1", "swir2"}},
      {"ps", kBgrn},
      {"qb", kBgrn},
      {"modis", {"red", "nir", "blue", "green", "nir2", "swir1", "swir2"}},
  };
  return kSensors;
}

}  // namespace

const std::vector<SpectralIndex>& spectral_indices() {
  static const std::vector<SpectralIndex> kTable = {
      {"ndvi", {"nir", "red"}, "(nir - red) / (nir + red)", "vegetation", ndvi},
      {"evi", {"nir", "red", "blue"}, "2.5 (nir - red) / (nir + 6 red - 7.5 blue + 1)", "vegetation; reflectances", evi},
      {"evi2", {"nir", "red"}, "2.5 (nir - red) / (nir + 1 + 2.4 red)", "vegetation without blue; reflectances", evi2},
      {"kndvi", {"nir", "red"}, "tanh(ndvi^2)", "vegetation, by a kernel", kndvi},
      {"savi", {"nir", "red"}, "1.5 (nir - red) / (nir + red + 0.5)", "vegetation above soil; reflectances", savi},
      {"avi", {"nir", "red"}, "(nir (1 - red) (nir - red))^0.3334", "vegetation, advanced; reflectances", avi},
      {"gcvi", {"nir", "green"}, "nir / green - 1", "chlorophyll", gcvi},
      {"nbr", {"nir", "swir2"}, "(nir - swir2) / (nir + swir2)", "burns", ndvi},
      {"ndmi", {"nir", "swir1"}, "(nir - swir1) / (nir + swir1)", "moisture", ndvi},
      {"ndwi", {"green", "nir"}, "(green - nir) / (green + nir)", "open water", ndvi},
      {"wi", {"red", "swir1"}, "1 - (red + swir1) / 0.5, 0 where that is negative", "woody plants; reflectances", wi},
      {"norm-diff", {"b2", "b1"}, "(b2 - b1) / (b2 + b1)", "any two bands", ndvi},
  };
  return kTable;
}

const SpectralIndex& find_spectral_index(const std::string& name) {
  std::vector<std::string> names;
  for (const SpectralIndex& index : spectral_indices()) {
    if (index.name == name) return index;
    names.emplace_back(index.name);
  }
  fail(ErrorKind::kUser, "There is no index '{}'.{} There are {}.", name, suggestion(name, names), fmt::join(names, ", "));
}

Array spectral_index(const std::string& name, const Bands& bands) {
  const SpectralIndex& index = find_spectral_index(name);
  std::vector<Array> taken;
  for (const std::string_view band : index.bands) {
    const auto found = bands.find(band);
    if (found == bands.end()) fail(ErrorKind::kUser, "{} is {}: which band is {}?", name, index.formula, band);
    if (is_complex(found->second.dtype())) fail(ErrorKind::kUser, "{}: band {} is of complex numbers.", name, band);
    taken.push_back(astype(found->second, DType::kFloat64));
    if (taken.back().shape() != taken.front().shape()) {
      fail(ErrorKind::kUser, "{}: band {} is {}, band {} is {}.", name, index.bands.front(), to_string(taken.front().shape()), band, to_string(taken.back().shape()));
    }
  }
  return index.compute(taken);
}

const std::vector<std::string_view>& sensor_bands(const std::string& sensor) {
  std::vector<std::string> names;
  for (const Sensor& known : sensors()) {
    if (known.name == sensor) return known.bands;
    names.emplace_back(known.name);
  }
  fail(ErrorKind::kUser, "There is no sensor '{}'.{} There are {}.", sensor, suggestion(sensor, names), sensor_names());
}

std::string sensor_names() {
  std::string out;
  for (const Sensor& known : sensors()) out += (out.empty() ? "" : ", ") + std::string(known.name);
  return out;
}

}  // namespace freestone::geo
