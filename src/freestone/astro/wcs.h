/// Wcs: where pixels lie in the world; an immutable value.
///
/// A Wcs is a small set of parameters (FITS papers I to III) and a wcslib structure made of them, shared by copies. Axes are counted as
/// arrays are, from 0 in C order: axis 0 of a cube is FITS axis 3. Pixels are counted from 0, centres at integers. World coordinates come
/// in the unit that the header gives (km/s stays km/s, Angstrom stays Angstrom; angles in degrees), where wcslib and astropy give SI.
/// Every change (slice, permutation, binning, new spectral type) makes a new Wcs from changed parameters. Safe to use from many threads.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freestone/label/units.h"

namespace freestone::astro {

enum class WorldKind { kLongitude, kLatitude, kSpectral, kStokes, kLinear };

/// The parameters of a WCS, in FITS axis order (axes[i] is FITS axis i + 1), values in the units of their axes.
struct WcsParameters {
  struct Axis {
    std::string ctype;  ///< "RA---TAN", "FREQ", "VOPT-F2W", "" for plain linear
    std::string name;   ///< CNAME
    Unit unit;
    double crpix = 0, crval = 0, cdelt = 1;
    std::vector<std::pair<int, double>> pv;  ///< (m, PVi_m)
  };
  std::vector<Axis> axes;
  std::vector<double> pc;                  ///< row-major, rank x rank
  std::optional<double> restfrq, restwav;  ///< Hz, m
  std::optional<double> lonpole, latpole, equinox, velosys, zsource;
  std::string radesys, specsys, ssysobs, ssyssrc;
  std::string distortion_cards;  ///< SIP coefficients, as cards; refer to FITS axes 1 and 2

  int rank() const { return static_cast<int>(axes.size()); }
};

/// Reads the cards of a header, made regular; see `Wcs::from_cards`.
WcsParameters read_wcs_cards(std::string_view cards, int rank);
/// The cards of these parameters; see `Wcs::to_header_cards`.
std::string write_wcs_cards(const WcsParameters& parameters);

class Wcs {
 public:
  /// Rank 0.
  Wcs();
  /// From the cards of a header (80 characters each; others than WCS keywords do not matter): the primary WCS, made regular. AIPS
  /// spectral types ("VELO-LSR", "FELO-HEL"), "VELOCITY", CD and CROTA matrices, and units in any spelling are taken. Axes that the
  /// header does not describe are linear, from 1; keywords beyond `rank` are dropped.
  /// @throws Error kind data: the WCS makes no sense (a singular matrix, one celestial axis, an unknown projection)
  static Wcs from_cards(std::string_view cards, int rank);
  /// @throws Error kind data, as above
  explicit Wcs(WcsParameters parameters);
  /// Linear axes whose world coordinates are the pixel numbers from 0.
  static Wcs pixels(int rank);

  int rank() const;
  WorldKind kind(int axis) const;
  const std::string& ctype(int axis) const;
  const Unit& unit(int axis) const;
  /// CNAME, or the type in lower case: "ra", "dec", "glon", "freq", "vrad", "stokes"; "" for linear axes.
  std::string name(int axis) const;
  std::optional<int> axis_of(WorldKind kind) const;
  bool has_celestial() const { return axis_of(WorldKind::kLongitude).has_value(); }
  bool has_spectral() const { return axis_of(WorldKind::kSpectral).has_value(); }
  const WcsParameters& parameters() const;

  /// Coordinates of points, `rank` numbers a point, axes in C order. Points outside of the projection give NaN.
  /// @throws Error kind internal: size not a multiple of rank
  std::vector<double> pixel_to_world(std::span<const double> pixels) const;
  std::vector<double> world_to_pixel(std::span<const double> world) const;

  /// The axes named, in the order given: permutes and drops. A celestial axis left alone becomes linear (its projection is lost), as does a
  /// coupling to an axis that is dropped.
  Wcs keep_axes(std::span<const int> axes) const;
  Wcs drop_axis(int axis) const;
  /// (latitude, longitude). @throws Error kind user: no celestial axes
  Wcs celestial() const;
  /// The spectral axis alone. @throws Error kind user: no spectral axis
  Wcs spectral() const;
  /// Axes in the order (spectral, latitude, longitude, others such as Stokes) where present; what `keep_axes` takes
  /// to bring a cube in order.
  std::vector<int> cube_order() const;
  /// Of pixels start, start + step, ...: new pixel q is old pixel start + q * step. `step` may be negative, not 0.
  Wcs slice(int axis, Index start, Index step = 1) const;
  /// Of bins of `factor` pixels: new pixel q covers old pixels q * factor to q * factor + factor - 1 and lies at their middle.
  Wcs downsample(int axis, Index factor) const;

  /// Square degrees of a pixel at the reference point (astropy.wcs.utils.proj_plane_pixel_area). @throws Error kind user: no celestial axes
  double pixel_area() const;
  /// sqrt(pixel_area()): degrees, the pixel scale of kernels.
  double pixel_scale() const;
  /// |increment| of world coordinate `axis` a pixel, in its unit (the norm of the row of the matrix): dx of moments.
  double increment(int axis) const;

  /// Of channels 0 to n - 1 at the reference pixel of the sky, in the axis' own unit or the one given.
  /// @throws Error kind user: no spectral axis; unit not convertible without a rest value (see spectral_axis.h)
  std::vector<double> spectral_values(Index n) const;
  std::vector<double> spectral_values(Index n, const Unit& unit) const;
  /// Longitude and latitude (degrees) of every pixel of an image of `ny` rows and `nx` columns; NaN outside of the projection.
  struct Sky {
    std::vector<double> longitude, latitude;
  };
  Sky sky(Index ny, Index nx) const;
  /// Degrees from the first pixel along latitude axis (`along_latitude`) or longitude axis to every pixel, summed step by step on the
  /// sphere, for moments along spatial axes; the rule of spectral-cube, whose steps along a row take both
  /// ends at the latitude of the first.
  std::vector<double> cumulative_separation(bool along_latitude, Index ny, Index nx) const;

  /// WCS cards, 80 characters each, numbers in 17 digits where needed; WCSAXES first. Empty for rank 0.
  std::string to_header_cards() const;
  /// Same types, and parameters equal to `tolerance` (relative to the increments).
  bool same_as(const Wcs& other, double tolerance = 1e-8) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace freestone::astro
