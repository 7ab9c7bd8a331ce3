#include <wcslib/spc.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "freestone/astro/header.h"
#include "freestone/astro/wcs.h"
#include "freestone/base/error.h"
#include "freestone/base/log.h"

namespace freestone::astro {
namespace {

constexpr int kMostPv = 100;
constexpr int kHighestSipOrder = 9;

std::string key(const char* stem, int axis) { return fmt::format("{}{}", stem, axis + 1); }
std::string key(const char* stem, int row, int column) { return fmt::format("{}{}_{}", stem, row + 1, column + 1); }

bool is_celestial_type(const std::string& ctype) { return ctype.size() >= 8 && ctype[4] == '-'; }

/// PCi_j or CDi_j, also as PC001002.
std::optional<double> matrix_element(const FitsHeader& header, const char* stem, int row, int column) {
  if (const auto value = header.number(key(stem, row, column))) return value;
  return header.number(fmt::format("{}{:03d}{:03d}", stem, row + 1, column + 1));
}

/// Types of AIPS and of long habit in those of the standard: "VELO-LSR" is VRAD or VOPT by VELREF, in the frame LSRK.
void make_types_regular(WcsParameters& wcs, int velref) {
  for (WcsParameters::Axis& axis : wcs.axes) {
    if (axis.ctype == "VELOCITY") axis.ctype = "VELO";
    if (axis.ctype == "WAVELENG" || axis.ctype == "LAMBDA") axis.ctype = "WAVE";
    if (axis.ctype.ends_with("-TAB")) {
      log(LogLevel::kWarning, "The axis of type {} needs a lookup table, which is not read: its coordinates are linear.", axis.ctype);
      axis.ctype.clear();
    }
    char given[9] = {}, regular[9] = {}, frame[9] = {};
    fmt::format_to_n(given, 8, "{:<8}", axis.ctype);
    if (spcaips(given, velref, regular, frame) != 0) continue;
    axis.ctype = regular;
    while (!axis.ctype.empty() && axis.ctype.back() == ' ') axis.ctype.pop_back();
    if (wcs.specsys.empty()) wcs.specsys = frame;
    while (!wcs.specsys.empty() && wcs.specsys.back() == ' ') wcs.specsys.pop_back();
  }
}

/// The matrix by CDi_j; rows without any element stay as CDELT has them.
void read_cd(const FitsHeader& header, WcsParameters& wcs) {
  const int rank = wcs.rank();
  for (int row = 0; row < rank; ++row) {
    std::vector<double> elements(static_cast<std::size_t>(rank), 0.0);
    bool any = false;
    for (int column = 0; column < rank; ++column)
      if (const auto value = matrix_element(header, "CD", row, column)) elements[static_cast<std::size_t>(column)] = *value, any = true;
    if (!any) continue;
    double& cdelt = wcs.axes[static_cast<std::size_t>(row)].cdelt;
    double norm = 0;
    int elements_set = 0;
    for (const double e : elements) norm = std::hypot(norm, e), elements_set += e != 0;
    const double diagonal = elements[static_cast<std::size_t>(row)];
    // A lone diagonal element stays exactly what it was.
    cdelt = elements_set == 1 && diagonal != 0 ? diagonal : std::copysign(norm, diagonal);
    for (int column = 0; column < rank; ++column)
      wcs.pc[static_cast<std::size_t>(row * rank + column)] = cdelt == 0 ? 0 : elements[static_cast<std::size_t>(column)] / cdelt;
  }
}

/// AIPS' rotation of the plane, given with the latitude axis.
void read_crota(const FitsHeader& header, WcsParameters& wcs) {
  const int rank = wcs.rank();
  int latitude = -1, longitude = -1;
  for (int i = 0; i < rank; ++i) {
    const std::string& type = wcs.axes[static_cast<std::size_t>(i)].ctype;
    if (!is_celestial_type(type)) continue;
    const bool is_latitude = type.starts_with("DEC-") || type.substr(1, 3) == "LAT" || type.substr(2, 2) == "LT";
    const bool is_longitude = type.starts_with("RA--") || type.substr(1, 3) == "LON" || type.substr(2, 2) == "LN";
    if (is_latitude) latitude = i;
    if (is_longitude) longitude = i;
  }
  if (latitude < 0 || longitude < 0) return;
  const double angle =
      header.number(key("CROTA", latitude)).value_or(header.number(key("CROTA", longitude)).value_or(0)) * std::numbers::pi / 180;
  if (angle == 0) return;
  const double x = wcs.axes[static_cast<std::size_t>(longitude)].cdelt, y = wcs.axes[static_cast<std::size_t>(latitude)].cdelt;
  const auto at = [&](int i, int j) -> double& { return wcs.pc[static_cast<std::size_t>(i * rank + j)]; };
  at(longitude, longitude) = at(latitude, latitude) = std::cos(angle);
  at(longitude, latitude) = -std::sin(angle) * y / x;
  at(latitude, longitude) = std::sin(angle) * x / y;
}

std::string read_distortion(const FitsHeader& header) {
  std::string cards;
  for (const char* stem : {"A", "B", "AP", "BP"}) {
    const auto order = header.integer(fmt::format("{}_ORDER", stem));
    if (!order || *order < 1 || *order > kHighestSipOrder) continue;
    cards += format_card(fmt::format("{}_ORDER", stem), *order);
    for (Index p = 0; p <= *order; ++p)
      for (Index q = 0; p + q <= *order; ++q) {
        const std::string name = fmt::format("{}_{}_{}", stem, p, q);
        if (const auto value = header.number(name)) cards += format_card(name, *value);
      }
  }
  return cards;
}

}  // namespace

WcsParameters read_wcs_cards(std::string_view cards, int rank) {
  const FitsHeader header = FitsHeader::parse(cards);
  WcsParameters wcs;
  wcs.axes.resize(static_cast<std::size_t>(rank));
  wcs.pc.assign(static_cast<std::size_t>(rank * rank), 0.0);
  bool with_cd = false;
  for (int i = 0; i < rank; ++i) {
    WcsParameters::Axis& axis = wcs.axes[static_cast<std::size_t>(i)];
    axis.ctype = header.text(key("CTYPE", i)).value_or("");
    std::transform(axis.ctype.begin(), axis.ctype.end(), axis.ctype.begin(), [](unsigned char c) { return std::toupper(c); });
    axis.name = header.text(key("CNAME", i)).value_or("");
    axis.unit = Unit::parse_or_opaque(header.text(key("CUNIT", i)).value_or(""));
    axis.crpix = header.number(key("CRPIX", i)).value_or(0);
    axis.crval = header.number(key("CRVAL", i)).value_or(0);
    axis.cdelt = header.number(key("CDELT", i)).value_or(1);
    // A degenerate axis (Stokes, say) is often written with increment 0.
    if (axis.cdelt == 0 && !is_celestial_type(axis.ctype)) axis.cdelt = 1;
    for (int m = 0; m < kMostPv; ++m)
      if (const auto value = header.number(fmt::format("PV{}_{}", i + 1, m))) axis.pv.emplace_back(m, *value);
    for (int j = 0; j < rank; ++j) {
      wcs.pc[static_cast<std::size_t>(i * rank + j)] = matrix_element(header, "PC", i, j).value_or(i == j ? 1 : 0);
      with_cd = with_cd || matrix_element(header, "CD", i, j).has_value();
    }
  }
  bool with_pc = false;
  for (int i = 0; i < rank; ++i)
    for (int j = 0; j < rank; ++j) with_pc = with_pc || matrix_element(header, "PC", i, j).has_value();

  const auto first_text = [&](const char* a, const char* b) { return header.text(a).value_or(header.text(b).value_or("")); };
  const auto positive = [&](const char* name) {
    const auto value = header.number(name);
    return value && *value > 0 ? value : std::nullopt;
  };
  wcs.restfrq = positive("RESTFRQ") ? positive("RESTFRQ") : positive("RESTFREQ");
  wcs.restwav = positive("RESTWAV");
  wcs.lonpole = header.number("LONPOLE");
  wcs.latpole = header.number("LATPOLE");
  wcs.equinox = header.number("EQUINOX") ? header.number("EQUINOX") : header.number("EPOCH");
  wcs.velosys = header.number("VELOSYS");
  wcs.zsource = header.number("ZSOURCE");
  wcs.radesys = first_text("RADESYS", "RADECSYS");
  wcs.specsys = header.text("SPECSYS").value_or("");
  wcs.ssysobs = header.text("SSYSOBS").value_or("");
  wcs.ssyssrc = header.text("SSYSSRC").value_or("");
  make_types_regular(wcs, static_cast<int>(std::clamp<Index>(header.integer("VELREF").value_or(0), 0, 1000)));
  if (with_cd)
    read_cd(header, wcs);
  else if (!with_pc)
    read_crota(header, wcs);
  const bool is_sip = std::any_of(wcs.axes.begin(), wcs.axes.end(), [](const auto& a) { return a.ctype.ends_with("-SIP"); });
  if (is_sip) wcs.distortion_cards = read_distortion(header);
  return wcs;
}

std::string write_wcs_cards(const WcsParameters& wcs) {
  const int rank = wcs.rank();
  if (rank == 0) return "";
  FitsHeader header;
  header.set("WCSAXES", Index{rank}, "number of WCS axes");
  for (int i = 0; i < rank; ++i) {
    const WcsParameters::Axis& axis = wcs.axes[static_cast<std::size_t>(i)];
    if (!axis.ctype.empty()) header.set(key("CTYPE", i), axis.ctype);
    if (!axis.name.empty()) header.set(key("CNAME", i), axis.name);
    if (const std::string unit = axis.unit.to_string(); !unit.empty()) header.set(key("CUNIT", i), unit);
    header.set(key("CRPIX", i), axis.crpix, "reference pixel");
    header.set(key("CDELT", i), axis.cdelt, "increment");
    header.set(key("CRVAL", i), axis.crval, "value at the reference pixel");
    for (const auto& [m, value] : axis.pv) header.set(fmt::format("PV{}_{}", i + 1, m), value);
  }
  for (int i = 0; i < rank; ++i)
    for (int j = 0; j < rank; ++j)
      if (const double value = wcs.pc[static_cast<std::size_t>(i * rank + j)]; value != (i == j ? 1 : 0))
        header.set(key("PC", i, j), value);
  const auto set_number = [&](const char* name, const std::optional<double>& value, const char* comment) {
    if (value) header.set(name, *value, comment);
  };
  const auto set_text = [&](const char* name, const std::string& value) {
    if (!value.empty()) header.set(name, value);
  };
  set_number("LONPOLE", wcs.lonpole, "[deg] native longitude of the celestial pole");
  set_number("LATPOLE", wcs.latpole, "[deg] native latitude of the celestial pole");
  set_text("RADESYS", wcs.radesys);
  set_number("EQUINOX", wcs.equinox, "[yr] equinox");
  set_number("RESTFRQ", wcs.restfrq, "[Hz] rest frequency");
  set_number("RESTWAV", wcs.restwav, "[m] rest wavelength in vacuum");
  set_text("SPECSYS", wcs.specsys);
  set_text("SSYSOBS", wcs.ssysobs);
  set_text("SSYSSRC", wcs.ssyssrc);
  set_number("VELOSYS", wcs.velosys, "[m/s] velocity towards the source");
  set_number("ZSOURCE", wcs.zsource, "redshift of the source");
  return header.format() + wcs.distortion_cards;
}

}  // namespace freestone::astro
