#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "freestone/base/log.h"
#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/casa_coordinates.h"
#include "freestone/formats/fits_card.h"

namespace freestone::formats::casa {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;
// casacore's word for a pole that nobody gave.
constexpr double kNoPole = 999;

std::shared_ptr<Record> shared(Record record) { return std::make_shared<Record>(std::move(record)); }
Numbers doubles(std::vector<double> values) {
  return {Type::kDouble, {static_cast<Index>(values.size())}, std::move(values)};
}
Numbers integers(std::vector<double> values) { return {Type::kInt, {static_cast<Index>(values.size())}, std::move(values)}; }
Texts texts(std::vector<std::string> values) { return {{static_cast<Index>(values.size())}, std::move(values)}; }

std::shared_ptr<Record> quantity(double value, std::string unit) {
  Record out;
  out.set("value", value);
  out.set("unit", std::move(unit));
  return shared(std::move(out));
}

/// The cards by keyword; the first of a name counts.
class Header {
 public:
  explicit Header(const std::string& cards) : attributes_(fits::parse_cards(fits::sanitised_cards(cards))) {
    for (const Attribute& attribute : attributes_) by_key_.try_emplace(attribute.key, &attribute);
  }
  std::optional<double> number(const std::string& key) {
    const AttributeValue* value = take(key);
    return value == nullptr ? std::nullopt : number_of(*value);
  }
  std::string text(const std::string& key) {
    const AttributeValue* value = take(key);
    const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
    if (text == nullptr) return "";
    const auto last = text->find_last_not_of(' ');
    return last == std::string::npos ? "" : text->substr(0, last + 1);
  }
  void drop(const std::string& key) { taken_.insert(key); }
  /// What nobody asked for.
  std::vector<const Attribute*> rest() const {
    std::vector<const Attribute*> out;
    for (const Attribute& attribute : attributes_) {
      if (!taken_.contains(attribute.key) && by_key_.at(attribute.key) == &attribute) out.push_back(&attribute);
    }
    return out;
  }

 private:
  const AttributeValue* take(const std::string& key) {
    taken_.insert(key);
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? nullptr : &at->second->value;
  }
  std::vector<Attribute> attributes_;
  std::map<std::string, const Attribute*> by_key_;
  std::set<std::string> taken_;
};

struct Axis {
  std::string type, unit;
  double value = 0, pixel = 0, step = 1;  ///< pixels from 0
  Index length = 1;
};

/// Metres, hertz or metres a second of a spectral unit, or degrees of an angle; 1 for those, 0 for what is neither.
double factor_of(const std::string& unit) {
  static const std::map<std::string, double> kFactors = {
      {"", 1},      {"Hz", 1},     {"kHz", 1e3},   {"MHz", 1e6},   {"GHz", 1e9},  {"THz", 1e12},         {"m/s", 1},
      {"km/s", 1e3}, {"cm/s", 1e-2}, {"m s-1", 1},   {"km s-1", 1e3}, {"m", 1},     {"cm", 1e-2},          {"mm", 1e-3},
      {"um", 1e-6}, {"nm", 1e-9},  {"Angstrom", 1e-10}, {"deg", 1}, {"rad", kDegree}, {"arcmin", 1.0 / 60}, {"arcsec", 1.0 / 3600},
      {"mas", 1.0 / 3600e3}};
  const auto at = kFactors.find(unit);
  return at == kFactors.end() ? 0 : at->second;
}

std::vector<double> matrix_of(Header& header, std::vector<Axis>& axes) {
  const std::size_t n = axes.size();
  std::vector<double> pc(n * n);
  bool has_cd = false;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      pc[i * n + j] = header.number(fmt::format("PC{}_{}", i + 1, j + 1)).value_or(i == j ? 1 : 0);
      if (const auto cd = header.number(fmt::format("CD{}_{}", i + 1, j + 1))) {
        if (!has_cd) std::fill(pc.begin(), pc.end(), 0);
        has_cd = true;
        pc[i * n + j] = *cd;
      }
    }
  }
  for (Axis& axis : axes) axis.step = has_cd ? 1 : axis.step;
  return pc;
}

/// Makes the records of coordinates, and of which axes they are.
class Coordinates {
 public:
  Coordinates(Header& header, std::vector<Axis> axes, std::vector<double> pc) : header_(header), axes_(std::move(axes)), pc_(std::move(pc)) {}

  Record make() {
    std::vector<bool> done(axes_.size(), false);
    const auto longitude = sky_axis({"RA--", "GLON", "ELON", "SLON"}), latitude = sky_axis({"DEC-", "GLAT", "ELAT", "SLAT"});
    if (longitude && latitude && axes_[*longitude].type.size() > 5) {
      add("direction", {*longitude, *latitude}, direction(*longitude, *latitude));
      done[*longitude] = done[*latitude] = true;
    }
    const double rest = header_.number("RESTFRQ").value_or(header_.number("RESTFREQ").value_or(0));
    const std::string system = header_.text("SPECSYS");
    bool has_spectral = false, has_stokes = false;
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      if (done[k]) continue;
      if (axes_[k].type == "STOKES" && !has_stokes) {
        if (auto record = stokes(axes_[k])) {
          add("stokes", {k}, std::move(*record));
          done[k] = has_stokes = true;
        }
      } else if (!has_spectral) {
        if (auto record = spectral(axes_[k], rest, system)) {
          add("spectral", {k}, std::move(*record));
          done[k] = has_spectral = true;
        }
      }
    }
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      if (!done[k]) add("linear", {k}, linear(axes_[k]));
    }
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      for (std::size_t j = 0; j < axes_.size(); ++j) {
        const bool is_kept = i == j || (longitude && latitude && (i == *longitude || i == *latitude) && (j == *longitude || j == *latitude));
        if (!is_kept && pc(i, j) != 0) {
          log(LogLevel::kWarning, "The coordinates of CASA images do not mix axes {} and {} (PC{}_{} = {}): that is lost.", i + 1, j + 1, i + 1, j + 1, pc(i, j));
        }
      }
    }
    return std::move(out_);
  }

 private:
  double pc(std::size_t i, std::size_t j) const { return pc_[i * axes_.size() + j]; }

  std::optional<std::size_t> sky_axis(std::initializer_list<std::string_view> prefixes) const {
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      for (const std::string_view prefix : prefixes) {
        if (axes_[k].type.starts_with(prefix)) return k;
      }
    }
    return std::nullopt;
  }

  void add(const char* kind, const std::vector<std::size_t>& axes, Record record) {
    std::vector<double> world, pixels, values, nothing(axes.size(), 0);
    if (const Numbers* reference = record.numbers("crval")) values = reference->values;
    values.resize(axes.size(), spectral_reference_);
    for (const std::size_t axis : axes) {
      world.push_back(static_cast<double>(world_axes_++));
      pixels.push_back(static_cast<double>(axis));
    }
    out_.set(fmt::format("{}{}", kind, count_), shared(std::move(record)));
    out_.set(fmt::format("worldmap{}", count_), integers(world));
    out_.set(fmt::format("worldreplace{}", count_), doubles(values));
    out_.set(fmt::format("pixelmap{}", count_), integers(pixels));
    out_.set(fmt::format("pixelreplace{}", count_), doubles(nothing));
    ++count_;
  }

  Record direction(std::size_t longitude, std::size_t latitude) {
    const std::string& type = axes_[longitude].type;
    const std::string radesys = header_.text("RADESYS");
    const double equinox = header_.number("EQUINOX").value_or(radesys == "FK4" ? 1950 : 2000);
    std::string system = type.starts_with("GLON") ? "GALACTIC" : type.starts_with("ELON") ? "ECLIPTIC" : type.starts_with("SLON") ? "SUPERGAL" : "ICRS";
    if (system == "ICRS" && (radesys.starts_with("FK4") || (radesys.empty() && equinox < 1984))) system = "B1950";
    if (system == "ICRS" && (radesys == "FK5" || (radesys.empty() && has_equinox_))) system = "J2000";
    const std::string projection = type.substr(5, 3);
    std::vector<double> parameters(projection == "SIN" ? 2 : 0, 0);
    const int first = projection == "ZPN" ? 0 : 1;
    for (int m = 0; m < 30; ++m) {
      const auto value = header_.number(fmt::format("PV{}_{}", latitude + 1, m));
      if (!value || m < first) continue;
      parameters.resize(std::max(parameters.size(), static_cast<std::size_t>(m - first + 1)), 0);
      parameters[static_cast<std::size_t>(m - first)] = *value;
    }
    Record out;
    out.set("system", system);
    out.set("projection", projection);
    out.set("projection_parameters", doubles(parameters));
    std::vector<double> value, pixel, step;
    for (const std::size_t k : {longitude, latitude}) {
      const double factor = std::max(factor_of(axes_[k].unit), 0.0) == 0 ? 1 : factor_of(axes_[k].unit);
      value.push_back(axes_[k].value * factor / kDegree);
      pixel.push_back(axes_[k].pixel);
      step.push_back(axes_[k].step * factor / kDegree);
    }
    out.set("crval", doubles(value));
    out.set("crpix", doubles(pixel));
    out.set("cdelt", doubles(step));
    out.set("pc", Numbers{Type::kDouble, {2, 2}, {pc(longitude, longitude), pc(longitude, latitude), pc(latitude, longitude), pc(latitude, latitude)}});
    const bool equatorial = system == "ICRS" || system == "B1950" || system == "J2000";
    out.set("axes", texts(equatorial ? std::vector<std::string>{"Right Ascension", "Declination"} : std::vector<std::string>{"Longitude", "Latitude"}));
    out.set("units", texts({"rad", "rad"}));
    out.set("conversionSystem", system);
    out.set("longpole", header_.number("LONPOLE").value_or(kNoPole));
    out.set("latpole", header_.number("LATPOLE").value_or(kNoPole));
    return out;
  }

  std::optional<Record> spectral(const Axis& axis, double rest, const std::string& specsys) {
    static const std::map<std::string, Spectral> kTypes = {{"FREQ", Spectral::kFrequency},  {"VRAD", Spectral::kRadioVelocity},
                                                           {"VOPT", Spectral::kOpticalVelocity}, {"BETA", Spectral::kBeta},
                                                           {"WAVE", Spectral::kWavelength}, {"AWAV", Spectral::kAirWavelength}};
    const auto at = kTypes.find(axis.type.substr(0, 4));
    const double factor = factor_of(axis.unit);
    if (at == kTypes.end() || factor == 0) return std::nullopt;
    const Spectral type = at->second;
    const int native = static_cast<int>(type);
    if (native >= 1 && native <= 3 && !(rest > 0)) return std::nullopt;
    const bool sampled_in_frequency = axis.type.size() > 5 && axis.type.substr(4, 4).find("F2") != std::string::npos;
    if (axis.type.size() > 4 && !sampled_in_frequency) return std::nullopt;
    const double value = axis.value * factor, step = axis.step * factor;
    Record out;
    out.set("version", std::int64_t{2});
    std::string system = "Undefined";
    for (const SystemName& name : spectral_systems()) {
      if (name.fits == specsys) system = name.casa;
    }
    out.set("system", system);
    out.set("restfreq", rest);
    out.set("restfreqs", doubles({rest}));
    out.set("velType", std::int64_t{0});
    out.set("nativeType", std::int64_t{sampled_in_frequency ? 0 : native});
    out.set("velUnit", std::string("km/s"));
    out.set("waveUnit", std::string("mm"));
    out.set("formatUnit", std::string());
    spectral_reference_ = to_frequency(type, value, rest);
    if (!std::isfinite(spectral_reference_)) return std::nullopt;
    if (native <= 1 || sampled_in_frequency || axis.length < 2) {
      double hertz_step = step;
      if (type == Spectral::kRadioVelocity) {
        hertz_step = -rest / 299792458 * step;
      } else if (native > 1) {
        // The slope at the reference pixel: by a difference over what is a small part of the value.
        const double h = std::max(std::abs(step), std::abs(value) * 1e-6);
        hertz_step = (to_frequency(type, value + h, rest) - to_frequency(type, value - h, rest)) / (2 * h) * step;
      }
      Record wcs;
      wcs.set("crval", spectral_reference_);
      wcs.set("crpix", axis.pixel);
      wcs.set("cdelt", hertz_step);
      wcs.set("pc", 1.0);
      wcs.set("ctype", std::string("FREQ"));
      out.set("wcs", shared(std::move(wcs)));
    } else {
      // What is even in wavelength is uneven in frequency: a table, as casacore makes it.
      std::vector<double> pixels, world;
      for (Index p = 0; p < axis.length; ++p) {
        pixels.push_back(static_cast<double>(p));
        world.push_back(to_frequency(type, value + (static_cast<double>(p) - axis.pixel) * step, rest));
        if (!std::isfinite(world.back())) return std::nullopt;
      }
      Record table;
      // Where the header had its reference, for who makes a header of it again.
      table.set("crval", doubles({spectral_reference_}));
      table.set("crpix", doubles({axis.pixel}));
      table.set("cdelt", doubles({(world.back() - world.front()) / static_cast<double>(axis.length - 1)}));
      table.set("pc", Numbers{Type::kDouble, {1, 1}, {1}});
      table.set("axes", texts({"Frequency"}));
      table.set("units", texts({"Hz"}));
      table.set("pixelvalues", doubles(std::move(pixels)));
      table.set("worldvalues", doubles(std::move(world)));
      out.set("tabular", shared(std::move(table)));
    }
    out.set("unit", std::string("Hz"));
    out.set("name", std::string("Frequency"));
    return out;
  }

  static std::optional<Record> stokes(const Axis& axis) {
    std::vector<std::string> names;
    for (Index p = 0; p < std::min<Index>(axis.length, 16); ++p) {
      const double code = axis.value + (static_cast<double>(p) - axis.pixel) * axis.step;
      if (!(std::abs(code) < 100) || stokes_name(static_cast<Index>(std::llround(code))).empty()) return std::nullopt;
      names.push_back(stokes_name(static_cast<Index>(std::llround(code))));
    }
    if (static_cast<Index>(names.size()) != axis.length) return std::nullopt;
    Record out;
    out.set("axes", texts({"Stokes"}));
    out.set("stokes", texts(std::move(names)));
    out.set("crval", doubles({axis.value}));
    out.set("crpix", doubles({0}));
    out.set("cdelt", doubles({axis.step}));
    out.set("pc", Numbers{Type::kDouble, {1, 1}, {1}});
    return out;
  }

  Record linear(const Axis& axis) const {
    Record out;
    out.set("crval", doubles({axis.value}));
    out.set("crpix", doubles({axis.pixel}));
    out.set("cdelt", doubles({axis.step}));
    out.set("pc", Numbers{Type::kDouble, {1, 1}, {1}});
    out.set("axes", texts({axis.type.empty() ? fmt::format("linear{}", count_) : axis.type}));
    // casacore refuses units that it does not know.
    out.set("units", texts({factor_of(axis.unit) == 0 ? "" : axis.unit}));
    return out;
  }

  Header& header_;
  std::vector<Axis> axes_;
  std::vector<double> pc_;
  bool has_equinox_ = header_.number("EQUINOX").has_value();
  Record out_;
  int count_ = 0, world_axes_ = 0;
  double spectral_reference_ = 0;
};

/// The modified Julian date of "2014-03-02T01:02:03.5"; 0 for what is none.
double mjd_of(const std::string& date) {
  int part[5] = {0, 0, 0, 0, 0};
  double seconds = 0;
  const char *at = date.data(), *const end = at + date.size();
  for (int k = 0; k < 6 && at != end; ++k) {
    const auto result = k < 5 ? std::from_chars(at, end, part[k]) : std::from_chars(at, end, seconds);
    if (result.ec != std::errc()) return 0;
    at = result.ptr == end ? end : result.ptr + 1;
  }
  using namespace std::chrono;
  const year_month_day ymd(year{part[0]}, month{static_cast<unsigned>(part[1])}, day{static_cast<unsigned>(part[2])});
  if (!ymd.ok()) return 0;
  const auto whole = (sys_days(ymd) - sys_days(year{1858} / 11 / 17)).count();
  return static_cast<double>(whole) + (part[3] * 3600 + part[4] * 60 + seconds) / 86400;
}

Record observation(Header& header) {
  const auto text_or_unknown = [&](const char* key) {
    const std::string text = header.text(key);
    return text.empty() ? std::string("UNKNOWN") : text;
  };
  Record out;
  out.set("telescope", text_or_unknown("TELESCOP"));
  out.set("observer", text_or_unknown("OBSERVER"));
  const double from_text = mjd_of(header.text("DATE-OBS"));
  const double mjd = from_text != 0 ? from_text : header.number("MJD-OBS").value_or(0);
  header.drop("MJD-OBS");
  const std::string scale = header.text("TIMESYS");
  Record date;
  date.set("type", std::string("epoch"));
  date.set("refer", scale == "TAI" || scale == "TDB" ? scale : std::string("UTC"));
  date.set("m0", quantity(mjd, "d"));
  out.set("obsdate", shared(std::move(date)));
  Record pointing;
  pointing.set("value", doubles({0, 0}));
  pointing.set("initial", true);
  out.set("pointingcenter", shared(std::move(pointing)));
  const auto x = header.number("OBSGEO-X"), y = header.number("OBSGEO-Y"), z = header.number("OBSGEO-Z");
  if (x && y && z) {
    const double radius = std::sqrt(*x * *x + *y * *y + *z * *z);
    Record place;
    place.set("type", std::string("position"));
    place.set("refer", std::string("ITRF"));
    place.set("m2", quantity(radius, "m"));
    place.set("m1", quantity(radius > 0 ? std::asin(*z / radius) : 0, "rad"));
    place.set("m0", quantity(std::atan2(*y, *x), "rad"));
    out.set("telescopeposition", shared(std::move(place)));
  }
  return out;
}

std::shared_ptr<Record> beam_record(double major_arcsec, double minor_arcsec, double pa_deg) {
  Record out;
  out.set("major", quantity(major_arcsec, "arcsec"));
  out.set("minor", quantity(minor_arcsec, "arcsec"));
  out.set("positionangle", quantity(pa_deg, "deg"));
  return shared(std::move(out));
}

const Table::Column* column_of(const Table& table, std::string_view name) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(), [&](const Table::Column& c) { return c.name == name; });
  return at == table.columns.end() ? nullptr : &*at;
}

/// Beams by channel and polarisation; none when the table has other columns.
std::shared_ptr<Record> plane_beams(const Table& table) {
  const Table::Column *major = column_of(table, "BMAJ"), *minor = column_of(table, "BMIN"), *pa = column_of(table, "BPA");
  if (major == nullptr || minor == nullptr || pa == nullptr || table.rows < 1) return nullptr;
  const auto rows = static_cast<std::size_t>(table.rows);
  if (major->numbers.size() != rows || minor->numbers.size() != rows || pa->numbers.size() != rows) return nullptr;
  const auto arcsec = [](const Table::Column& c, std::size_t r) {
    const double factor = c.unit.empty() ? 1.0 / 3600 : factor_of(c.unit);
    return c.numbers[r] * (factor == 0 ? 1 : factor) * 3600;
  };
  const Table::Column *channel = column_of(table, "CHAN"), *polarisation = column_of(table, "POL");
  Index channels = 1, stokes = 1;
  const auto number = [&](const Table::Column* c, std::size_t r, Index otherwise) {
    return c != nullptr && c->numbers.size() == rows && std::isfinite(c->numbers[r]) ? static_cast<Index>(c->numbers[r]) : otherwise;
  };
  for (std::size_t r = 0; r < rows; ++r) {
    channels = std::max(channels, number(channel, r, static_cast<Index>(r)) + 1);
    stokes = std::max(stokes, number(polarisation, r, 0) + 1);
  }
  if (channels * stokes != table.rows) return nullptr;
  std::vector<std::shared_ptr<Record>> beams(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const Index at = number(channel, r, static_cast<Index>(r)) + channels * number(polarisation, r, 0);
    if (at < 0 || at >= table.rows) return nullptr;
    // A channel without a beam has one of no size: casacore knows no NaN there.
    const bool valid = std::isfinite(major->numbers[r]) && std::isfinite(minor->numbers[r]);
    beams[static_cast<std::size_t>(at)] = valid ? beam_record(arcsec(*major, r), arcsec(*minor, r), pa->numbers[r]) : beam_record(0, 0, 0);
  }
  Record out;
  out.set("nChannels", channels);
  out.set("nStokes", stokes);
  for (std::size_t k = 0; k < rows; ++k) {
    if (!beams[k]) return nullptr;
    out.set(fmt::format("*{}", k), beams[k]);
  }
  return shared(std::move(out));
}

bool belongs_to_coordinates(const std::string& key) {
  static constexpr std::string_view kStems[] = {"CTYPE", "CUNIT", "CRVAL", "CDELT", "CRPIX", "CROTA", "PC", "CD", "PV", "PS"};
  static constexpr std::string_view kWhole[] = {"WCSAXES", "RADECSYS", "EPOCH", "VELREF", "ALTRVAL", "ALTRPIX", "RESTWAV", "CASAMBM", "ORIGIN", "DATE"};
  if (std::find(std::begin(kWhole), std::end(kWhole), key) != std::end(kWhole)) return true;
  for (const std::string_view stem : kStems) {
    if (key.starts_with(stem) && key.size() > stem.size() && key.find_first_not_of("0123456789_", stem.size()) == std::string::npos) return true;
  }
  return false;
}

}  // namespace

Record keywords_of(const std::string& cards, const std::vector<Table>& tables, const std::vector<Index>& shape) {
  Header header(cards);
  std::vector<Axis> axes;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const auto key = [&](const char* name) { return fmt::format("{}{}", name, k + 1); };
    axes.push_back({header.text(key("CTYPE")), header.text(key("CUNIT")), header.number(key("CRVAL")).value_or(0),
                    header.number(key("CRPIX")).value_or(1) - 1, header.number(key("CDELT")).value_or(1), shape[k]});
  }
  const std::vector<double> pc = matrix_of(header, axes);
  Record coords = observation(header);
  for (Record::Field& field : Coordinates(header, std::move(axes), pc).make().fields) coords.fields.push_back(std::move(field));

  Record info;
  const std::string type = header.text("BTYPE");
  const auto major = header.number("BMAJ"), minor = header.number("BMIN"), pa = header.number("BPA");
  std::shared_ptr<Record> planes;
  for (const Table& table : tables) {
    if (table.name == "BEAMS") planes = plane_beams(table);
  }
  if (planes) {
    info.set("perplanebeams", planes);
  } else if (major && *major > 0) {
    info.set("restoringbeam", beam_record(*major * 3600, minor.value_or(*major) * 3600, pa.value_or(0)));
  }
  info.set("imagetype", type.empty() ? std::string("Intensity") : type);
  info.set("objectname", header.text("OBJECT"));

  Record out;
  out.set("coords", shared(std::move(coords)));
  out.set("units", header.text("BUNIT"));
  out.set("imageinfo", shared(std::move(info)));
  Record misc;
  for (const Attribute* attribute : header.rest()) {
    const bool is_commentary = attribute->key.empty() || attribute->key == "COMMENT" || attribute->key == "HISTORY";
    if (is_commentary || belongs_to_coordinates(attribute->key)) continue;
    std::string name = attribute->key;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (const auto* v = std::get_if<bool>(&attribute->value)) misc.set(name, *v);
    if (const auto* v = std::get_if<std::int64_t>(&attribute->value)) misc.set(name, *v);
    if (const auto* v = std::get_if<std::uint64_t>(&attribute->value)) misc.set(name, static_cast<double>(*v));  // its records have no uint64
    if (const auto* v = std::get_if<double>(&attribute->value)) misc.set(name, *v);
    if (const auto* v = std::get_if<std::string>(&attribute->value)) misc.set(name, *v);
  }
  if (!misc.fields.empty()) out.set("miscinfo", shared(std::move(misc)));
  return out;
}

}  // namespace freestone::formats::casa
