#include "freestone/ops/elementwise.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace freestone {
namespace {

/// Broadcasting: trailing axes meet, axes of length 1 stay where they are.
std::vector<Access> broadcast_access(const std::vector<Spec>& inputs, const Shape& domain) {
  std::vector<Access> all;
  for (const Spec& spec : inputs) {
    Access access;
    const int lead = domain.rank() - spec.shape.rank();
    for (int k = 0; k < spec.shape.rank(); ++k)
      access.push_back(spec.shape[k] == 1 && domain[lead + k] != 1 ? AxisMap::fixed(0) : AxisMap::point(lead + k));
    all.push_back(std::move(access));
  }
  return all;
}

std::vector<Shape> shapes_of(const std::vector<Spec>& specs) {
  std::vector<Shape> shapes;
  for (const Spec& spec : specs) shapes.push_back(spec.shape);
  return shapes;
}

/// `in` seen with the shape of the domain box: broadcast axes get stride 0.
View broadcast_view(const Tile& in, const Access& access, const Box& box, const Shape& array) {
  const Tile part = in.part(map_box(access, box, array));
  View out = part.view;
  out.shape = box.shape;
  out.strides = Dims(box.rank(), 0);
  for (int k = 0; k < part.view.rank(); ++k)
    if (const AxisMap& map = access[static_cast<std::size_t>(k)]; map.kind == AxisKind::kPoint)
      out.strides[map.domain_axis] = part.view.strides[k];
  return out;
}

}  // namespace

Shape broadcast_shape(const std::vector<Shape>& shapes) {
  Shape out;
  for (const Shape& shape : shapes)
    while (out.rank() < shape.rank()) out.insert(0, 1);
  for (const Shape& shape : shapes) {
    const int lead = out.rank() - shape.rank();
    for (int k = 0; k < shape.rank(); ++k) {
      if (shape[k] == 1 || shape[k] == out[lead + k]) continue;
      if (out[lead + k] != 1) {
        std::string text;
        for (const Shape& s : shapes) text += (text.empty() ? "" : " and ") + to_string(s);
        fail(ErrorKind::kUser, "Shapes {} do not broadcast together: axes must be equal or 1, counted from the last.", text);
      }
      out[lead + k] = shape[k];
    }
  }
  return out;
}

DType Operand::type_beside(DType arrays, bool alone) const {
  switch (kind_) {
    case Kind::kFloat: return !alone && is_floating(arrays) ? arrays : DType::kFloat64;
    case Kind::kInteger: return !alone && !is_bool(arrays) ? arrays : DType::kInt64;
    case Kind::kBool: return alone ? DType::kBool : arrays;
    case Kind::kArray: return array_.dtype();
  }
  return arrays;
}

Constant Operand::constant(DType type) const {
  Constant out{type, number_, integer_};
  if (kind_ == Kind::kFloat) {
    out.integer = is_bool(type) ? number_ != 0 : 0;
    return out;
  }
  out.number = static_cast<double>(integer_);
  if (is_bool(type)) out.integer = integer_ != 0;
  if (is_integer(type)) {
    const Index bits = 8 * size_of(type);
    const bool fits = is_signed_integer(type) ? bits == 64 || (integer_ >= -(Index{1} << (bits - 1)) && integer_ < (Index{1} << (bits - 1)))
                                              : integer_ >= 0 && (bits == 64 || integer_ < (Index{1} << bits));
    if (!fits) fail(ErrorKind::kUser, "The number {} does not fit into {}. Convert the array first (astype).", integer_, name_of(type));
  }
  return out;
}

ElementwiseOp::ElementwiseOp(Program program, const std::vector<Spec>& inputs)
    : Op(broadcast_shape(shapes_of(inputs)), {{broadcast_shape(shapes_of(inputs)), program.result()}},
         broadcast_access(inputs, broadcast_shape(shapes_of(inputs))), {identity_access(broadcast_shape(shapes_of(inputs)).rank())}),
      program_(std::move(program)) {}

nlohmann::json ElementwiseOp::params() const { return program_.to_json(); }

Need ElementwiseOp::need(const Box& box) const {
  return {program_.scratch_bytes(), program_.nanoseconds_per_element() * static_cast<double>(box.count())};
}

void ElementwiseOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  std::vector<View> views;
  for (int i = 0; i < input_count(); ++i) {
    // The shape of the whole input is known by its map alone: fixed axes have length 1, the others the domain's.
    Shape array(in[static_cast<std::size_t>(i)].box.rank());
    for (int k = 0; k < array.rank(); ++k) {
      const AxisMap& map = input(i)[static_cast<std::size_t>(k)];
      array[k] = map.kind == AxisKind::kPoint ? domain()[map.domain_axis] : 1;
    }
    views.push_back(broadcast_view(in[static_cast<std::size_t>(i)], input(i), box, array));
  }
  program_.run(views, out[0].view, scratch, cancel);
}

bool ElementwiseOp::may_overwrite(int i) const {
  if (size_of(program_.inputs()[static_cast<std::size_t>(i)]) != size_of(program_.result())) return false;
  const Access& access = input(i);
  if (static_cast<int>(access.size()) != domain().rank()) return false;
  for (const AxisMap& map : access)
    if (map.kind != AxisKind::kPoint) return false;
  return true;
}

Array elementwise(std::string_view name, const std::vector<Operand>& operands) {
  const auto* row = kernels::find_elementwise(name);
  if (row == nullptr) {
    std::vector<std::string> names;
    for (const auto& known : kernels::elementwise_table()) names.emplace_back(known.name);
    fail(ErrorKind::kUser, "There is no function '{}'.{}", name, suggestion(name, names));
  }
  if (static_cast<int>(operands.size()) != row->arity)
    fail(ErrorKind::kUser, "{} takes {} operand{}, {} given.", name, row->arity, row->arity == 1 ? "" : "s", operands.size());

  const bool is_where = row->name == "where";
  std::vector<Array> arrays;
  std::vector<Spec> specs;
  DType promoted = DType::kBool;
  bool alone = true;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    if (!operands[k].is_array()) continue;
    arrays.push_back(operands[k].array());
    specs.push_back(operands[k].array().spec());
    if (is_where && k == 0) continue;
    promoted = alone ? specs.back().dtype : promote(promoted, specs.back().dtype);
    alone = false;
  }
  ensure(!arrays.empty(), "elementwise: no operand is an array");
  DType all = promoted;
  bool first = alone;
  for (std::size_t k = is_where ? 1 : 0; k < operands.size(); ++k) {
    if (operands[k].is_array()) continue;
    const DType weak = operands[k].type_beside(promoted, alone);
    all = first ? weak : promote(all, weak);
    first = false;
  }
  const DType compute = kernels::compute_type(row->domain, all, row->name);

  std::vector<DType> input_types;
  for (const Spec& spec : specs) input_types.push_back(spec.dtype);
  Program program(std::move(input_types));
  std::vector<int> registers(operands.size());
  int next_input = 0;
  for (std::size_t k = 0; k < operands.size(); ++k)
    registers[k] =
        operands[k].is_array() ? next_input++ : program.add_constant(operands[k].constant(is_where && k == 0 ? DType::kBool : compute));
  for (std::size_t k = 0; k < operands.size(); ++k)
    registers[k] = program.add_cast(registers[k], is_where && k == 0 ? DType::kBool : compute);
  program.add(*row, compute, registers);
  return apply_op(std::make_shared<ElementwiseOp>(std::move(program), specs), std::move(arrays));
}

Array astype(const Array& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  if (!is_real(a.dtype()) || !is_real(dtype))
    fail(ErrorKind::kUser, "astype from {} to {} is not available.", name_of(a.dtype()), name_of(dtype));
  Program program({a.dtype()});
  program.add_cast(0, dtype);
  return apply_op(std::make_shared<ElementwiseOp>(std::move(program), std::vector<Spec>{a.spec()}), {a});
}

}  // namespace freestone
