// Rasters: spectral indices, and the bands of sensors.
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "freestone/geo/indices.h"
#include "module.h"

namespace freestone::python {

void bind_raster(nb::module_& module) {
  using Strings = std::vector<std::string>;
  const auto strings = [](const std::vector<std::string_view>& views) { return Strings(views.begin(), views.end()); };
  module.def("spectral_index", [](const std::string& name, const std::map<std::string, Array>& bands) {
    return geo::spectral_index(name, geo::Bands(bands.begin(), bands.end()));
  });
  module.def("spectral_index_table", [strings] {
    nb::list out;
    for (const geo::SpectralIndex& index : geo::spectral_indices())
      out.append(nb::make_tuple(std::string(index.name), strings(index.bands), std::string(index.formula), std::string(index.what)));
    return out;
  });
  module.def("sensor_bands", [strings](const std::string& sensor) { return strings(geo::sensor_bands(sensor)); });
}

}  // namespace freestone::python
