/// PixelMap: where the pixels of an image lie in another one, as the parameter of an operation.
///
/// Cells of kCell x kCell pixels, anchored at the first pixel. A cell whose positions are bilinear to a tolerance is held by its four corners; any
/// other by the positions of all its pixels. A large smooth map is thus small, a map with a date line or the rim of a projection is as it was asked
/// for, and what a tile needs is read off the cells, without the mathematics of projections where a plan runs.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "freestone/core/box.h"

namespace freestone {

class PixelMap {
 public:
  static constexpr Index kCell = 32;

  /// Rows and columns of pixels of the new image, which become those of the old one; centres lie at integers; NaN: there is none. May be asked for
  /// pixels beyond the new image's edge.
  using Function = std::function<void(std::span<double> rows, std::span<double> columns)>;
  /// A map of rows x columns pixels.
  /// @param tolerance  pixels of the old image that a position may be off; 0: every position as the function gives it. It grows tenfold, to
  ///                   1/8 at most, which is gdalwarp's, where a finer one would hold more than 4 million pixels one by one
  /// @throws Error kind memory: more than 16 million pixels have to be held one by one
  static PixelMap make(Index rows, Index columns, const Function& function, double tolerance);

  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  /// Positions of the pixels of `box`, two axes, in C order. Each has `box.count()` elements.
  void positions(const Box& box, std::span<double> rows, std::span<double> columns) const;
  struct Bounds {
    double low_row, high_row, low_column, high_column;
    bool empty() const { return !(low_row <= high_row); }
  };
  /// Around the positions of the cells that `box` touches; empty when there are none.
  Bounds bounds(const Box& box) const;

  nlohmann::json to_json() const;
  /// @throws Error kind data: damaged
  static PixelMap from_json(const nlohmann::json& json);
  /// 256 bits of it all, as text.
  std::string digest() const;

 private:
  PixelMap(Index rows, Index columns);
  Index cell(Index i, Index j) const { return i * cell_columns_ + j; }
  /// Rows and columns of pixels that cell (i, j) has.
  Box pixels_of(Index i, Index j) const;
  /// What the lists of corners have for those of cell (i, j): the first two of its upper edge.
  std::array<std::size_t, 4> corners_of(Index i, Index j) const;
  /// Between them, by shares of the cell's height and width.
  double inside(const std::vector<double>& of_corners, Index i, Index j, double down, double right) const;
  void find_bounds();
  std::string bytes() const;

  Index rows_ = 0, columns_ = 0, cell_rows_ = 0, cell_columns_ = 0;
  std::vector<double> corner_rows_, corner_columns_;  ///< (cell_rows_ + 1) x (cell_columns_ + 1)
  std::vector<Index> exact_;                          ///< of each cell: -1, or where its pixels begin in the lists below
  std::vector<double> exact_rows_, exact_columns_;
  std::vector<Bounds> bounds_;
};

using PixelMapRef = std::shared_ptr<const PixelMap>;

}  // namespace freestone
