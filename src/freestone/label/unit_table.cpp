#include "freestone/label/unit_table.h"

#include <numbers>

namespace freestone {

const std::vector<UnitRow>& unit_table() {
  constexpr double kPi = std::numbers::pi;
  static const std::vector<UnitRow> table = {
      {"m", 1, 0, {{"m", 1}}, true, {"meter", "metre", "meters", "metres"}},
      {"s", 1, 0, {{"s", 1}}, true, {"sec", "second", "seconds"}},
      {"g", 1, -3, {{"kg", 1}}, true, {"gram", "grams"}},
      {"K", 1, 0, {{"K", 1}}, true, {"kelvin", "kelvins"}},
      {"A", 1, 0, {{"A", 1}}, true, {"ampere", "amp"}},
      {"mol", 1, 0, {{"mol", 1}}, true, {"mole"}},
      {"cd", 1, 0, {{"cd", 1}}, true, {"candela"}},
      {"rad", 1, 0, {{"rad", 1}}, true, {"radian", "radians"}},
      {"sr", 1, 0, {{"rad", 2}}, false, {"steradian", "steradians"}},
      {"deg", kPi / 180, 0, {{"rad", 1}}, false, {"degree", "degrees"}},
      {"arcmin", kPi / 180 / 60, 0, {{"rad", 1}}, false, {"arcminute", "arcminutes", "amin"}},
      {"arcsec", kPi / 180 / 3600, 0, {{"rad", 1}}, true, {"arcsecond", "arcseconds", "asec"}},
      {"mas", kPi / 180 / 3600, -3, {{"rad", 1}}, false, {"milliarcsecond"}},
      {"uas", kPi / 180 / 3600, -6, {{"rad", 1}}, false, {}},
      {"hourangle", kPi / 12, 0, {{"rad", 1}}, false, {}},
      {"Hz", 1, 0, {{"s", -1}}, true, {"hertz"}},
      {"N", 1, 0, {{"kg", 1}, {"m", 1}, {"s", -2}}, true, {"newton"}},
      {"Pa", 1, 0, {{"kg", 1}, {"m", -1}, {"s", -2}}, true, {"pascal"}},
      {"bar", 1, 5, {{"kg", 1}, {"m", -1}, {"s", -2}}, true, {}},
      {"J", 1, 0, {{"kg", 1}, {"m", 2}, {"s", -2}}, true, {"joule", "joules"}},
      {"W", 1, 0, {{"kg", 1}, {"m", 2}, {"s", -3}}, true, {"watt", "watts"}},
      {"erg", 1, -7, {{"kg", 1}, {"m", 2}, {"s", -2}}, true, {"ergs"}},
      {"dyn", 1, -5, {{"kg", 1}, {"m", 1}, {"s", -2}}, false, {"dyne", "dynes"}},
      {"eV", 1.602176634, -19, {{"kg", 1}, {"m", 2}, {"s", -2}}, true, {"electronvolt"}},
      {"Ry", 2.1798723611030, -18, {{"kg", 1}, {"m", 2}, {"s", -2}}, false, {"rydberg"}},
      {"C", 1, 0, {{"A", 1}, {"s", 1}}, true, {"coulomb"}},
      {"V", 1, 0, {{"kg", 1}, {"m", 2}, {"s", -3}, {"A", -1}}, true, {"volt", "volts"}},
      {"Ohm", 1, 0, {{"kg", 1}, {"m", 2}, {"s", -3}, {"A", -2}}, true, {}},
      {"F", 1, 0, {{"kg", -1}, {"m", -2}, {"s", 4}, {"A", 2}}, true, {"farad"}},
      {"Wb", 1, 0, {{"kg", 1}, {"m", 2}, {"s", -2}, {"A", -1}}, true, {"weber"}},
      {"T", 1, 0, {{"kg", 1}, {"s", -2}, {"A", -1}}, true, {"tesla"}},
      {"G", 1, -4, {{"kg", 1}, {"s", -2}, {"A", -1}}, true, {"gauss"}},
      {"lm", 1, 0, {{"cd", 1}, {"rad", 2}}, true, {"lumen"}},
      {"lx", 1, 0, {{"cd", 1}, {"rad", 2}, {"m", -2}}, true, {"lux"}},
      {"l", 1, -3, {{"m", 3}}, true, {"liter", "litre"}},
      {"Jy", 1, -26, {{"kg", 1}, {"s", -2}}, true, {"jansky", "janskys"}},
      {"R", 1e10 / (4 * kPi), 0, {{"ph", 1}, {"m", -2}, {"s", -1}, {"rad", -2}}, true, {"rayleigh"}},
      {"barn", 1, -28, {{"m", 2}}, true, {}},
      {"u", 1.66053906660, -27, {{"kg", 1}}, true, {}},
      {"Angstrom", 1, -10, {{"m", 1}}, false, {"angstroms", "ang"}},
      {"um", 1, -6, {{"m", 1}}, false, {"micron", "microns", "micrometer", "micrometre"}},
      {"nm", 1, -9, {{"m", 1}}, false, {"nanometer", "nanometre", "nanometers"}},
      {"km", 1, 3, {{"m", 1}}, false, {"kilometer", "kilometre", "kilometers"}},
      {"AU", 1.495978707, 11, {{"m", 1}}, false, {}},
      {"pc", 3.0856775814913673, 16, {{"m", 1}}, true, {"parsec", "parsecs"}},
      {"lyr", 9.4607304725808, 15, {{"m", 1}}, true, {"lightyear"}},
      {"solMass", 1.988409870698051, 30, {{"kg", 1}}, false, {"msun", "m_sun"}},
      {"solLum", 3.828, 26, {{"kg", 1}, {"m", 2}, {"s", -3}}, false, {"lsun", "l_sun"}},
      {"solRad", 6.957, 8, {{"m", 1}}, false, {"rsun", "r_sun"}},
      {"min", 60, 0, {{"s", 1}}, false, {"minute", "minutes"}},
      {"h", 3600, 0, {{"s", 1}}, false, {"hr", "hour", "hours"}},
      {"d", 86400, 0, {{"s", 1}}, false, {"day", "days"}},
      {"yr", 31557600, 0, {{"s", 1}}, true, {"year", "years"}},
      {"a", 31557600, 0, {{"s", 1}}, true, {}},
      {"beam", 1, 0, {{"beam", 1}}, false, {"beams"}},
      {"pix", 1, 0, {{"pix", 1}}, false, {"pixel", "pixels"}},
      {"voxel", 1, 0, {{"voxel", 1}}, false, {}},
      {"chan", 1, 0, {{"chan", 1}}, false, {"channel", "channels"}},
      {"bin", 1, 0, {{"bin", 1}}, false, {}},
      {"ct", 1, 0, {{"ct", 1}}, false, {"count", "counts", "cts"}},
      {"adu", 1, 0, {{"adu", 1}}, false, {}},
      {"DN", 1, 0, {{"DN", 1}}, false, {}},
      {"electron", 1, 0, {{"electron", 1}}, false, {"electrons"}},
      {"ph", 1, 0, {{"ph", 1}}, true, {"photon", "photons"}},
      {"mag", 1, 0, {{"mag", 1}}, true, {"mags"}},
      {"dex", 1, 0, {{"dex", 1}}, false, {}},
      {"bit", 1, 0, {{"bit", 1}}, true, {"bits"}},
      {"byte", 8, 0, {{"bit", 1}}, true, {"bytes"}},
      {"deg_C", 1, 0, {{"deg_C", 1}}, false, {"degC", "Celsius"}},
      {"%", 1, -2, {}, false, {"percent"}},
  };
  return table;
}

const std::vector<PrefixRow>& prefix_table() {
  static const std::vector<PrefixRow> table = {{"da", 1},  {"Y", 24},  {"Z", 21},        {"E", 18},        {"P", 15}, {"T", 12},
                                               {"G", 9},   {"M", 6},   {"k", 3},         {"h", 2},         {"d", -1}, {"c", -2},
                                               {"m", -3},  {"u", -6},  {"\xC2\xB5", -6}, {"\xCE\xBC", -6}, {"n", -9}, {"p", -12},
                                               {"f", -15}, {"a", -18}, {"z", -21},       {"y", -24}};
  return table;
}

}  // namespace freestone
