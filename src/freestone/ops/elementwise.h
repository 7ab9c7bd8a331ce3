/// Elementwise operations: any function of the table, broadcast as NumPy does, fused into programs.
#pragma once

#include <string_view>
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
  Operand(std::int64_t number) : kind_(Kind::kInteger), integer_(number) {}
  Operand(bool value) : kind_(Kind::kBool), integer_(value) {}

  bool is_array() const { return kind_ == Kind::kArray; }
  const Array& array() const { return array_; }
  /// The type of the scalar beside arrays that promote to `arrays` (or alone, with `alone`).
  DType type_beside(DType arrays, bool alone) const;
  /// @throws Error kind user: an integer that `type` cannot hold
  Constant constant(DType type) const;

 private:
  enum class Kind { kArray, kFloat, kInteger, kBool };
  Kind kind_ = Kind::kArray;
  Array array_;
  double number_ = 0;
  std::int64_t integer_ = 0;
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

/// Applies the function `name` of the table. At least one operand is an array.
/// @throws Error kind user: unknown function (with the nearest name), wrong number of operands, shapes that do not broadcast
Array elementwise(std::string_view name, const std::vector<Operand>& operands);

/// `a` as `dtype`: floating to integer truncates.
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

/// The shape that all broadcast to.
/// @throws Error kind user: they do not, naming the shapes
Shape broadcast_shape(const std::vector<Shape>& shapes);

}  // namespace freestone
