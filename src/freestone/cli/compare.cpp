#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/pipeline_run.h"
#include "freestone/cli/print.h"
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

/// Whether the pixels of two arrays of one shape lie at the same places of the world: that a reference pixel is another one says nothing.
/// Looked at on a grid of corners, middles of edges and the centre, to a part of a pixel.
bool lie_together(const astro::SkyArray& a, const astro::SkyArray& b) {
  if (a.wcs.same_as(b.wcs)) return true;
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

}  // namespace

int run_compare(std::span<const std::string> words, const CommandRow& row, const Process& process) {
  const Arguments arguments(words, row.options, "compare: ");
  set_url_options(arguments);
  if (arguments.words().size() != 2) refuse("compare takes two files, A and B, not {}.", arguments.words().size());
  const double rtol = arguments.number("rtol", 0), atol = arguments.number("atol", 0);
  if (rtol < 0 || atol < 0) refuse("compare: --rtol and --atol cannot be negative.");
  const astro::SkyArray a = open_flow({arguments.words()[0]}, {}).array(), b = open_flow({arguments.words()[1]}, {}).array();

  std::vector<std::string> differences;
  Index count = 0;
  double largest = 0;
  if (a.data.shape() != b.data.shape())
    differences.push_back(fmt::format("shape: {} and {}", to_string(a.data.shape()), to_string(b.data.shape())));
  if (!arguments.has("data-only")) {
    if (a.dims != b.dims || !lie_together(a, b)) differences.emplace_back("axes: the world coordinates differ");
    if (!(a.unit == b.unit)) differences.push_back(fmt::format("unit: '{}' and '{}'", a.unit.to_string(), b.unit.to_string()));
    const bool one_beam = a.beam.has_value() != b.beam.has_value();
    if (one_beam || (a.beam && !astro::is_same(*a.beam, *b.beam)))
      differences.push_back(fmt::format("beam: {} and {}", a.beam ? a.beam->to_string() : "none", b.beam ? b.beam->to_string() : "none"));
  }
  if (a.data.shape() == b.data.shape() && a.data.size() > 0) {
    const Array x = astype(a.data, DType::kFloat64), y = astype(b.data, DType::kFloat64);
    const Array distance = elementwise("absolute", {elementwise("subtract", {x, y})});
    const Array allowed = elementwise("add", {elementwise("multiply", {elementwise("absolute", {y}), rtol}), atol});
    // Infinities of one sign are equal though their difference is NaN; NaN equals NaN.
    const Array same = elementwise(
        "logical_or", {elementwise("logical_or", {elementwise("equal", {x, y}), elementwise("less_equal", {distance, allowed})}),
                       elementwise("logical_and", {elementwise("isnan", {x}), elementwise("isnan", {y})})});
    const Array differs = elementwise("logical_not", {same});
    std::vector<Tensor> results;
    watched(arguments, process, [&](const ComputeOptions& options) {
      results = compute_all({reduce("sum", differs, {}), reduce("max", distance, {}, {.skip_nan = true}), reduce("argmax", differs, {})},
                            options);
    });
    count = static_cast<Index>(results[0].number());
    largest = results[1].number();
    if (count > 0) {
      const auto at = static_cast<Index>(results[2].number());
      differences.push_back(fmt::format("data: {} of {} values differ, first at {}; the largest difference of two numbers is {}",
                                        format_count(count), format_count(a.data.size()), position(at, a.data.shape()),
                                        format_number(largest)));
    }
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
