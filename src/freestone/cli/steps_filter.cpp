#include <cmath>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/print.h"
#include "freestone/cli/step.h"
#include "freestone/label/open.h"
#include "freestone/ops/smooth.h"

namespace freestone::cli {
namespace {

void sigma_clip(Flow& flow, const Arguments& arguments, Request&) {
  ClipOptions options;
  options.low = options.high = arguments.number("threshold", 3);
  if (!(options.low > 0)) refuse("sigma-clip: --threshold must be above 0, not {}.", format_number(options.low));
  options.max_iterations = static_cast<int>(arguments.integer("maxiters", 5, -1));
  options.center_mean = arguments.text("center", "median") == "mean";
  options.deviation_mad = arguments.text("deviation", "std") == "mad-std";
  flow.each({arguments.text("axis", "spectral")},
            [&](const astro::SkyArray& array, const std::vector<std::string>& axes) { return astro::sigma_clip(array, axes.front(), options); });
}

/// A kernel from a file: any array of 1 or 2 dimensions.
Tensor kernel_from(const std::string& path) {
  const Array array = open(path).array();
  if (array.size() > 1'000'000)
    fail(ErrorKind::kUser, "{}: {} elements are too many for a kernel (limit 1,000,000).", path, format_count(array.size()));
  return compute(array);
}

void smooth(Flow& flow, const Arguments& arguments, Request&) {
  const std::vector<std::string> axes = arguments.list("axis", {"spectral"});
  if (axes.size() > 2) refuse("smooth: --axis takes one axis, or y,x.");
  const std::string kernel = arguments.text("kernel", "gaussian");
  std::vector<double> line;
  if (kernel == "gaussian") {
    if (!arguments.has("stddev")) refuse("smooth: a Gaussian kernel needs --stddev, in elements of the axis.");
    const double stddev = arguments.number("stddev", 1);
    if (!(stddev > 0)) refuse("smooth: --stddev must be above 0, not {}.", format_number(stddev));
    if (arguments.has("width")) refuse("smooth: --width belongs to --kernel box; a Gaussian takes --stddev.");
    line = gaussian_kernel(stddev);
  } else if (kernel == "box") {
    if (!arguments.has("width")) refuse("smooth: a box kernel needs --width, in elements of the axis.");
    const double width = arguments.number("width", 1);
    if (!(width > 0)) refuse("smooth: --width must be above 0, not {}.", format_number(width));
    if (arguments.has("stddev")) refuse("smooth: --stddev belongs to --kernel gaussian; a box takes --width.");
    line = box_kernel(width);
  } else if (arguments.has("stddev") || arguments.has("width")) {
    refuse("smooth: a kernel from a file takes neither --stddev nor --width.");
  }
  if (axes.size() == 1) {
    if (line.empty()) {
      const Tensor file = kernel_from(kernel);
      if (file.shape().rank() != 1)
        fail(ErrorKind::kUser, "{}: a kernel along one axis has one dimension, this has the shape {}.", kernel, to_string(file.shape()));
      line = numbers_of(file);
    }
    flow.each(axes, [&](const astro::SkyArray& array, const std::vector<std::string>& present) { return astro::smooth(array, line, present.front()); });
    return;
  }
  const int rank = flow.array().rank();
  if (rank < 2 || flow.array().axis(axes[0]) != rank - 2 || flow.array().axis(axes[1]) != rank - 1)
    fail(ErrorKind::kUser,
         "smooth: two axes at once must be the last two, in order (as y,x). Transpose before, or smooth one axis after the other.");
  auto rows = static_cast<Index>(line.size()), columns = rows;
  std::vector<double> plane;
  if (line.empty()) {
    const Tensor file = kernel_from(kernel);
    const int rank_of_file = file.shape().rank();
    // An image in FITS often has more axes, of length 1.
    bool is_plane = rank_of_file >= 2;
    for (int k = 0; k < rank_of_file - 2; ++k) is_plane = is_plane && file.shape()[k] == 1;
    if (!is_plane) fail(ErrorKind::kUser, "{}: a kernel over y,x has two dimensions, this has the shape {}.", kernel, to_string(file.shape()));
    plane = numbers_of(file), rows = file.shape()[rank_of_file - 2], columns = file.shape()[rank_of_file - 1];
  } else {
    for (const double a : line)
      for (const double b : line) plane.push_back(a * b);
  }
  flow.array() = astro::smooth_2d(flow.array(), plane, rows, columns);
}

void convolve(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("beam")) refuse("convolve needs --beam MAJ,MIN,PA with units, such as 1.08arcsec,1.08arcsec,0deg.");
  const astro::Beam target = arguments.parsed("beam", [](const std::string& text) { return astro::parse_beam(text); });
  flow.array() = astro::convolve_to(flow.array(), target);
}

void downsample(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("factor")) refuse("downsample needs --factor, how many elements become one.");
  flow.each(arguments.list("axis", {"spectral"}), [&](const astro::SkyArray& array, const std::vector<std::string>& axes) {
    return astro::downsample(array, arguments.integer("factor", 1, 1), axes, arguments.text("function", "mean"), arguments.has("truncate"));
  });
}

}  // namespace

std::vector<StepRow> filter_steps() {
  return {
      {"sigma-clip",
       "",
       "replaces outliers along an axis by NaN: beyond so many deviations from the centre, again and again",
       "cube.fits ! sigma-clip --threshold 3 ! write clipped.fits",
       false,
       {{"threshold", "T", "in deviations (default 3)"},
        {"axis", "AXIS", "default spectral"},
        {"maxiters", "N", "rounds at the most (default 5; -1: until nothing drops)"},
        {"center", "WHAT", "median (default) or mean", {"median", "mean"}},
        {"deviation", "WHAT", "std (default) or mad-std", {"std", "mad-std"}}},
       sigma_clip},
      {"smooth",
       "",
       "convolves with a kernel along an axis or over y,x; NaN is interpolated",
       "cube.fits ! smooth --axis spectral --kernel gaussian --stddev 4 ! write smooth.fits",
       false,
       {{"axis", "AXES", "one axis, or y,x (default spectral)"},
        {"kernel", "KIND", "gaussian (default), box, or a file with the kernel (.npy, .fits)"},
        {"stddev", "N", "of the Gaussian, in elements"},
        {"width", "N", "of the box, in elements"}},
       smooth},
      {"convolve",
       "",
       "to a larger beam, plane by plane",
       "cube.fits ! convolve --beam 1.08arcsec,1.08arcsec,0deg ! write round.fits",
       false,
       {{"beam", "MAJ,MIN,PA", "the beam of the result, with units"}},
       convolve},
      {"downsample",
       "",
       "groups of neighbours become one element",
       "cube.fits ! downsample --factor 2 --axis y,x ! write small.fits",
       false,
       {{"factor", "N", "how many become one"},
        {"axis", "AXES", "by comma (default spectral)"},
        {"function", "NAME", "mean (default), sum, min, max, median", {"mean", "sum", "min", "max", "median"}},
        {"truncate", "", "drops what is left over at the end (default: a shorter group)"}},
       downsample},
  };
}

}  // namespace freestone::cli
