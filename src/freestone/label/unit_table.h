/// The units that Freestone knows, each by its base dimensions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freestone {

struct UnitRow {
  std::string symbol;
  double mantissa;
  int exponent;  ///< of 10
  std::vector<std::pair<const char*, int>> bases;
  bool prefixes;                         ///< takes SI prefixes
  std::vector<std::string> other_names;  ///< spellings that mean the same, any case
};

/// IAU and FITS units (FITS 4.0, tables 3 to 5), with CODATA 2018 and IAU 2015 values as in astropy.
const std::vector<UnitRow>& unit_table();

struct PrefixRow {
  std::string_view symbol;
  int exponent;
};
const std::vector<PrefixRow>& prefix_table();

}  // namespace freestone
