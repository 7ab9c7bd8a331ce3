/// Elementwise operations: any function of the table, broadcast as NumPy does, fused into programs.
#pragma once

#include <complex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/ops/program.h"

namespace freestone {

/// An array, or a Python-like scalar that takes the dtype of the arrays beside it ("weak", as NumPy 2 has it).
class Operand {
 public:
  Operand(Array array) : array_(std::move(array)) {}
  Operand(double number) : kind_(Kind::kFloat), number_(number) {}
  Operand(int number) : Operand(static_cast<std::int64_t>(number)) {}
  Operand(std::int64_t number) : kind_(Kind::kInteger), number_(static_cast<double>(number)), integer_(number) {}
  /// An integer that may be larger than int64 holds.
  Operand(std::uint64_t number)
      : kind_(Kind::kInteger),
        number_(static_cast<double>(number)),
        integer_(static_cast<std::int64_t>(number)),
        huge_(number >> 63 != 0) {}
  Operand(bool value) : kind_(Kind::kBool), number_(value), integer_(value) {}
  Operand(std::complex<double> number) : kind_(Kind::kComplex), number_(number.real()), imaginary_(number.imag()) {}

  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_integer_scalar() const { return kind_ == Kind::kInteger; }
  const Array& array() const { return array_; }
  /// The type that holds an integer scalar itself: int64, or uint64 beyond that.
  DType own_integer_type() const { return huge_ ? DType::kUint64 : DType::kInt64; }
  /// Whether `type` can hold an integer scalar; other scalars always fit.
  bool fits(DType type) const;
  /// The type of the scalar beside arrays that promote to `arrays` (or alone, with `alone`).
  DType type_beside(DType arrays, bool alone) const;
  /// @throws Error kind user: an integer that `type` cannot hold
  Constant constant(DType type) const;

 private:
  enum class Kind { kArray, kFloat, kInteger, kBool, kComplex };
  Kind kind_ = Kind::kArray;
  Array array_;
  double number_ = 0, imaginary_ = 0;
  std::int64_t integer_ = 0;
  bool huge_ = false;  ///< integer_ holds the bits of a uint64 above int64
};

class ElementwiseOp : public Op {
 public:
  /// @throws Error kind user: shapes that do not broadcast, naming both
  ElementwiseOp(Program program, const std::vector<Spec>& inputs);
  std::string_view name() const override { return "elementwise"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  bool may_overwrite(int input) const override;
  const Program& program() const { return program_; }

 private:
  Program program_;
};

/// Applies the function `name` of the table (or an alias). At least one operand is an array; the last ones may be left out where the row
/// has defaults. int64 and uint64 compare exactly, and so do arrays of integers with integers that their type cannot hold.
/// @throws Error kind user: unknown function (with the nearest name), wrong number of operands, a type that it is not defined for, shapes
///         that do not broadcast
Array elementwise(std::string_view name, const std::vector<Operand>& operands);

/// `a` as `dtype`: floating to integer truncates, NaN and what is out of range become the lowest integer.
/// @throws Error kind user: complex to integer or floating (take real, imag or absolute of it)
Array astype(const Array& a, DType dtype);

inline Array operator+(const Operand& a, const Array& b) { return elementwise("add", {a, b}); }
inline Array operator+(const Array& a, double b) { return elementwise("add", {a, b}); }
inline Array operator-(const Operand& a, const Array& b) { return elementwise("subtract", {a, b}); }
inline Array operator-(const Array& a, double b) { return elementwise("subtract", {a, b}); }
inline Array operator*(const Operand& a, const Array& b) { return elementwise("multiply", {a, b}); }
inline Array operator*(const Array& a, double b) { return elementwise("multiply", {a, b}); }
inline Array operator/(const Operand& a, const Array& b) { return elementwise("divide", {a, b}); }
inline Array operator/(const Array& a, double b) { return elementwise("divide", {a, b}); }
inline Array operator-(const Array& a) { return elementwise("negative", {a}); }
inline Array where(const Operand& condition, const Operand& a, const Operand& b) { return elementwise("where", {condition, a, b}); }

/// Quotient, rounded down, and remainder.
inline std::pair<Array, Array> divmod(const Operand& a, const Operand& b) {
  return {elementwise("floor_divide", {a, b}), elementwise("remainder", {a, b})};
}
/// Mantissa in [0.5, 1) and the exponent of 2 (int32).
inline std::pair<Array, Array> frexp(const Array& a) { return {elementwise("frexp_mantissa", {a}), elementwise("frexp_exponent", {a})}; }
/// The fraction, and the whole part towards 0; both with the sign of the element.
inline std::pair<Array, Array> modf(const Array& a) { return {elementwise("modf_fraction", {a}), elementwise("modf_whole", {a})}; }

/// Whether |a - b| <= absolute + relative * |b|; infinities are close to themselves, NaN to NaN with `equal_nan`.
Array isclose(const Operand& a, const Operand& b, double relative = 1e-5, double absolute = 1e-8, bool equal_nan = false);

/// `nan` for NaN; `positive` and `negative` for the infinities, or the largest finite numbers of the dtype where not given. Integers stay.
Array nan_to_num(const Array& a, double nan = 0, std::optional<double> positive = {}, std::optional<double> negative = {});

/// Not less than `low` and not more than `high`, where given; `high` wins.
Array clip(const Array& a, const std::optional<Operand>& low, const std::optional<Operand>& high);

/// The shape that all broadcast to.
/// @throws Error kind user: they do not, naming the shapes
Shape broadcast_shape(const std::vector<Shape>& shapes);

}  // namespace freestone
