#include "freestone/watch/color_map.h"

#include <algorithm>
#include <cmath>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"

namespace freestone::watch {
namespace {

constexpr std::uint32_t kViridis[] = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};
constexpr std::uint32_t kPlasma[] = {0x0d0887, 0x46039f, 0x7201a8, 0x9c179e, 0xbd3786, 0xd8576b, 0xed7953, 0xfb9f3a, 0xfdca26, 0xf0f921};
constexpr std::uint32_t kInferno[] = {0x000004, 0x1b0c41, 0x4a0c6b, 0x781c6d, 0xa52c60, 0xcf4446, 0xed6925, 0xfb9b06, 0xf7d13d, 0xfcffa4};
constexpr std::uint32_t kMagma[] = {0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f, 0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d, 0xfcfdbf};
constexpr std::uint32_t kCoolwarm[] = {0x3b4cc0, 0x6282ea, 0x8db0fe, 0xb8d0f9, 0xdddddd, 0xf5c4ad, 0xf49a7b, 0xde604d, 0xb40426};
constexpr std::uint32_t kGray[] = {0x000000, 0xffffff};

struct Named {
  const char* name;
  std::span<const std::uint32_t> points;
};
constexpr Named kMaps[] = {{"viridis", kViridis}, {"plasma", kPlasma},     {"inferno", kInferno},
                           {"magma", kMagma},     {"coolwarm", kCoolwarm}, {"gray", kGray}};

double channel(std::uint32_t color, int shift) { return static_cast<double>((color >> shift) & 0xff); }

}  // namespace

const std::vector<std::string>& ColorMap::names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Named& map : kMaps) names.emplace_back(map.name);
    return names;
  }();
  return kNames;
}

ColorMap ColorMap::named(std::string_view name) {
  std::string_view stem = name;
  const bool reversed = stem.ends_with("_r");
  if (reversed) stem.remove_suffix(2);
  if (stem == "grey") stem = "gray";
  for (const Named& map : kMaps) {
    if (stem == map.name) return ColorMap(map.points, reversed);
  }
  fail(ErrorKind::kUser, "No colour map '{}'.{} There are {}; '_r' at the end reverses one.", name, suggestion(stem, names()),
       fmt::join(names(), ", "));
}

Rgb ColorMap::at(double part) const {
  double place = std::clamp(part, 0.0, 1.0);
  if (reversed_) place = 1 - place;
  place *= static_cast<double>(points_.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(place), points_.size() - 2);
  const double above = place - static_cast<double>(low);
  const auto mix = [&](int shift) {
    return static_cast<std::uint8_t>(std::lround(channel(points_[low], shift) * (1 - above) + channel(points_[low + 1], shift) * above));
  };
  return {mix(16), mix(8), mix(0)};
}

}  // namespace freestone::watch
