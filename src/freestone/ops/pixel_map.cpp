#include "freestone/ops/pixel_map.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/base/base64.h"
#include "freestone/base/error.h"
#include "freestone/base/quantity.h"
#include "freestone/base/sha256.h"

namespace freestone {
namespace {

constexpr Index kMostExact = Index{1} << 22;  // pixels whose positions are held one by one, if a rougher tolerance helps
constexpr Index kLimit = Index{1} << 24;      // if nothing does
constexpr Index kMostCells = Index{1} << 22;  // some 60 bytes each
constexpr double kRoughest = 0.125;           // of a pixel: what gdalwarp allows by default
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Index kCell = PixelMap::kCell;

/// Looked at in each cell, in parts of it: where a bilinear position is farthest off.
constexpr double kProbes[][2] = {{0.5, 0.5}, {0, 0.5}, {0.5, 0}, {0.25, 0.75}, {0.75, 0.25}};
constexpr std::size_t kProbeCount = std::size(kProbes);

template <class T>
void append(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
nlohmann::json json_of(const std::vector<T>& values) {
  return base64_encoded(std::as_bytes(std::span(values)));
}

template <class T>
std::vector<T> list_in(const nlohmann::json& json, const char* key) {
  const auto bytes = base64_decoded(json.at(key).get<std::string>());
  if (!bytes || bytes->size() % sizeof(T) != 0) fail(ErrorKind::kData, "The plan is damaged: a map of pixels is cut short.");
  std::vector<T> values(bytes->size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes->data(), bytes->size());
  return values;
}

}  // namespace

PixelMap::PixelMap(Index rows, Index columns)
    : rows_(rows), columns_(columns), cell_rows_((rows + kCell - 1) / kCell), cell_columns_((columns + kCell - 1) / kCell) {}

Box PixelMap::pixels_of(Index i, Index j) const {
  return {{i * kCell, j * kCell}, {std::min(kCell, rows_ - i * kCell), std::min(kCell, columns_ - j * kCell)}};
}

std::array<std::size_t, 4> PixelMap::corners_of(Index i, Index j) const {
  const auto line = static_cast<std::size_t>(cell_columns_) + 1, first = static_cast<std::size_t>(i) * line + static_cast<std::size_t>(j);
  return {first, first + 1, first + line, first + line + 1};
}

double PixelMap::inside(const std::vector<double>& of_corners, Index i, Index j, double down, double right) const {
  const auto [a, b, c, d] = corners_of(i, j);
  return (1 - down) * ((1 - right) * of_corners[a] + right * of_corners[b]) + down * ((1 - right) * of_corners[c] + right * of_corners[d]);
}

PixelMap PixelMap::make(Index rows, Index columns, const Function& function, double tolerance) {
  PixelMap map(rows, columns);
  const Index cells = map.cell_rows_ * map.cell_columns_;
  if (cells > kMostCells)
    fail(ErrorKind::kUser, "An image of {} x {} pixels is more than one map holds ({} cells of {} x {}). Take larger pixels, or parts: --bbox.", rows, columns,
         kMostCells, kCell, kCell);
  map.exact_.assign(static_cast<std::size_t>(cells), 0);
  for (Index i = 0; i <= map.cell_rows_; ++i) {
    for (Index j = 0; j <= map.cell_columns_; ++j) {
      map.corner_rows_.push_back(static_cast<double>(i * kCell));
      map.corner_columns_.push_back(static_cast<double>(j * kCell));
    }
  }
  const auto line = static_cast<std::size_t>(map.cell_columns_ + 1);
  for (std::size_t first = 0; first < map.corner_rows_.size(); first += line) {
    function(std::span(map.corner_rows_).subspan(first, line), std::span(map.corner_columns_).subspan(first, line));
  }

  std::vector<double> probe_rows, probe_columns;
  for (Index i = 0; tolerance > 0 && i < map.cell_rows_; ++i) {
    probe_rows.clear(), probe_columns.clear();
    for (Index j = 0; j < map.cell_columns_; ++j) {
      for (const auto& probe : kProbes) {
        probe_rows.push_back(static_cast<double>(i * kCell) + probe[0] * kCell);
        probe_columns.push_back(static_cast<double>(j * kCell) + probe[1] * kCell);
      }
    }
    function(probe_rows, probe_columns);
    for (Index j = 0; j < map.cell_columns_; ++j) {
      bool is_smooth = true;
      for (std::size_t p = 0; p < kProbeCount; ++p) {
        const std::size_t at = static_cast<std::size_t>(j) * kProbeCount + p;
        const auto off = [&](const std::vector<double>& of_corners, double exact) {
          return std::abs(map.inside(of_corners, i, j, kProbes[p][0], kProbes[p][1]) - exact);
        };
        // Not so of NaN.
        is_smooth = is_smooth && off(map.corner_rows_, probe_rows[at]) <= tolerance && off(map.corner_columns_, probe_columns[at]) <= tolerance;
      }
      if (is_smooth) map.exact_[static_cast<std::size_t>(map.cell(i, j))] = -1;
    }
  }

  Index exact_pixels = 0;
  for (Index i = 0; i < map.cell_rows_; ++i)
    for (Index j = 0; j < map.cell_columns_; ++j)
      if (map.exact_[static_cast<std::size_t>(map.cell(i, j))] == 0) exact_pixels += map.pixels_of(i, j).count();
  if (exact_pixels > kMostExact && tolerance > 0 && tolerance < kRoughest) return make(rows, columns, function, std::min(10 * tolerance, kRoughest));
  if (exact_pixels > kLimit) {
    fail(ErrorKind::kMemory, "A map to {} x {} pixels that bends this much would take {}. Make the image of parts: --bbox.", rows, columns,
         format_bytes(exact_pixels * 2 * static_cast<Index>(sizeof(double))));
  }
  for (Index i = 0; i < map.cell_rows_; ++i) {
    for (Index j = 0; j < map.cell_columns_; ++j) {
      Index& exact = map.exact_[static_cast<std::size_t>(map.cell(i, j))];
      if (exact < 0) continue;
      exact = static_cast<Index>(map.exact_rows_.size());
      const Box pixels = map.pixels_of(i, j);
      for (Index r = pixels.start[0]; r < pixels.end(0); ++r) {
        for (Index c = pixels.start[1]; c < pixels.end(1); ++c) {
          map.exact_rows_.push_back(static_cast<double>(r));
          map.exact_columns_.push_back(static_cast<double>(c));
        }
      }
      // A cell at a time: what the function takes for itself stays small.
      function(std::span(map.exact_rows_).subspan(static_cast<std::size_t>(exact)), std::span(map.exact_columns_).subspan(static_cast<std::size_t>(exact)));
    }
  }
  map.find_bounds();
  return map;
}

void PixelMap::positions(const Box& box, std::span<double> rows, std::span<double> columns) const {
  const auto width = static_cast<std::size_t>(box.shape[1]);
  for (Index i = box.start[0] / kCell; i * kCell < box.end(0); ++i) {
    for (Index j = box.start[1] / kCell; j * kCell < box.end(1); ++j) {
      const Box cell_pixels = pixels_of(i, j);
      const Index exact = exact_[static_cast<std::size_t>(cell(i, j))];
      for (Index r = std::max(box.start[0], cell_pixels.start[0]); r < std::min(box.end(0), cell_pixels.end(0)); ++r) {
        const double v = static_cast<double>(r - i * kCell) / kCell;
        for (Index c = std::max(box.start[1], cell_pixels.start[1]); c < std::min(box.end(1), cell_pixels.end(1)); ++c) {
          const std::size_t to = static_cast<std::size_t>(r - box.start[0]) * width + static_cast<std::size_t>(c - box.start[1]);
          if (exact >= 0) {
            const auto from = static_cast<std::size_t>(exact + (r - cell_pixels.start[0]) * cell_pixels.shape[1] + c - cell_pixels.start[1]);
            rows[to] = exact_rows_[from], columns[to] = exact_columns_[from];
            continue;
          }
          const double u = static_cast<double>(c - j * kCell) / kCell;
          rows[to] = inside(corner_rows_, i, j, v, u), columns[to] = inside(corner_columns_, i, j, v, u);
        }
      }
    }
  }
}

void PixelMap::find_bounds() {
  for (Index i = 0; i < cell_rows_; ++i) {
    for (Index j = 0; j < cell_columns_; ++j) {
      Bounds b{kInfinity, -kInfinity, kInfinity, -kInfinity};
      const auto add = [&](double row, double column) {
        if (!std::isfinite(row) || !std::isfinite(column)) return;
        b = {std::min(b.low_row, row), std::max(b.high_row, row), std::min(b.low_column, column), std::max(b.high_column, column)};
      };
      const Index exact = exact_[static_cast<std::size_t>(cell(i, j))];
      if (exact >= 0) {
        for (Index k = exact; k < exact + pixels_of(i, j).count(); ++k) add(exact_rows_[static_cast<std::size_t>(k)], exact_columns_[static_cast<std::size_t>(k)]);
      } else {
        for (const std::size_t k : corners_of(i, j)) add(corner_rows_[k], corner_columns_[k]);
        // What is worked out between corners may be off by a rounding.
        b = {b.low_row - 1e-6, b.high_row + 1e-6, b.low_column - 1e-6, b.high_column + 1e-6};
      }
      bounds_.push_back(b);
    }
  }
}

PixelMap::Bounds PixelMap::bounds(const Box& box) const {
  Bounds b{kInfinity, -kInfinity, kInfinity, -kInfinity};
  for (Index i = box.start[0] / kCell; i * kCell < box.end(0); ++i) {
    for (Index j = box.start[1] / kCell; j * kCell < box.end(1); ++j) {
      const Bounds& one = bounds_[static_cast<std::size_t>(cell(i, j))];
      b = {std::min(b.low_row, one.low_row), std::max(b.high_row, one.high_row), std::min(b.low_column, one.low_column),
           std::max(b.high_column, one.high_column)};
    }
  }
  return b;
}

std::string PixelMap::bytes() const {
  std::string bytes = fmt::format("{}x{}:", rows_, columns_);
  append(bytes, exact_), append(bytes, corner_rows_), append(bytes, corner_columns_), append(bytes, exact_rows_), append(bytes, exact_columns_);
  return bytes;
}

std::string PixelMap::digest() const { return hexadecimal(sha256(bytes())); }

nlohmann::json PixelMap::to_json() const {
  return {{"rows", rows_},
          {"columns", columns_},
          {"exact", json_of(exact_)},
          {"corner_rows", json_of(corner_rows_)},
          {"corner_columns", json_of(corner_columns_)},
          {"exact_rows", json_of(exact_rows_)},
          {"exact_columns", json_of(exact_columns_)}};
}

PixelMap PixelMap::from_json(const nlohmann::json& json) {
  const auto rows = json.at("rows").get<Index>(), columns = json.at("columns").get<Index>();
  constexpr Index kLongest = Index{1} << 31;
  if (rows < 1 || columns < 1 || rows > kLongest || columns > kLongest) fail(ErrorKind::kData, "The plan is damaged: a map of {} x {} pixels.", rows, columns);
  PixelMap map(rows, columns);
  map.exact_ = list_in<Index>(json, "exact");
  map.corner_rows_ = list_in<double>(json, "corner_rows"), map.corner_columns_ = list_in<double>(json, "corner_columns");
  map.exact_rows_ = list_in<double>(json, "exact_rows"), map.exact_columns_ = list_in<double>(json, "exact_columns");
  const auto cells = static_cast<std::size_t>(map.cell_rows_ * map.cell_columns_), corners = static_cast<std::size_t>((map.cell_rows_ + 1) * (map.cell_columns_ + 1));
  bool fits = map.exact_.size() == cells && map.corner_rows_.size() == corners && map.corner_columns_.size() == corners &&
              map.exact_rows_.size() == map.exact_columns_.size();
  for (Index i = 0; fits && i < map.cell_rows_; ++i) {
    for (Index j = 0; fits && j < map.cell_columns_; ++j) {
      const Index exact = map.exact_[static_cast<std::size_t>(map.cell(i, j))];
      fits = exact == -1 || (exact >= 0 && exact <= static_cast<Index>(map.exact_rows_.size()) - map.pixels_of(i, j).count());
    }
  }
  if (!fits) fail(ErrorKind::kData, "The plan is damaged: a map of pixels does not fit its image.");
  map.find_bounds();
  return map;
}

}  // namespace freestone
