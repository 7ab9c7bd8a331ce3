#include "freestone/astro/wcs.h"

#include <wcslib/wcs.h>
#include <wcslib/wcshdr.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numbers>
#include <numeric>

#include "freestone/base/error.h"
#include "freestone/base/log.h"
#include "freestone/core/box.h"

namespace freestone::astro {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
/// Points that are handed to wcslib at once: its scratch stays small.
constexpr std::size_t kBlock = 8192;

std::string_view type_of(std::string_view ctype) { return ctype.substr(0, std::min<std::size_t>(4, ctype.size())); }

/// The unit in which wcslib takes a spectral type; none when it is not one.
const char* spectral_si_unit(std::string_view ctype) {
  constexpr std::pair<std::string_view, const char*> kUnits[] = {{"FREQ", "Hz"},  {"AFRQ", "rad/s"}, {"ENER", "J"},   {"WAVN", "m-1"},
                                                                 {"VRAD", "m/s"}, {"WAVE", "m"},     {"VOPT", "m/s"}, {"ZOPT", ""},
                                                                 {"AWAV", "m"},   {"VELO", "m/s"},   {"BETA", ""}};
  const bool plain = ctype.size() == 4 || (ctype.size() == 8 && ctype[4] == '-');
  for (const auto& [type, unit] : kUnits)
    if (plain && type_of(ctype) == type) return unit;
  return nullptr;
}

bool is_celestial_type(std::string_view ctype) {
  for (const std::string_view plain : {"RA", "DEC", "GLON", "GLAT", "ELON", "ELAT"})
    if (ctype == plain) return true;
  return ctype.size() >= 8 && ctype[4] == '-' && !spectral_si_unit(ctype);
}

std::string plain_type(const std::string& ctype) { return ctype.substr(0, ctype.find('-')); }

}  // namespace

struct Wcs::State {
  WcsParameters parameters;
  std::vector<double> si;                            ///< factor from an axis' unit to wcslib's, in FITS order
  int longitude = -1, latitude = -1, spectral = -1;  ///< FITS order
  mutable std::mutex mutex;                          ///< wcslib writes into its structure while it converts
  mutable wcsprm* wcs = nullptr;
  int systems = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (wcs) wcsvfree(&systems, &wcs);
  }

  int rank() const { return parameters.rank(); }
  std::size_t fits(int axis) const { return static_cast<std::size_t>(rank() - 1 - axis); }
  double matrix(int i, int j) const {
    return parameters.axes[static_cast<std::size_t>(i)].cdelt * parameters.pc[static_cast<std::size_t>(i * rank() + j)];
  }
};

namespace {

/// Celestial axes in degrees; spectral axes without a unit in SI.
void settle_units(WcsParameters& p) {
  for (std::size_t i = 0; i < p.axes.size(); ++i) {
    WcsParameters::Axis& axis = p.axes[i];
    const char* const si = spectral_si_unit(axis.ctype);
    const bool celestial = is_celestial_type(axis.ctype);
    if (!si && !celestial) continue;
    const Unit standard = Unit::parse(celestial ? "deg" : si);
    if (axis.unit == Unit() && !(standard == Unit())) axis.unit = standard;
    if (!axis.unit.converts_to(standard))
      fail(ErrorKind::kData, "CUNIT{} = '{}' does not fit CTYPE{} = '{}', which takes a unit such as '{}'.", i + 1, axis.unit.to_string(),
           i + 1, axis.ctype, standard.to_string());
    if (!celestial) continue;
    const double factor = conversion_factor(axis.unit, standard);
    axis.crval *= factor, axis.cdelt *= factor;
    axis.unit = standard;
  }
}

}  // namespace

Wcs::Wcs() : Wcs(WcsParameters()) {}

Wcs::Wcs(WcsParameters given) {
  auto state = std::make_shared<State>();
  settle_units(given);
  const int rank = given.rank();
  if (given.pc.size() != static_cast<std::size_t>(rank * rank))
    fail(ErrorKind::kInternal, "WcsParameters: the matrix does not have the size of the axes");
  WcsParameters si = given;
  for (WcsParameters::Axis& axis : si.axes) {
    const char* const unit = spectral_si_unit(axis.ctype);
    const double factor = unit ? conversion_factor(axis.unit, Unit::parse(unit)) : 1;
    axis.crval *= factor, axis.cdelt *= factor;
    // Units that wcslib need not know are kept from it.
    axis.unit = unit ? Unit::parse(unit) : is_celestial_type(axis.ctype) ? axis.unit : Unit();
    state->si.push_back(factor);
  }
  state->parameters = std::move(given);
  if (rank > 0) {
    std::string cards = write_wcs_cards(si);
    int rejected = 0;
    int status = wcspih(cards.data(), static_cast<int>(cards.size() / 80), WCSHDR_all, 0, &rejected, &state->systems, &state->wcs);
    if (status != 0 || state->systems < 1 || state->wcs->naxis != rank)
      fail(ErrorKind::kData, "The WCS could not be read: {}.", status != 0 ? wcshdr_errmsg[status] : "its axes are contradictory");
    status = wcsset(state->wcs);
    if (status != 0) {
      std::string types;
      for (const auto& axis : state->parameters.axes) types += (types.empty() ? "" : ", ") + (axis.ctype.empty() ? "(linear)" : axis.ctype);
      fail(ErrorKind::kData, "The WCS with axes {} makes no sense: {}. Check CTYPE, CDELT, PC or CD, and RESTFRQ.", types,
           wcs_errmsg[status]);
    }
    state->spectral = state->wcs->spec;
    // One of them alone is a plain angle.
    if (state->wcs->lng >= 0 && state->wcs->lat >= 0) state->longitude = state->wcs->lng, state->latitude = state->wcs->lat;
  }
  state_ = std::move(state);
}

Wcs Wcs::from_cards(std::string_view cards, int rank) { return Wcs(read_wcs_cards(cards, rank)); }

Wcs Wcs::pixels(int rank) {
  WcsParameters p;
  p.axes.resize(static_cast<std::size_t>(rank));
  p.pc.assign(static_cast<std::size_t>(rank * rank), 0.0);
  for (int i = 0; i < rank; ++i) {
    p.axes[static_cast<std::size_t>(i)].crpix = 1;
    p.pc[static_cast<std::size_t>(i * rank + i)] = 1;
  }
  return Wcs(std::move(p));
}

int Wcs::rank() const { return state_->rank(); }
const WcsParameters& Wcs::parameters() const { return state_->parameters; }
const std::string& Wcs::ctype(int axis) const { return state_->parameters.axes[state_->fits(normal_axis(axis, rank()))].ctype; }
const Unit& Wcs::unit(int axis) const { return state_->parameters.axes[state_->fits(normal_axis(axis, rank()))].unit; }

WorldKind Wcs::kind(int axis) const {
  const int fits = static_cast<int>(state_->fits(normal_axis(axis, rank())));
  if (fits == state_->longitude) return WorldKind::kLongitude;
  if (fits == state_->latitude) return WorldKind::kLatitude;
  if (fits == state_->spectral) return WorldKind::kSpectral;
  return state_->parameters.axes[static_cast<std::size_t>(fits)].ctype == "STOKES" ? WorldKind::kStokes : WorldKind::kLinear;
}

std::string Wcs::name(int axis) const {
  const WcsParameters::Axis& a = state_->parameters.axes[state_->fits(normal_axis(axis, rank()))];
  std::string name = a.name.empty() ? plain_type(a.ctype) : a.name;
  if (a.name.empty()) std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

std::optional<int> Wcs::axis_of(WorldKind wanted) const {
  for (int axis = 0; axis < rank(); ++axis)
    if (kind(axis) == wanted) return axis;
  return std::nullopt;
}

std::vector<double> Wcs::pixel_to_world(std::span<const double> pixels) const {
  const std::size_t n = static_cast<std::size_t>(rank());
  std::vector<double> out(pixels.size());
  if (n == 0 || pixels.empty()) return out;
  ensure(pixels.size() % n == 0, "pixel_to_world: the number of coordinates is not a multiple of the rank");
  const std::size_t count = pixels.size() / n;
  const std::size_t block = std::min(kBlock, count);
  std::vector<double> pixel(block * n), intermediate(block * n), world(block * n), phi(block), theta(block);
  std::vector<int> status(block);
  const std::lock_guard lock(state_->mutex);
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t points = std::min(block, count - first);
    for (std::size_t p = 0; p < points; ++p)
      for (std::size_t i = 0; i < n; ++i) pixel[p * n + i] = pixels[(first + p) * n + n - 1 - i] + 1;
    const int result = wcsp2s(state_->wcs, static_cast<int>(points), static_cast<int>(n), pixel.data(), intermediate.data(), phi.data(),
                              theta.data(), world.data(), status.data());
    if (result != 0 && result != WCSERR_BAD_PIX) fail(ErrorKind::kData, "World coordinates could not be computed: {}.", wcs_errmsg[result]);
    for (std::size_t p = 0; p < points; ++p)
      for (std::size_t i = 0; i < n; ++i) {
        const bool invalid = result != 0 && (status[p] & (1 << i)) != 0;
        out[(first + p) * n + n - 1 - i] = invalid ? kNan : world[p * n + i] / state_->si[i];
      }
  }
  return out;
}

std::vector<double> Wcs::world_to_pixel(std::span<const double> world) const {
  const std::size_t n = static_cast<std::size_t>(rank());
  std::vector<double> out(world.size());
  if (n == 0 || world.empty()) return out;
  ensure(world.size() % n == 0, "world_to_pixel: the number of coordinates is not a multiple of the rank");
  const std::size_t count = world.size() / n;
  const std::size_t block = std::min(kBlock, count);
  std::vector<double> pixel(block * n), intermediate(block * n), given(block * n), phi(block), theta(block);
  std::vector<int> status(block);
  const std::lock_guard lock(state_->mutex);
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t points = std::min(block, count - first);
    for (std::size_t p = 0; p < points; ++p)
      for (std::size_t i = 0; i < n; ++i) given[p * n + i] = world[(first + p) * n + n - 1 - i] * state_->si[i];
    const int result = wcss2p(state_->wcs, static_cast<int>(points), static_cast<int>(n), given.data(), phi.data(), theta.data(),
                              intermediate.data(), pixel.data(), status.data());
    if (result != 0 && result != WCSERR_BAD_WORLD)
      fail(ErrorKind::kData, "Pixel coordinates could not be computed: {}.", wcs_errmsg[result]);
    for (std::size_t p = 0; p < points; ++p)
      for (std::size_t i = 0; i < n; ++i) {
        const bool invalid = result != 0 && status[p] != 0;
        out[(first + p) * n + n - 1 - i] = invalid ? kNan : pixel[p * n + i] - 1;
      }
  }
  return out;
}

Wcs Wcs::keep_axes(std::span<const int> axes) const {
  const WcsParameters& old = state_->parameters;
  const std::size_t n = axes.size();
  std::vector<std::size_t> from(n);  // FITS order, new to old
  for (std::size_t i = 0; i < n; ++i) from[i] = state_->fits(normal_axis(axes[n - 1 - i], rank()));
  for (std::size_t i = 0; i < n; ++i)
    if (std::count(from.begin(), from.end(), from[i]) != 1) fail(ErrorKind::kUser, "keep_axes: axis {} is named twice.", axes[n - 1 - i]);
  const auto keeps = [&](int fits) {
    return fits >= 0 && std::find(from.begin(), from.end(), static_cast<std::size_t>(fits)) != from.end();
  };
  const bool keeps_sky = keeps(state_->longitude) && keeps(state_->latitude);

  WcsParameters p = old;
  p.axes.clear();
  p.pc.assign(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    p.axes.push_back(old.axes[from[i]]);
    if (!keeps_sky && is_celestial_type(p.axes[i].ctype)) p.axes[i].ctype = plain_type(p.axes[i].ctype), p.axes[i].pv.clear();
    for (std::size_t j = 0; j < n; ++j) p.pc[i * n + j] = old.pc[from[i] * old.axes.size() + from[j]];
  }
  if (!keeps_sky) p.lonpole.reset(), p.latpole.reset();
  // SIP names the first two axes.
  const bool sip_holds = keeps_sky && n >= 2 && from[0] == 0 && from[1] == 1;
  if (!sip_holds && !p.distortion_cards.empty()) {
    p.distortion_cards.clear();
    for (auto& axis : p.axes)
      if (axis.ctype.ends_with("-SIP")) axis.ctype.resize(axis.ctype.size() - 4);
    if (keeps_sky) log(LogLevel::kWarning, "The SIP distortion of the WCS is left out: its axes have changed places.");
  }
  return Wcs(std::move(p));
}

Wcs Wcs::drop_axis(int axis) const {
  const int dropped = normal_axis(axis, rank());
  std::vector<int> kept;
  for (int i = 0; i < rank(); ++i)
    if (i != dropped) kept.push_back(i);
  return keep_axes(kept);
}

Wcs Wcs::celestial() const {
  const auto latitude = axis_of(WorldKind::kLatitude), longitude = axis_of(WorldKind::kLongitude);
  if (!latitude || !longitude) fail(ErrorKind::kUser, "There are no celestial axes (such as RA---TAN and DEC--TAN) in this WCS.");
  const int axes[] = {*latitude, *longitude};
  return keep_axes(axes);
}

Wcs Wcs::spectral() const {
  const auto axis = axis_of(WorldKind::kSpectral);
  if (!axis) fail(ErrorKind::kUser, "There is no spectral axis (such as FREQ, VRAD or WAVE) in this WCS.");
  const int axes[] = {*axis};
  return keep_axes(axes);
}

std::vector<int> Wcs::cube_order() const {
  std::vector<int> order;
  for (const WorldKind wanted : {WorldKind::kSpectral, WorldKind::kLatitude, WorldKind::kLongitude})
    if (const auto axis = axis_of(wanted)) order.push_back(*axis);
  for (int axis = 0; axis < rank(); ++axis)
    if (std::find(order.begin(), order.end(), axis) == order.end()) order.push_back(axis);
  return order;
}

namespace {

/// Pixels of axis `fits` become `factor` times as large; its pixel `crpix` is the new reference.
void scale_pixels(WcsParameters& p, std::size_t fits, double factor, double crpix) {
  const std::size_t n = p.axes.size();
  p.axes[fits].crpix = crpix;
  p.axes[fits].cdelt *= factor;
  for (std::size_t k = 0; k < n; ++k) {
    if (k == fits) continue;
    p.pc[fits * n + k] /= factor;
    p.pc[k * n + fits] *= factor;
  }
  if (factor != 1 && !p.distortion_cards.empty() && fits < 2) {
    p.distortion_cards.clear();
    for (auto& axis : p.axes)
      if (axis.ctype.ends_with("-SIP")) axis.ctype.resize(axis.ctype.size() - 4);
    log(LogLevel::kWarning, "The SIP distortion of the WCS is left out: the pixels have another size now.");
  }
}

}  // namespace

Wcs Wcs::slice(int axis, Index start, Index step) const {
  if (step == 0) fail(ErrorKind::kUser, "A slice with step 0 has no end. Use 1, or -1 to reverse.");
  WcsParameters p = state_->parameters;
  const std::size_t fits = state_->fits(normal_axis(axis, rank()));
  const double s = static_cast<double>(step);
  scale_pixels(p, fits, s, 1 + (p.axes[fits].crpix - 1 - static_cast<double>(start)) / s);
  return Wcs(std::move(p));
}

Wcs Wcs::downsample(int axis, Index factor) const {
  if (factor < 1) fail(ErrorKind::kUser, "A downsampling factor of {} makes no sense: it is the number of pixels that become one.", factor);
  WcsParameters p = state_->parameters;
  const std::size_t fits = state_->fits(normal_axis(axis, rank()));
  const double f = static_cast<double>(factor);
  scale_pixels(p, fits, f, (p.axes[fits].crpix - 0.5) / f + 0.5);
  return Wcs(std::move(p));
}

double Wcs::pixel_area() const {
  const int x = state_->longitude, y = state_->latitude;
  if (x < 0 || y < 0) fail(ErrorKind::kUser, "There is no pixel area on the sky: this WCS has no celestial axes.");
  return std::abs(state_->matrix(x, x) * state_->matrix(y, y) - state_->matrix(x, y) * state_->matrix(y, x));
}

double Wcs::pixel_scale() const { return std::sqrt(pixel_area()); }

double Wcs::increment(int axis) const {
  const int fits = static_cast<int>(state_->fits(normal_axis(axis, rank())));
  double norm = 0;
  for (int j = 0; j < rank(); ++j) norm = std::hypot(norm, state_->matrix(fits, j));
  return norm;
}

std::vector<double> Wcs::spectral_values(Index n) const {
  const auto axis = axis_of(WorldKind::kSpectral);
  if (!axis) fail(ErrorKind::kUser, "There is no spectral axis (such as FREQ, VRAD or WAVE) in this WCS.");
  const std::size_t r = static_cast<std::size_t>(rank());
  std::vector<double> pixels(static_cast<std::size_t>(n) * r);
  for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k) {
    for (std::size_t a = 0; a < r; ++a) pixels[k * r + a] = state_->parameters.axes[state_->fits(static_cast<int>(a))].crpix - 1;
    pixels[k * r + static_cast<std::size_t>(*axis)] = static_cast<double>(k);
  }
  const std::vector<double> world = pixel_to_world(pixels);
  std::vector<double> values(static_cast<std::size_t>(n));
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = world[k * r + static_cast<std::size_t>(*axis)];
  return values;
}

Wcs::Sky Wcs::sky(Index ny, Index nx) const {
  const auto latitude = axis_of(WorldKind::kLatitude), longitude = axis_of(WorldKind::kLongitude);
  if (!latitude || !longitude) fail(ErrorKind::kUser, "There are no celestial axes (such as RA---TAN and DEC--TAN) in this WCS.");
  const std::size_t r = static_cast<std::size_t>(rank()), count = static_cast<std::size_t>(ny * nx);
  Sky sky{std::vector<double>(count), std::vector<double>(count)};
  std::vector<double> row(static_cast<std::size_t>(nx) * r, 0.0);
  for (Index y = 0; y < ny; ++y) {
    for (std::size_t x = 0; x < static_cast<std::size_t>(nx); ++x) {
      row[x * r + static_cast<std::size_t>(*longitude)] = static_cast<double>(x);
      row[x * r + static_cast<std::size_t>(*latitude)] = static_cast<double>(y);
    }
    const std::vector<double> world = pixel_to_world(row);
    for (std::size_t x = 0; x < static_cast<std::size_t>(nx); ++x) {
      const std::size_t at = static_cast<std::size_t>(y * nx) + x;
      sky.longitude[at] = world[x * r + static_cast<std::size_t>(*longitude)];
      sky.latitude[at] = world[x * r + static_cast<std::size_t>(*latitude)];
    }
  }
  return sky;
}

namespace {

/// Degrees between two points on the sphere, by Vincenty's formula, exact at all distances.
double separation(double lon1, double lat1, double lon2, double lat2) {
  const double turn = (lon2 - lon1) * kDegree, a = lat1 * kDegree, b = lat2 * kDegree;
  const double s1 = std::sin(a), c1 = std::cos(a), s2 = std::sin(b), c2 = std::cos(b);
  const double st = std::sin(turn), ct = std::cos(turn);
  return std::atan2(std::hypot(c2 * st, c1 * s2 - s1 * c2 * ct), s1 * s2 + c1 * c2 * ct) / kDegree;
}

}  // namespace

std::vector<double> Wcs::cumulative_separation(bool along_latitude, Index ny, Index nx) const {
  const Sky points = sky(ny, nx);
  std::vector<double> out(points.longitude.size(), 0.0);
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      if (along_latitude ? y == 0 : x == 0) continue;
      const std::size_t here = static_cast<std::size_t>(y * nx + x),
                        before = along_latitude ? here - static_cast<std::size_t>(nx) : here - 1;
      const double latitude = along_latitude ? points.latitude[here] : points.latitude[before];
      out[here] = out[before] + separation(points.longitude[before], points.latitude[before], points.longitude[here], latitude);
    }
  }
  return out;
}

std::string Wcs::to_header_cards() const { return write_wcs_cards(state_->parameters); }

bool Wcs::same_as(const Wcs& other, double tolerance) const {
  const WcsParameters &a = state_->parameters, &b = other.state_->parameters;
  if (a.axes.size() != b.axes.size() || a.distortion_cards != b.distortion_cards) return false;
  for (std::size_t i = 0; i < a.axes.size(); ++i) {
    const WcsParameters::Axis &p = a.axes[i], &q = b.axes[i];
    if (p.ctype != q.ctype || !p.unit.converts_to(q.unit)) return false;
    const double factor = conversion_factor(q.unit, p.unit), limit = tolerance * std::abs(p.cdelt);
    if (std::abs(p.crpix - q.crpix) > tolerance || std::abs(p.crval - q.crval * factor) > limit) return false;
    for (std::size_t j = 0; j < a.axes.size(); ++j)
      if (std::abs(p.cdelt * a.pc[i * a.axes.size() + j] - factor * q.cdelt * b.pc[i * a.axes.size() + j]) > limit) return false;
  }
  return true;
}

}  // namespace freestone::astro
