#include "freestone/astro/common_beam.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "freestone/base/error.h"

namespace freestone::astro {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr int kWidenings = 10;
constexpr int kMostIterations = 100000;

struct Point {
  double x, y;
};
struct Symmetric {
  double xx, xy, yy;
};

/// Squared widths along x (the direction of position angle 0) and y.
Symmetric matrix_of(const Beam& b) {
  const double c = std::cos(b.pa_deg * kDegree), s = std::sin(b.pa_deg * kDegree);
  const double major = b.major_deg * b.major_deg, minor = b.minor_deg * b.minor_deg;
  return {major * c * c + minor * s * s, (major - minor) * s * c, major * s * s + minor * c * c};
}

Beam beam_of(const Symmetric& m) {
  const double sum = m.xx + m.yy, difference = std::hypot(m.xx - m.yy, 2 * m.xy);
  Beam beam{std::sqrt(0.5 * (sum + difference)), std::sqrt(std::max(0.0, 0.5 * (sum - difference))),
            0.5 * std::atan2(2 * m.xy, m.xx - m.yy) / kDegree};
  if (beam.is_circular()) beam.pa_deg = 0;
  return beam;
}

bool encloses_all(const Beam& large, const std::vector<Beam>& beams) {
  return std::all_of(beams.begin(), beams.end(), [&](const Beam& b) { return is_same(large, b) || deconvolve(large, b).has_value(); });
}

/// The ellipse of least area around two centred ones: in the coordinates in which the first is a unit circle and the second has its axes
/// along the coordinate axes, it has the larger of both widths on each axis.
Beam common_of_two(const Beam& first, const Beam& second) {
  const Symmetric a = matrix_of(first), b = matrix_of(second);
  // a = L L^T; m = L^-1 b L^-T.
  const double l11 = std::sqrt(a.xx), l21 = a.xy / l11, l22 = std::sqrt(a.yy - l21 * l21);
  const double m11 = b.xx / (l11 * l11);
  const double m12 = (b.xy - l21 * b.xx / l11) / (l11 * l22);
  const double m22 = (b.yy - 2 * l21 * b.xy / l11 + l21 * l21 * b.xx / (l11 * l11)) / (l22 * l22);
  const double turn = 0.5 * std::atan2(2 * m12, m11 - m22);
  const double c = std::cos(turn), s = std::sin(turn);
  const double difference = std::hypot(m11 - m22, 2 * m12);
  const double large = std::max(1.0, 0.5 * (m11 + m22 + difference)), small = std::max(1.0, 0.5 * (m11 + m22 - difference));
  const double k11 = large * c * c + small * s * s, k12 = (large - small) * s * c, k22 = large * s * s + small * c * c;
  Beam out = beam_of({l11 * l11 * k11, l11 * (l21 * k11 + l22 * k12), l21 * l21 * k11 + 2 * l21 * l22 * k12 + l22 * l22 * k22});
  // It touches both: a last widening far below any pixel lets both be deconvolved from it.
  constexpr double kWidening = 1 + 1e-12;
  out.major_deg *= kWidening, out.minor_deg *= kWidening;
  return out;
}

/// Corners of the convex hull (Andrew's monotone chain).
std::vector<Point> convex_hull(std::vector<Point> points) {
  std::sort(points.begin(), points.end(), [](Point a, Point b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  std::vector<Point> hull;
  const auto add = [&hull](Point p, std::size_t base) {
    while (hull.size() >= base + 2) {
      const Point a = hull[hull.size() - 2], b = hull.back();
      if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0) break;
      hull.pop_back();
    }
    hull.push_back(p);
  };
  for (const Point p : points) add(p, 0);
  const std::size_t base = hull.size() - 1;
  for (auto p = points.rbegin() + 1; p != points.rend(); ++p) add(*p, base);
  hull.pop_back();
  return hull;
}

/// The minimum-volume ellipse around points, by Khachiyan's algorithm as Todd and Yildirim (2007) give it: points lifted to (x, y, 1),
/// weights moved to the point that lies farthest out until they move less than `tolerance`.
Beam smallest_ellipse(const std::vector<Point>& given, double tolerance) {
  // In units of the largest radius, so that the 3 x 3 matrix is well conditioned.
  double scale = 0;
  for (const Point p : given) scale = std::max(scale, std::hypot(p.x, p.y));
  std::vector<Point> points = given;
  for (Point& p : points) p.x /= scale, p.y /= scale;
  const std::size_t n = points.size();
  std::vector<double> weights(n, 1.0 / static_cast<double>(n));

  double xx = 0, xy = 0, yy = 0, x = 0, y = 0;
  const auto add_up = [&] {
    xx = xy = yy = x = y = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto [px, py] = points[i];
      xx += weights[i] * px * px, xy += weights[i] * px * py, yy += weights[i] * py * py, x += weights[i] * px, y += weights[i] * py;
    }
  };
  for (int iteration = 0; iteration < kMostIterations; ++iteration) {
    add_up();
    // Distance of (px, py, 1) in the inverse of [[xx, xy, x], [xy, yy, y], [x, y, 1]]: 1 + that of the centred 2 x 2 matrix.
    const double cxx = xx - x * x, cxy = xy - x * y, cyy = yy - y * y;
    const double determinant = cxx * cyy - cxy * cxy;
    std::size_t farthest = 0;
    double largest = -1;
    for (std::size_t i = 0; i < n; ++i) {
      const double dx = points[i].x - x, dy = points[i].y - y;
      const double distance = 1 + (cyy * dx * dx - 2 * cxy * dx * dy + cxx * dy * dy) / determinant;
      if (distance > largest) largest = distance, farthest = i;
    }
    const double step = (largest - 3) / (3 * (largest - 1));
    double squares = 0;
    for (const double w : weights) squares += w * w;
    if (std::abs(step) * std::sqrt(squares) <= tolerance) break;
    for (double& w : weights) w *= 1 - step;
    weights[farthest] += step;
  }
  add_up();
  const double square = scale * scale * (1 + tolerance) * (1 + tolerance) * 2;
  return beam_of({square * (xx - x * x), square * (xy - x * y), square * (yy - y * y)});
}

std::vector<Point> edge_points(const std::vector<Beam>& beams, double epsilon, int samples) {
  std::vector<Point> points;
  points.reserve(beams.size() * static_cast<std::size_t>(samples));
  for (const Beam& b : beams) {
    const double c = std::cos(b.pa_deg * kDegree), s = std::sin(b.pa_deg * kDegree);
    for (int i = 0; i + 1 < samples; ++i) {  // the last of `samples` points is the first again
      const double phi = 2 * std::numbers::pi * i / (samples - 1);
      const double u = b.major_deg * (1 + epsilon) * std::cos(phi), v = b.minor_deg * (1 + epsilon) * std::sin(phi);
      points.push_back({u * c - v * s, u * s + v * c});
    }
  }
  return points;
}

std::vector<Beam> valid_ones(std::span<const Beam> beams) {
  std::vector<Beam> valid;
  std::copy_if(beams.begin(), beams.end(), std::back_inserter(valid), [](const Beam& b) { return b.is_valid(); });
  if (valid.empty()) fail(ErrorKind::kUser, "There is no valid beam among {}: all are empty or NaN.", beams.size());
  return valid;
}

}  // namespace

Beam largest_beam(std::span<const Beam> beams) {
  const std::vector<Beam> valid = valid_ones(beams);
  return *std::max_element(valid.begin(), valid.end(),
                           [](const Beam& a, const Beam& b) { return a.major_deg * a.minor_deg < b.major_deg * b.minor_deg; });
}

Beam common_beam(std::span<const Beam> beams, const CommonBeamOptions& options) {
  const std::vector<Beam> valid = valid_ones(beams);
  const Beam largest = largest_beam(valid);
  if (valid.size() == 1 || encloses_all(largest, valid)) return largest;
  if (valid.size() == 2) {
    const Beam exact = common_of_two(valid[0], valid[1]);
    if (encloses_all(exact, valid)) return exact;
  }
  double epsilon = options.epsilon;
  for (int step = 1; step <= kWidenings; ++step) {
    const Beam found = smallest_ellipse(convex_hull(edge_points(valid, epsilon, options.samples)), options.tolerance);
    if (encloses_all(found, valid)) return found;
    epsilon += (step + 1) * (options.max_epsilon - epsilon) / kWidenings;
  }
  fail(ErrorKind::kData, "No common beam was found for {} beams within a widening of {}; the largest is {}.", valid.size(),
       options.max_epsilon, largest.to_string());
}

}  // namespace freestone::astro
