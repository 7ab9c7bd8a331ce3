#include "freestone/formats/casa_coordinates.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <set>

#include "freestone/base/log.h"
#include "freestone/formats/fits_card.h"

namespace freestone::formats::casa {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;
constexpr double kLight = 299792458;
/// A spectral axis that bends by more than this part of a channel is told of.
constexpr double kBend = 1e-3;

/// Degrees of an angle in `unit`, or a number as it is.
double degrees_in(std::string_view unit) {
  if (unit == "rad") return kDegree;
  if (unit == "'" || unit == "arcmin") return 1.0 / 60;
  if (unit == "\"" || unit == "arcsec" || unit == "''") return 1.0 / 3600;
  if (unit == "marcsec" || unit == "mas") return 1.0 / 3600e3;
  if (unit == "uarcsec") return 1.0 / 3600e6;
  return 1;
}

/// {value, unit} in degrees.
std::optional<double> angle(const Record* quantity) {
  if (quantity == nullptr) return std::nullopt;
  const auto value = quantity->number("value");
  if (!value) return std::nullopt;
  return *value * degrees_in(quantity->text("unit"));
}

/// Collects cards; what FITS cannot hold is left out.
class Cards {
 public:
  void put(const std::string& key, const AttributeValue& value) {
    if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number)) return;
    AttributeValue clean = value;
    if (auto* text = std::get_if<std::string>(&clean)) {
      for (char& c : *text) c = c >= 0x20 && c <= 0x7e ? c : ' ';
    }
    if (keys_.insert(key).second) out_ += fits::format_cards({key, clean, ""});
  }
  void put_text(const std::string& key, const std::string& text) {
    if (!text.empty()) put(key, text);
  }
  bool has(const std::string& key) const { return keys_.contains(key); }
  const std::string& text() const { return out_; }

 private:
  std::string out_;
  std::set<std::string> keys_;
};

double at(const Numbers* numbers, std::size_t k, double otherwise) {
  return numbers != nullptr && k < numbers->values.size() ? numbers->values[k] : otherwise;
}
std::string at(const Texts* texts, std::size_t k) { return texts != nullptr && k < texts->values.size() ? texts->values[k] : ""; }

/// One coordinate and the pixel axes of the image that its axes are; -1: taken out of the image.
struct Coordinate {
  const Record& record;
  std::vector<Index> axes;
  Cards& cards;
  const std::string& file;

  std::string key(const char* name, std::size_t k) const { return fmt::format("{}{}", name, axes[k] + 1); }
  void put_axis(std::size_t k, const std::string& type, const std::string& unit, double value, double pixel, double step) const {
    if (axes[k] < 0) return;
    cards.put(key("CTYPE", k), type);
    cards.put_text(key("CUNIT", k), unit);
    cards.put(key("CRVAL", k), value);
    cards.put(key("CDELT", k), step);
    cards.put(key("CRPIX", k), pixel + 1);
  }
  /// Of the coordinate's own matrix what is not that of a diagonal one.
  void put_matrix() const {
    const Numbers* pc = record.numbers("pc");
    const std::size_t n = axes.size();
    if (pc == nullptr || pc->values.size() != n * n) return;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double value = pc->values[i + n * j];
        if (value != (i == j ? 1 : 0) && axes[i] >= 0 && axes[j] >= 0) cards.put(fmt::format("PC{}_{}", axes[i] + 1, axes[j] + 1), value);
      }
    }
  }
};

void put_direction(const Coordinate& c) {
  struct Frame {
    std::string_view casa, longitude, latitude, radesys;
    double equinox;
  };
  static constexpr Frame kFrames[] = {
      {"J2000", "RA--", "DEC-", "FK5", 2000},   {"B1950", "RA--", "DEC-", "FK4", 1950},     {"B1950_VLA", "RA--", "DEC-", "FK4", 1950},
      {"ICRS", "RA--", "DEC-", "ICRS", 0},      {"GALACTIC", "GLON", "GLAT", "", 0},        {"SUPERGAL", "SLON", "SLAT", "", 0},
      {"ECLIPTIC", "ELON", "ELAT", "", 0},      {"JMEAN", "RA--", "DEC-", "FK5", 0},        {"JTRUE", "RA--", "DEC-", "FK5", 0},
      {"APP", "RA--", "DEC-", "GAPPT", 0},
  };
  const std::string system = c.record.text("system"), projection = c.record.text("projection");
  const auto* frame = std::find_if(std::begin(kFrames), std::end(kFrames), [&](const Frame& f) { return f.casa == system; });
  if (frame == std::end(kFrames)) {
    log(LogLevel::kWarning, "{}: the direction system '{}' has no name in FITS; longitude and latitude are taken for right ascension and declination.",
        c.file, system);
    frame = std::begin(kFrames);
  }
  const Numbers *value = c.record.numbers("crval"), *pixel = c.record.numbers("crpix"), *step = c.record.numbers("cdelt");
  const Texts* units = c.record.texts("units");
  for (std::size_t k = 0; k < std::min<std::size_t>(c.axes.size(), 2); ++k) {
    const double factor = degrees_in(at(units, k));
    const std::string_view type = k == 0 ? frame->longitude : frame->latitude;
    c.put_axis(k, fmt::format("{}-{}", type, projection), "deg", at(value, k, 0) * factor, at(pixel, k, 0), at(step, k, 1) * factor);
  }
  c.put_matrix();
  if (c.axes.size() > 1 && c.axes[0] >= 0 && c.axes[1] >= 0) {
    const Numbers* parameters = c.record.numbers("projection_parameters");
    const std::size_t first = projection == "ZPN" ? 0 : 1;
    const bool any = parameters != nullptr && std::any_of(parameters->values.begin(), parameters->values.end(), [](double v) { return v != 0; });
    for (std::size_t k = 0; any && k < std::min<std::size_t>(parameters->values.size(), 30); ++k) {
      c.cards.put(fmt::format("PV{}_{}", c.axes[1] + 1, k + first), parameters->values[k]);
    }
  }
  // 999: nobody said.
  if (const auto pole = c.record.number("longpole"); pole && std::abs(*pole) <= 360) c.cards.put("LONPOLE", *pole);
  if (const auto pole = c.record.number("latpole"); pole && std::abs(*pole) <= 90) c.cards.put("LATPOLE", *pole);
  c.cards.put_text("RADESYS", std::string(frame->radesys));
  if (frame->equinox > 0) c.cards.put("EQUINOX", frame->equinox);
}

void put_spectral(const Coordinate& c) {
  struct Written {
    Spectral type;
    const char *name, *unit;
  };
  static constexpr Written kTypes[] = {{Spectral::kFrequency, "FREQ", "Hz"},        {Spectral::kRadioVelocity, "VRAD", "m/s"},
                                       {Spectral::kOpticalVelocity, "VOPT", "m/s"}, {Spectral::kBeta, "BETA", ""},
                                       {Spectral::kWavelength, "WAVE", "m"},        {Spectral::kAirWavelength, "AWAV", "m"}};
  const double rest = c.record.number("restfreq").value_or(0);
  const auto native = static_cast<int>(std::clamp(c.record.number("nativeType").value_or(0), 0.0, 5.0));
  const Written* type = &kTypes[native];
  const bool needs_rest = native >= 1 && native <= 3;
  if (needs_rest && !(rest > 0)) type = &kTypes[0];
  const auto written = [&](double hertz) { return from_frequency(type->type, hertz, rest); };
  if (const Record* table = c.record.record("tabular")) {
    const Numbers *pixels = table->numbers("pixelvalues"), *world = table->numbers("worldvalues");
    const std::size_t n = pixels == nullptr || world == nullptr ? 0 : std::min(pixels->values.size(), world->values.size());
    if (n >= 2 && pixels->values[n - 1] != pixels->values[0]) {
      const double first = written(world->values[0]), start = pixels->values[0];
      const double step = (written(world->values[n - 1]) - first) / (pixels->values[n - 1] - start);
      double bend = 0;
      for (std::size_t k = 0; k < n; ++k) bend = std::max(bend, std::abs(written(world->values[k]) - first - step * (pixels->values[k] - start)));
      if (!(bend <= kBend * std::abs(step))) {
        log(LogLevel::kWarning, "{}: its spectral axis is a table whose channels lie up to {:.3g} channels off a straight line; the line is taken.", c.file,
            bend / std::abs(step));
      }
      c.put_axis(0, type->name, type->unit, first, start, step);
    } else {
      // One channel: the table's own nominal line.
      const double value = at(table->numbers("crval"), 0, 0), step = at(table->numbers("cdelt"), 0, 1);
      c.put_axis(0, type->name, type->unit, written(value), at(table->numbers("crpix"), 0, 0), written(value + step) - written(value));
    }
  } else if (const Record* wcs = c.record.record("wcs")) {
    const double value = wcs->number("crval").value_or(0), step = wcs->number("cdelt").value_or(1);
    const double slope = type->type == Spectral::kRadioVelocity ? -kLight / rest * step : step;
    // Only frequency and radio velocity are lines where the frequency is one.
    const bool is_line = native <= 1 || type->type == Spectral::kFrequency;
    if (!is_line) type = &kTypes[0];
    c.put_axis(0, type->name, type->unit, written(value), wcs->number("crpix").value_or(0), type->type == Spectral::kRadioVelocity ? slope : step);
  }
  if (rest > 0) c.cards.put("RESTFRQ", rest);
  const std::string system = c.record.text("system");
  for (const SystemName& name : spectral_systems()) {
    if (name.casa == system) c.cards.put("SPECSYS", std::string(name.fits));
  }
}

void put_stokes(const Coordinate& c) {
  const Texts* names = c.record.texts("stokes");
  std::vector<Index> numbers;
  for (std::size_t k = 0; names != nullptr && k < names->values.size(); ++k) numbers.push_back(stokes_number(names->values[k]));
  if (numbers.empty()) numbers = {1};
  const Index step = numbers.size() > 1 ? numbers[1] - numbers[0] : 1;
  for (std::size_t k = 1; k < numbers.size(); ++k) {
    if (numbers[k] - numbers[k - 1] != step || step == 0) {
      log(LogLevel::kWarning, "{}: its Stokes axis holds {}, which FITS cannot say; only the first is named.", c.file, fmt::join(names->values, ", "));
      break;
    }
  }
  c.put_axis(0, "STOKES", "", static_cast<double>(numbers[0]), 0, static_cast<double>(step == 0 ? 1 : step));
}

void put_linear(const Coordinate& c) {
  const Texts *names = c.record.texts("axes"), *units = c.record.texts("units");
  for (std::size_t k = 0; k < c.axes.size(); ++k) {
    // Names that FITS reads other things into (with a projection behind) are cut.
    std::string type = at(names, k).substr(0, 8);
    std::transform(type.begin(), type.end(), type.begin(), [](unsigned char ch) { return ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 32) : static_cast<char>(ch); });
    if (type.starts_with("LINEAR")) type.clear();
    c.put_axis(k, type, at(units, k), at(c.record.numbers("crval"), k, 0), at(c.record.numbers("crpix"), k, 0), at(c.record.numbers("cdelt"), k, 1));
  }
  c.put_matrix();
}

/// 2014-03-02T01:02:03.000 of a modified Julian date; "" for what is none.
std::string date_of(double mjd) {
  if (!(mjd > 0 && mjd < 1e6)) return "";
  using namespace std::chrono;
  const double day = std::floor(mjd);
  auto milliseconds_of_day = static_cast<std::int64_t>(std::llround((mjd - day) * 86400e3));
  const sys_days date = sys_days(year{1858} / 11 / 17) + days(static_cast<int>(day)) + days(static_cast<int>(milliseconds_of_day / 86400000));
  milliseconds_of_day %= 86400000;
  const year_month_day ymd(date);
  const std::int64_t s = milliseconds_of_day / 1000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                     static_cast<unsigned>(ymd.day()), s / 3600, s / 60 % 60, s % 60, milliseconds_of_day % 1000);
}

void put_observation(const Record& coords, Cards& cards) {
  for (const auto& [key, name] : {std::pair("TELESCOP", "telescope"), std::pair("OBSERVER", "observer")}) {
    if (const std::string text = coords.text(name); text != "UNKNOWN") cards.put_text(key, text);
  }
  if (const Record* date = coords.record("obsdate"); date != nullptr && date->record("m0") != nullptr) {
    cards.put_text("DATE-OBS", date_of(date->record("m0")->number("value").value_or(0)));
    if (cards.has("DATE-OBS")) cards.put_text("TIMESYS", date->text("refer"));
  }
  const Record* place = coords.record("telescopeposition");
  if (place != nullptr && place->text("refer") == "ITRF" && place->record("m0") != nullptr && place->record("m1") != nullptr && place->record("m2") != nullptr) {
    const double longitude = angle(place->record("m0")).value_or(0) / kDegree, latitude = angle(place->record("m1")).value_or(0) / kDegree;
    const double radius = place->record("m2")->number("value").value_or(0);
    cards.put("OBSGEO-X", radius * std::cos(latitude) * std::cos(longitude));
    cards.put("OBSGEO-Y", radius * std::cos(latitude) * std::sin(longitude));
    cards.put("OBSGEO-Z", radius * std::sin(latitude));
  }
}

void put_miscinfo(const Record& info, Cards& cards) {
  for (const Record::Field& field : info.fields) {
    std::string key = field.name;
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char ch) { return static_cast<char>(std::toupper(ch)); });
    // What is no plain keyword becomes one of the HIERARCH kind.
    const bool is_key = !key.empty() && key.size() <= 60 && std::all_of(key.begin(), key.end(), [](char ch) { return ch >= 0x20 && ch <= 0x7e; });
    if (!is_key || key == "END") continue;
    if (const auto* v = std::get_if<bool>(&field.value)) cards.put(key, *v);
    if (const auto* v = std::get_if<std::int64_t>(&field.value)) cards.put(key, *v);
    if (const auto* v = std::get_if<double>(&field.value)) cards.put(key, *v);
    if (const auto* v = std::get_if<std::string>(&field.value)) cards.put(key, *v);
  }
}

/// The table of beams that differ from plane to plane; none when there is no such thing.
std::optional<Table> beams_table(const std::string& file, const Record& info) {
  const Record* planes = info.record("perplanebeams");
  if (planes == nullptr) return std::nullopt;
  const double channels = planes->number("nChannels").value_or(0), stokes = std::max(planes->number("nStokes").value_or(1), 1.0);
  if (!(channels >= 1)) return std::nullopt;
  if (channels * stokes > static_cast<double>(planes->fields.size())) {
    fail(ErrorKind::kData, "{}: perplanebeams promises beams of {} channels and {} Stokes parameters and holds {}. The image is damaged.", file, channels, stokes,
         planes->fields.size());
  }
  Table table{.name = "BEAMS", .rows = static_cast<Index>(channels * stokes)};
  table.columns = {{.name = "BMAJ", .unit = "deg"}, {.name = "BMIN", .unit = "deg"}, {.name = "BPA", .unit = "deg"},
                   {.name = "CHAN", .code = 'J'},   {.name = "POL", .code = 'J'}};
  const auto count = static_cast<Index>(channels);
  std::size_t next = 0;
  for (Index k = 0; k < table.rows; ++k) {
    const std::string name = fmt::format("*{}", k);
    // They follow each other; looking for every one would take the square of their number.
    while (next < planes->fields.size() && planes->fields[next].name != name) ++next;
    const auto* held = next < planes->fields.size() ? std::get_if<std::shared_ptr<Record>>(&planes->fields[next].value) : nullptr;
    const Record* beam = held == nullptr ? nullptr : held->get();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double row[] = {beam == nullptr ? nan : angle(beam->record("major")).value_or(nan), beam == nullptr ? nan : angle(beam->record("minor")).value_or(nan),
                          beam == nullptr ? nan : angle(beam->record("positionangle")).value_or(nan), static_cast<double>(k % count),
                          static_cast<double>(k / count)};
    for (std::size_t c = 0; c < table.columns.size(); ++c) table.columns[c].numbers.push_back(row[c]);
  }
  return table;
}

}  // namespace

const std::vector<SystemName>& spectral_systems() {
  static const std::vector<SystemName> kNames = {{"LSRK", "LSRK"},     {"LSRD", "LSRD"},        {"BARY", "BARYCENT"},   {"GEO", "GEOCENTR"},
                                                 {"TOPO", "TOPOCENT"}, {"GALACTO", "GALACTOC"}, {"LGROUP", "LOCALGRP"}, {"CMB", "CMBDIPOL"},
                                                 {"REST", "SOURCE"}};
  return kNames;
}

std::string stokes_name(Index number) {
  static constexpr const char* kStokes[] = {"I", "Q", "U", "V"};
  static constexpr const char* kCorrelations[] = {"RR", "LL", "RL", "LR", "XX", "YY", "XY", "YX"};
  if (number >= 1 && number <= 4) return kStokes[number - 1];
  if (number <= -1 && number >= -8) return kCorrelations[-number - 1];
  return "";
}

Index stokes_number(std::string_view name) {
  for (Index number = -8; number <= 4; ++number) {
    if (!name.empty() && stokes_name(number) == name) return number;
  }
  return 0;
}

namespace {

/// Refractive index of air, FITS paper III, section 4.
double air_index(double metres) {
  const double k = 1e-6 / metres, k2 = k * k;
  return 1 + 1e-6 * (287.6155 + 1.62887 * k2 + 0.01360 * k2 * k2);
}

}  // namespace

double from_frequency(Spectral type, double hertz, double rest) {
  switch (type) {
    case Spectral::kFrequency: return hertz;
    case Spectral::kRadioVelocity: return kLight * (1 - hertz / rest);
    case Spectral::kOpticalVelocity: return kLight * (rest / hertz - 1);
    case Spectral::kBeta: {
      const double r = hertz / rest, r2 = r * r;
      return (1 - r2) / (1 + r2);
    }
    case Spectral::kWavelength: return kLight / hertz;
    case Spectral::kAirWavelength: {
      const double vacuum = kLight / hertz;
      double air = vacuum;
      for (int k = 0; k < 8; ++k) air = vacuum / air_index(air);
      return air;
    }
  }
  return hertz;
}

double to_frequency(Spectral type, double value, double rest) {
  switch (type) {
    case Spectral::kFrequency: return value;
    case Spectral::kRadioVelocity: return rest * (1 - value / kLight);
    case Spectral::kOpticalVelocity: return rest / (1 + value / kLight);
    case Spectral::kBeta: return rest * std::sqrt((1 - value) / (1 + value));
    case Spectral::kWavelength: return kLight / value;
    case Spectral::kAirWavelength: return kLight / (value * air_index(value));
  }
  return value;
}

Description describe(const std::string& file, const Record& keywords, const std::vector<Index>& shape) {
  Cards cards;
  cards.put_text("BUNIT", keywords.text("units"));
  Description out;
  if (const Record* info = keywords.record("imageinfo")) {
    cards.put_text("BTYPE", info->text("imagetype"));
    cards.put_text("OBJECT", info->text("objectname"));
    if (auto table = beams_table(file, *info)) {
      out.tables.push_back(std::move(*table));
      cards.put("CASAMBM", true);
    } else if (const Record* beam = info->record("restoringbeam")) {
      const auto major = angle(beam->record("major")), minor = angle(beam->record("minor")), pa = angle(beam->record("positionangle"));
      if (major && minor) {
        cards.put("BMAJ", *major);
        cards.put("BMIN", *minor);
        cards.put("BPA", pa.value_or(0));
      }
    }
  }
  if (const Record* coords = keywords.record("coords")) {
    struct Kind {
      std::string_view name;
      void (*put)(const Coordinate&);
      std::size_t axes;  ///< 0: as many as there are
    };
    static constexpr Kind kKinds[] = {{"direction", put_direction, 2}, {"spectral", put_spectral, 1}, {"stokes", put_stokes, 1},
                                      {"linear", put_linear, 0},       {"tabular", put_linear, 1}};
    for (const Record::Field& field : coords->fields) {
      const std::size_t digits = field.name.find_first_of("0123456789");
      const auto* held = std::get_if<std::shared_ptr<Record>>(&field.value);
      if (digits == std::string::npos || digits == 0 || held == nullptr) continue;
      const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return field.name.compare(0, digits, k.name) == 0; });
      if (kind == std::end(kKinds)) continue;
      const Numbers* map = coords->numbers("pixelmap" + field.name.substr(digits));
      Coordinate coordinate{**held, {}, cards, file};
      for (std::size_t k = 0; map != nullptr && k < map->values.size(); ++k) {
        const double axis = map->values[k];
        if (!(axis >= -1 && axis < static_cast<double>(shape.size()))) {
          fail(ErrorKind::kData, "{}: coordinate {} is for axis {} of an image that has {}. It is damaged.", file, field.name, axis, shape.size());
        }
        coordinate.axes.push_back(static_cast<Index>(axis));
      }
      if (coordinate.axes.empty() || (kind->axes > 0 && coordinate.axes.size() != kind->axes)) continue;
      kind->put(coordinate);
    }
    put_observation(*coords, cards);
  }
  if (const Record* info = keywords.record("miscinfo")) put_miscinfo(*info, cards);
  out.cards = cards.text();
  return out;
}

}  // namespace freestone::formats::casa
