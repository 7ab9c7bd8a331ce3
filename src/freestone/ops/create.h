/// Arrays out of nothing: constants, ranges, grids, identity.
///
/// Two operations without inputs, a constant and a sequence, made tile by tile; everything else is arithmetic on views of them, so an array
/// of zeros takes no memory and a meshgrid takes two lines.
#pragma once

#include <complex>
#include <optional>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/ops/elementwise.h"

namespace freestone {

/// Every element `value`. Without a dtype: bool, int64 or float64, as the number is one.
/// @throws Error kind user: an integer that the dtype cannot hold, an extent below 0
Array full(const Shape& shape, const Operand& value, std::optional<DType> dtype = std::nullopt);
/// @param dtype  complex64 or complex128
Array full_complex(const Shape& shape, std::complex<double> value, DType dtype = DType::kComplex128);
Array zeros(const Shape& shape, DType dtype = DType::kFloat64);
Array ones(const Shape& shape, DType dtype = DType::kFloat64);
/// Zeros: an array here has no memory that could hold anything else.
inline Array empty(const Shape& shape, DType dtype = DType::kFloat64) { return zeros(shape, dtype); }
inline Array zeros_like(const Array& a) { return zeros(a.shape(), a.dtype()); }
inline Array ones_like(const Array& a) { return ones(a.shape(), a.dtype()); }
inline Array empty_like(const Array& a) { return zeros_like(a); }
Array full_like(const Array& a, const Operand& value);

/// start, start + step ... before stop: ceil((stop - start) / step) elements, none when that is negative. Integers give int64, else
/// float64. Element i of floating types is start + i * ((start + step) - start), NumPy's rule.
/// @throws Error kind user: step 0, bounds that are not finite, more elements than can be counted
Array arange(Index start, Index stop, Index step = 1, DType dtype = DType::kInt64);
Array arange(double start, double stop, double step = 1, DType dtype = DType::kFloat64);
inline Array arange(Index stop) { return arange(Index{0}, stop); }
inline Array arange(int stop) { return arange(Index{0}, Index{stop}); }
inline Array arange(int start, int stop, int step = 1) { return arange(Index{start}, Index{stop}, Index{step}); }

/// `count` numbers from start to stop, with `endpoint` stop among them. Integer dtypes take the floor.
/// @throws Error kind user: count below 0
Array linspace(double start, double stop, Index count = 50, bool endpoint = true, DType dtype = DType::kFloat64);
/// The distance between neighbours of that linspace; NaN when there are none.
double linspace_step(double start, double stop, Index count = 50, bool endpoint = true);
/// base to the power of linspace(start, stop).
Array logspace(double start, double stop, Index count = 50, bool endpoint = true, double base = 10, DType dtype = DType::kFloat64);
/// Numbers with equal ratios from start to stop.
/// @throws Error kind user: a bound of 0, or bounds of different signs
Array geomspace(double start, double stop, Index count = 50, bool endpoint = true, DType dtype = DType::kFloat64);

/// Ones where column - row = k, zeros elsewhere.
Array eye(Index rows, std::optional<Index> columns = std::nullopt, Index k = 0, DType dtype = DType::kFloat64);
inline Array identity(Index n, DType dtype = DType::kFloat64) { return eye(n, n, 0, dtype); }
/// Ones where column - row <= k.
Array tri(Index rows, std::optional<Index> columns = std::nullopt, Index k = 0, DType dtype = DType::kFloat64);
/// `a` with zeros above (tril), below (triu) the k-th diagonal of its last two axes.
/// @throws Error kind user: fewer than two axes
Array tril(const Array& a, Index k = 0);
Array triu(const Array& a, Index k = 0);

/// The positions of every axis of `shape`, each an int64 array of that shape.
std::vector<Array> indices(const Shape& shape);
/// Grids of 1-D coordinates: by `xy` the first runs along axis 1 and the second along axis 0, as NumPy's default; by `ij` each along its
/// own.
enum class GridOrder { kXy, kIj };
std::vector<Array> meshgrid(const std::vector<Array>& axes, GridOrder order = GridOrder::kXy);

/// One element.
class ConstantOp : public Op {
 public:
  /// `bytes`: the element, as it lies in memory.
  ConstantOp(DType dtype, std::vector<std::uint8_t> bytes);
  std::string_view name() const override { return "constant"; }
  nlohmann::json params() const override;
  Need need(const Box&) const override { return {}; }
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::vector<std::uint8_t> bytes_;
};

/// One axis of numbers with equal distances.
class SequenceOp : public Op {
 public:
  struct Integers {
    Index start = 0, step = 1;
  };
  struct Numbers {
    double start = 0, step = 1;
    double divisor = 0;                         ///< not 0: element i is start + i / divisor * step
    std::optional<double> last = std::nullopt;  ///< the last element, exactly
  };
  SequenceOp(Index count, DType dtype, Integers rule);
  /// Computed in the dtype, float32 or float64.
  SequenceOp(Index count, DType dtype, Numbers rule);
  std::string_view name() const override { return "sequence"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Integers integers_;
  Numbers numbers_;
};

}  // namespace freestone
