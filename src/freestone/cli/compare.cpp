#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "freestone/astro/axis_names.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/base/utf8.h"
#include "freestone/cli/pipeline_run.h"
#include "freestone/cli/print.h"
#include "freestone/label/coordinate.h"
#include "freestone/label/open.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone::cli {
namespace {

constexpr double kPartOfPixel = 1e-6;

/// The position with number `flat` of an array, "(3, 0, 17)".
std::string position(Index flat, const Shape& shape) {
  Dims at(shape.rank());
  for (int k = shape.rank() - 1; k >= 0; --k) at[k] = flat % shape[k], flat /= shape[k];
  return to_string(at);
}

/// No WCS, or what a FITS header without one means: pixels by their number.
bool lies_nowhere(const astro::SkyArray& array) {
  const int rank = array.wcs.rank();
  for (int k = 0; k < rank; ++k) {
    if (!array.wcs.ctype(k).empty() || !array.wcs.unit(k).to_string().empty() || array.wcs.increment(k) != 1) return false;
  }
  const std::vector<double> first = rank == 0 ? std::vector<double>() : array.wcs.pixel_to_world(std::vector<double>(static_cast<std::size_t>(rank), 0));
  return std::all_of(first.begin(), first.end(), [](double world) { return world == 1; });
}

/// Whether the pixels of two arrays of one shape lie at the same places of the world: that a reference pixel is another one says nothing.
/// Looked at on a grid of corners, middles of edges and the centre, to a part of a pixel.
bool lie_together(const astro::SkyArray& a, const astro::SkyArray& b) {
  if (a.wcs.same_as(b.wcs) || (lies_nowhere(a) && lies_nowhere(b))) return true;
  const int rank = a.wcs.rank();
  if (rank == 0 || rank != b.wcs.rank() || a.data.shape() != b.data.shape() || a.rank() != rank || a.data.size() == 0) return false;
  std::vector<double> factors;
  for (int k = 0; k < rank; ++k) {
    if (a.wcs.ctype(k) != b.wcs.ctype(k) || !a.wcs.unit(k).converts_to(b.wcs.unit(k))) return false;
    factors.push_back(conversion_factor(b.wcs.unit(k), a.wcs.unit(k)));
  }
  std::vector<double> pixels;
  Shape grid(rank, 3);
  for (Index point = 0; point < element_count(grid); ++point) {
    Index left = point;
    for (int k = 0; k < rank; ++k, left /= 3) pixels.push_back(static_cast<double>(left % 3) / 2 * static_cast<double>(a.data.shape()[k] - 1));
  }
  const std::vector<double> here = a.wcs.pixel_to_world(pixels), there = b.wcs.pixel_to_world(pixels);
  for (std::size_t i = 0; i < here.size(); ++i) {
    const int axis = static_cast<int>(i) % rank;
    if (std::isnan(here[i]) && std::isnan(there[i])) continue;
    double difference = here[i] - there[i] * factors[static_cast<std::size_t>(axis)];
    if (a.wcs.kind(axis) == astro::WorldKind::kLongitude) difference = std::remainder(difference, 360);
    if (!(std::abs(difference) <= kPartOfPixel * a.wcs.increment(axis))) return false;
  }
  return true;
}

/// Whether two axes have one name; one that nobody has named ("axis0") has any.
bool are_named_alike(const std::string& a, const std::string& b) {
  return a == b || astro::is_nameless_axis(a) || astro::is_nameless_axis(b);
}

/// What differs between two arrays, as far as elements need not be read for it.
std::vector<std::string> described_differences(const astro::SkyArray& a, const astro::SkyArray& b) {
  std::vector<std::string> out;
  if (!std::ranges::equal(a.dims, b.dims, are_named_alike)) {
    out.push_back(fmt::format("axes: ({}) and ({})", fmt::join(a.dims, ", "), fmt::join(b.dims, ", ")));
  } else if (!lie_together(a, b)) {
    out.emplace_back("axes: the world coordinates differ");
  }
  if (!(a.unit == b.unit)) out.push_back(fmt::format("unit: '{}' and '{}'", a.unit.to_string(), b.unit.to_string()));
  const bool one_beam = a.beam.has_value() != b.beam.has_value();
  if (one_beam || (a.beam && !astro::is_same(*a.beam, *b.beam)))
    out.push_back(fmt::format("beam: {} and {}", a.beam ? a.beam->to_string() : "none", b.beam ? b.beam->to_string() : "none"));
  return out;
}

/// Two arrays whose elements are compared; `name` stands before what is said of them.
struct Pair {
  std::string name, what;
  Array a, b;
};

std::string said(const Pair& pair, const std::string& difference) { return pair.name.empty() ? difference : pair.name + ": " + difference; }

/// One element each: how many differ, the largest difference, the first place.
std::vector<Array> differences_of(const Pair& pair, double rtol, double atol) {
  const bool are_whole = !is_floating(pair.a.dtype()) && !is_complex(pair.a.dtype()) && pair.a.dtype() == pair.b.dtype();
  const bool are_complex = is_complex(pair.a.dtype()) || is_complex(pair.b.dtype());
  const DType wide = are_complex ? DType::kComplex128 : DType::kFloat64;
  const Array x = astype(pair.a, wide), y = astype(pair.b, wide);
  const Array distance = elementwise("absolute", {elementwise("subtract", {x, y})});
  Array same;
  if (are_whole && rtol == 0 && atol == 0) {
    same = elementwise("equal", {pair.a, pair.b});  // float64 holds no integer beyond 2^53
  } else {
    const Array allowed = elementwise("add", {elementwise("multiply", {elementwise("absolute", {y}), rtol}), atol});
    // Infinities of one sign are equal though their difference is NaN; NaN equals NaN.
    same = elementwise("logical_or", {elementwise("logical_or", {elementwise("equal", {x, y}), elementwise("less_equal", {distance, allowed})}),
                                      elementwise("logical_and", {elementwise("isnan", {x}), elementwise("isnan", {y})})});
  }
  const Array differs = elementwise("logical_not", {same});
  return {reduce("sum", differs, {}), reduce("max", distance, {}, {.skip_nan = true}), reduce("argmax", differs, {})};
}

/// The labels of a coordinate that both have, times in whichever units; or its elements, which are compared with the others'.
void compare_coordinate(const DatasetVariable& a, const DatasetVariable& b, std::vector<std::string>& differences, std::vector<Pair>& pairs) {
  Pair pair{"", fmt::format("coordinate '{}'", a.name), a.array, b.array};
  if (a.array.shape() != b.array.shape()) {
    differences.push_back(fmt::format("{}: shape {} and {}", pair.what, to_string(a.array.shape()), to_string(b.array.shape())));
  } else if (a.is_dimension_coordinate() && b.is_dimension_coordinate() && a.text("units") + a.text("calendar") != b.text("units") + b.text("calendar")) {
    const CoordinateValues x = CoordinateValues::read(a), y = CoordinateValues::read(b);
    const bool are_same = x.is_time() == y.is_time() && (x.is_time() ? x.calendar() == y.calendar() && x.instants() == y.instants() : x.numbers() == y.numbers());
    if (!are_same) differences.push_back(fmt::format("{}: its labels differ, or their units: '{}' and '{}'", pair.what, a.text("units"), b.text("units")));
  } else if (a.array.size() > 0) {
    pairs.push_back(std::move(pair));
  }
}

/// Pairs of arrays of the same name; of two files that hold one array each, those.
std::vector<std::pair<const astro::SkyArray*, const astro::SkyArray*>> matched(const Flow& a, const Flow& b, std::vector<std::string>& differences) {
  if (!a.is_dataset() && !b.is_dataset()) return {{&a.array(), &b.array()}};
  std::vector<std::pair<const astro::SkyArray*, const astro::SkyArray*>> out;
  const auto find = [](const Flow& flow, const std::string& name) {
    const auto found = std::find_if(flow.arrays.begin(), flow.arrays.end(), [&](const astro::SkyArray& array) { return array.name == name; });
    return found == flow.arrays.end() ? nullptr : &*found;
  };
  for (const astro::SkyArray& array : a.arrays) {
    if (const astro::SkyArray* other = find(b, array.name)) {
      out.emplace_back(&array, other);
    } else {
      differences.push_back(fmt::format("{}: only the first has it", array.name));
    }
  }
  for (const astro::SkyArray& array : b.arrays) {
    if (find(a, array.name) == nullptr) differences.push_back(fmt::format("{}: only the second has it", array.name));
  }
  return out;
}

/// In quotes, not too long.
std::string quoted(const std::string& text) {
  constexpr std::size_t kShown = 40;
  const std::string valid = as_utf8(text);
  std::size_t end = 0;
  while (end < valid.size() && end < kShown) end += utf8_sequence_length(std::string_view(valid).substr(end));
  return "'" + valid.substr(0, end) + (end < valid.size() ? "...'" : "'");
}

/// Of texts of the same name. As of arrays, coordinates that one file alone has are no difference.
/// @returns how many differ
Index compare_texts(const Flow& a, const Flow& b, bool with_coordinates, std::vector<std::string>& differences) {
  const auto find = [](const Flow& flow, const std::string& name) {
    const auto found = std::find_if(flow.texts.begin(), flow.texts.end(), [&](const formats::TextRequest& one) { return one.name == name; });
    return found == flow.texts.end() ? nullptr : &*found;
  };
  Index count = 0;
  for (const formats::TextRequest& one : a.texts) {
    const formats::TextRequest* other = find(b, one.name);
    const bool is_coordinate = one.is_coordinate || (other != nullptr && other->is_coordinate);
    if (is_coordinate && (other == nullptr || !with_coordinates)) continue;
    if (other == nullptr) {
      differences.push_back(fmt::format("{}: only the first has it", one.name));
      continue;
    }
    const std::vector<std::string>&x = one.texts.values, &y = other->texts.values;
    if (one.texts.shape != other->texts.shape) {
      differences.push_back(fmt::format("{}: shape: {} and {}", one.name, to_string(one.texts.shape), to_string(other->texts.shape)));
      continue;
    }
    Index differing = 0, at = -1;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] == y[i]) continue;
      ++differing;
      if (at < 0) at = static_cast<Index>(i);
    }
    if (differing == 0) continue;
    count += differing;
    const auto first = static_cast<std::size_t>(at);
    differences.push_back(fmt::format("{}: {} of {} texts differ, first at {}: {} and {}", one.name, format_count(differing), format_count(std::ssize(x)),
                                      position(at, one.texts.shape), quoted(x[first]), quoted(y[first])));
  }
  for (const formats::TextRequest& one : b.texts) {
    if (!one.is_coordinate && find(a, one.name) == nullptr) differences.push_back(fmt::format("{}: only the second has it", one.name));
  }
  return count;
}

}  // namespace

int run_compare(std::span<const std::string> words, const CommandRow& row, const Process& process) {
  const Arguments arguments(words, row.options, "compare: ");
  set_url_options(arguments);
  if (arguments.words().size() != 2) refuse("compare takes two files, A and B, not {}.", arguments.words().size());
  const double rtol = arguments.number("rtol", 0), atol = arguments.number("atol", 0);
  if (rtol < 0 || atol < 0) refuse("compare: --rtol and --atol cannot be negative.");
  const Flow first = open_flow({arguments.words()[0]}, arguments.list("var")), second = open_flow({arguments.words()[1]}, arguments.list("var"));

  std::vector<std::string> differences;
  std::vector<Pair> pairs;
  std::set<std::string> coordinates;
  const bool with_axes = !arguments.has("data-only");
  for (const auto& [a, b] : matched(first, second, differences)) {
    Pair pair{first.is_dataset() || second.is_dataset() ? a->name : "", "data", a->data, b->data};
    if (a->data.shape() != b->data.shape())
      differences.push_back(said(pair, fmt::format("shape: {} and {}", to_string(a->data.shape()), to_string(b->data.shape()))));
    if (with_axes) {
      for (const std::string& difference : described_differences(*a, *b)) differences.push_back(said(pair, difference));
      for (const DatasetVariable& x : a->coordinates) {
        const auto y = std::find_if(b->coordinates.begin(), b->coordinates.end(), [&](const DatasetVariable& other) { return other.name == x.name; });
        if (y != b->coordinates.end() && coordinates.insert(x.name).second) compare_coordinate(x, *y, differences, pairs);
      }
    }
    if (a->data.shape() == b->data.shape() && a->data.size() > 0) pairs.push_back(std::move(pair));
  }

  // What is beside a variable that was named was not asked for.
  Index count = arguments.has("var") ? 0 : compare_texts(first, second, with_axes, differences);
  double largest = 0;
  std::vector<Array> asked;
  for (const Pair& pair : pairs) {
    for (Array& array : differences_of(pair, rtol, atol)) asked.push_back(std::move(array));
  }
  std::vector<Tensor> results;
  if (!asked.empty()) watched(arguments, process, [&](const ComputeOptions& options) { results = compute_all(asked, options); });
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const auto differing = static_cast<Index>(results[3 * k].number());
    const double distance = results[3 * k + 1].number();
    if (!(distance <= largest)) largest = distance;
    if (differing == 0) continue;
    count += differing;
    const auto at = static_cast<Index>(results[3 * k + 2].number());
    differences.push_back(said(pairs[k], fmt::format("{}: {} of {} values differ, first at {}; the largest difference of two numbers is {}", pairs[k].what,
                                                     format_count(differing), format_count(pairs[k].a.size()), position(at, pairs[k].a.shape()), format_number(distance))));
  }
  if (arguments.text("format") == "json") {
    const nlohmann::json json = {{"same", differences.empty()},
                                 {"values_that_differ", count},
                                 {"largest_difference", std::isfinite(largest) ? nlohmann::json(largest) : nlohmann::json(nullptr)},
                                 {"differences", differences}};
    write_stdout(json.dump() + "\n");
  } else {
    std::string text;
    for (const std::string& difference : differences) text += difference + "\n";
    write_stdout(text.empty() ? "the same\n" : text);
  }
  return differences.empty() ? 0 : 1;
}

}  // namespace freestone::cli
