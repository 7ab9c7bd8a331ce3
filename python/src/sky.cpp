// Arrays with a sky: what freestone.astro is made of. Units are strings in FITS spelling, angles degrees, beams (major, minor, pa).

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "freestone/astro/spectral_cube.h"
#include "module.h"
#include "arguments.h"

namespace freestone::python {
namespace {

using astro::SkyArray;
using BeamTuple = std::tuple<double, double, double>;
/// A number and its unit; an empty unit is the axis' own.
using QuantityTuple = std::pair<double, std::string>;

BeamTuple tuple_of(const astro::Beam& beam) { return {beam.major_deg, beam.minor_deg, beam.pa_deg}; }
astro::Beam beam_of(const BeamTuple& beam) { return {std::get<0>(beam), std::get<1>(beam), std::get<2>(beam)}; }
Quantity quantity_of(const QuantityTuple& quantity) { return {quantity.first, Unit::parse(quantity.second)}; }

std::optional<Quantity> quantity_of(const std::optional<QuantityTuple>& quantity) {
  if (!quantity) return std::nullopt;
  return quantity_of(*quantity);
}

/// (spectral, y, x) made of an array and the cards of a header, whose axes may come in any order.
SkyArray cube_from(const Array& data, const std::string& cards, const std::string& unit, const std::optional<BeamTuple>& beam) {
  if (data.rank() != 3) fail(ErrorKind::kUser, "A cube has three axes, not shape {}.", to_string(data.shape()));
  SkyArray sky;
  const astro::FitsHeader header = astro::FitsHeader::parse(cards);
  const astro::Wcs wcs = astro::Wcs::from_cards(cards, 3);
  const std::vector<int> order = wcs.cube_order();
  sky.data = transpose(data, order);
  sky.dims = {"spectral", "y", "x"};
  sky.wcs = wcs.keep_axes(order);
  sky.unit = Unit::parse_or_opaque(unit);
  sky.beam = beam ? std::optional(beam_of(*beam)) : astro::beam_from_header(header);
  sky.header = header.without_structure();
  return astro::SpectralCube(std::move(sky)).sky();
}

/// An image, a spectrum or a cube made of an array and the cards of a header, the axes as they are.
SkyArray sky_from(const Array& data, const std::string& cards, const std::string& unit, const std::optional<BeamTuple>& beam) {
  SkyArray sky;
  sky.data = data;
  sky.wcs = astro::Wcs::from_cards(cards, data.rank());
  for (int axis = 0; axis < data.rank(); ++axis) {
    switch (sky.wcs.kind(axis)) {
      case astro::WorldKind::kSpectral: sky.dims.emplace_back("spectral"); break;
      case astro::WorldKind::kLatitude: sky.dims.emplace_back("y"); break;
      case astro::WorldKind::kLongitude: sky.dims.emplace_back("x"); break;
      default: sky.dims.push_back("axis" + std::to_string(axis));
    }
  }
  sky.unit = Unit::parse_or_opaque(unit);
  if (beam) sky.beam = beam_of(*beam);
  sky.header = astro::FitsHeader::parse(cards).without_structure();
  return sky;
}

/// `sky` with another resolution for each channel.
SkyArray with_beams(const SkyArray& sky, const std::vector<BeamTuple>& beams) {
  SkyArray out = sky;
  out.beam.reset();
  out.beams.clear();
  for (const BeamTuple& beam : beams) out.beams.push_back(beam_of(beam));
  return out;
}

SkyArray without_beam(const SkyArray& sky) {
  SkyArray out = sky;
  out.beam.reset();
  out.beams.clear();
  return out;
}

/// `sky` with other cards beside WCS, structure and beam.
SkyArray with_header(const SkyArray& sky, const std::string& cards) {
  SkyArray out = sky;
  out.header = astro::FitsHeader::parse(cards).without_structure();
  return out;
}

/// `sky` with other data of the same shape, in another unit where one is given.
SkyArray with_data(const SkyArray& sky, const Array& data, const std::optional<std::string>& unit) {
  if (data.shape() != sky.data.shape())
    fail(ErrorKind::kUser, "Data of shape {} does not fit into an array of shape {}.", to_string(data.shape()),
         to_string(sky.data.shape()));
  SkyArray out = sky;
  out.data = data;
  if (unit) out.unit = Unit::parse_or_opaque(*unit);
  return out;
}

SkyArray with_beam(const SkyArray& sky, const BeamTuple& beam) {
  SkyArray out = sky;
  out.beam = beam_of(beam);
  out.beams.clear();
  return out;
}

std::vector<BeamTuple> beams_of(const SkyArray& sky) {
  std::vector<BeamTuple> beams;
  for (const astro::Beam& beam : sky.beams) beams.push_back(tuple_of(beam));
  return beams;
}

SkyArray with_spectral_unit(const SkyArray& sky, const std::string& unit, const std::optional<std::string>& convention,
                            const std::optional<QuantityTuple>& rest) {
  astro::SpectralTarget target{Unit::parse(unit), std::nullopt, quantity_of(rest)};
  if (convention) target.convention = astro::parse_velocity_convention(*convention);
  return astro::with_spectral_unit(sky, target);
}

/// The WCS cards of `rank` axes with the spectral axis in another unit.
std::string spectral_cards(const std::string& cards, int rank, const std::string& unit, const std::optional<std::string>& convention,
                           const std::optional<QuantityTuple>& rest) {
  astro::SpectralTarget target{Unit::parse(unit), std::nullopt, quantity_of(rest)};
  if (convention) target.convention = astro::parse_velocity_convention(*convention);
  return astro::with_spectral_unit(astro::Wcs::from_cards(cards, rank), target).to_header_cards();
}

nb::tuple statistics_of(const std::vector<double>& fold) {
  const astro::Statistics s = astro::statistics_from(fold, Unit());
  return nb::make_tuple(s.npts, s.min, s.max, s.sum, s.sumsq, s.mean, s.sigma, s.rms);
}

}  // namespace

void bind_sky(nb::module_& module) {
  nb::class_<SkyArray>(module, "SkyArray", "An array with its WCS, unit, beams and header.")
      .def_ro("data", &SkyArray::data)
      .def_ro("dims", &SkyArray::dims)
      .def_prop_ro("unit", [](const SkyArray& sky) { return sky.unit.to_string(); })
      .def_prop_ro("wcs_cards", [](const SkyArray& sky) { return sky.wcs.to_header_cards(); })
      .def_prop_ro("header_cards", [](const SkyArray& sky) { return sky.header.format(); })
      .def_prop_ro("beam", [](const SkyArray& sky) { return sky.beam ? std::optional(tuple_of(*sky.beam)) : std::nullopt; })
      .def_prop_ro("beams", &beams_of)
      .def("axis_unit", [](const SkyArray& sky, int axis) { return sky.wcs.rank() == 0 ? std::string() : sky.wcs.unit(axis).to_string(); })
      .def("coordinates", &astro::axis_coordinates, nb::call_guard<nb::gil_scoped_release>())
      .def("with_data", &with_data, nb::arg("data"), nb::arg("unit").none() = nb::none())
      .def("with_beam", &with_beam)
      .def("with_beams", &with_beams)
      .def("without_beam", &without_beam)
      .def("with_header", &with_header);

  module.def("cube_from", &cube_from, nb::arg("data"), nb::arg("cards"), nb::arg("unit"), nb::arg("beam").none());

  module.def(
      "read_sky",
      [](const std::string& path, const std::optional<Index>& stokes) {
        const Opened opened = open(path);
        return stokes ? astro::stokes_plane_from(opened, *stokes) : astro::sky_array_from(opened);
      },
      nb::arg("path"), nb::arg("stokes") = nb::none(), nb::call_guard<nb::gil_scoped_release>());
  module.def("sky_from", &sky_from, nb::arg("data"), nb::arg("cards"), nb::arg("unit"), nb::arg("beam").none());
  module.def("spectral_cards", &spectral_cards, nb::arg("cards"), nb::arg("rank"), nb::arg("unit"), nb::arg("convention").none(),
             nb::arg("rest").none());

  module.def("sky_reduce", [](const SkyArray& sky, const std::string& function, const std::vector<std::string>& axes, double q) {
    return astro::reduce(sky, function, axes, q);
  });
  module.def("sky_moment", [](const SkyArray& sky, int order, const std::string& axis) { return astro::moment(sky, order, axis); });
  module.def("statistics_arrays", &astro::statistics_arrays);
  module.def("statistics_of", &statistics_of);

  module.def("sky_slice", [](const SkyArray& sky, const nb::list& items) { return astro::slice(sky, slices_of(items)); });
  module.def("sky_transpose", [](const SkyArray& sky, const std::vector<int>& order) { return astro::transpose(sky, order); });
  module.def("closest_spectral_channel",
             [](const SkyArray& sky, const QuantityTuple& value) { return astro::closest_spectral_channel(sky, quantity_of(value)); });
  module.def("sky_downsample", [](const SkyArray& sky, Index factor, const std::string& axis, const std::string& function, bool truncate) {
    return astro::downsample(sky, factor, {axis}, function, truncate);
  });

  module.def("sky_to", [](const SkyArray& sky, const std::string& unit) { return astro::to(sky, Unit::parse(unit)); });
  module.def("with_spectral_unit", &with_spectral_unit, nb::arg("sky"), nb::arg("unit"), nb::arg("convention").none(),
             nb::arg("rest").none());

  module.def("sky_output", [](const SkyArray& sky, const std::string& path, const std::string& format, bool overwrite) {
    return astro::output_for(sky, path, {.format = format, .overwrite = overwrite});
  });
}

}  // namespace freestone::python
