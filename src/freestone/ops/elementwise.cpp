#include "freestone/ops/elementwise.h"

#include <algorithm>
#include <cmath>
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
    case Kind::kFloat: return !alone && (is_floating(arrays) || is_complex(arrays)) ? arrays : DType::kFloat64;
    case Kind::kInteger: return !alone && !is_bool(arrays) ? arrays : own_integer_type();
    case Kind::kBool: return alone ? DType::kBool : arrays;
    case Kind::kComplex:
      if (alone || (!is_floating(arrays) && !is_complex(arrays))) return DType::kComplex128;
      return promote(arrays, DType::kComplex64);
    case Kind::kArray: return array_.dtype();
  }
  return arrays;
}

bool Operand::fits(DType type) const {
  if (kind_ != Kind::kInteger || !is_integer(type)) return true;
  const IntInfo limits = iinfo(type);
  if (huge_) return static_cast<std::uint64_t>(integer_) <= limits.max;
  return integer_ >= limits.min && (integer_ < 0 || static_cast<std::uint64_t>(integer_) <= limits.max);
}

Constant Operand::constant(DType type) const {
  if (!fits(type))
    fail(ErrorKind::kUser, "The number {} does not fit into {}. Convert the array first (astype).",
         huge_ ? fmt::format("{}", static_cast<std::uint64_t>(integer_)) : fmt::format("{}", integer_), name_of(type));
  Constant out{type, number_, integer_, imaginary_};
  if (is_bool(type)) out.integer = number_ != 0 || imaginary_ != 0;
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

namespace {

const kernels::ElementwiseRow& row_for(std::string_view name, std::size_t operands) {
  const auto* row = kernels::find_elementwise(name);
  if (row == nullptr) {
    std::vector<std::string> names;
    for (const auto& known : kernels::elementwise_table()) names.emplace_back(known.name);
    for (const auto& known : kernels::elementwise_aliases()) names.emplace_back(known.alias);
    fail(ErrorKind::kUser, "There is no function '{}'.{}", name, suggestion(name, names));
  }
  const int given = static_cast<int>(operands), least = row->arity - static_cast<int>(row->defaults.size());
  if (given < least || given > row->arity)
    fail(ErrorKind::kUser, "{} takes {}{} operand{}, {} given.", name, least == row->arity ? "" : fmt::format("{} to ", least), row->arity,
         row->arity == 1 ? "" : "s", given);
  return *row;
}

/// What the types of an elementwise function come from: arrays promote, then numbers that are weak beside them.
class Promotion {
 public:
  void add_array(DType t) {
    arrays_ = alone_ ? t : promote(arrays_, t);
    alone_ = false;
  }
  void add_number(const Operand& number) { numbers_.push_back(&number); }
  DType result() const {
    DType all = arrays_;
    bool first = alone_;
    for (const Operand* number : numbers_) {
      const DType weak = number->type_beside(arrays_, alone_);
      all = first ? weak : promote(all, weak);
      first = false;
    }
    return all;
  }

 private:
  DType arrays_ = DType::kBool;
  bool alone_ = true;
  std::vector<const Operand*> numbers_;
};

bool is_comparison(const kernels::ElementwiseRow& row) {
  return row.arity == 2 && row.domain == kernels::Domain::kAny && row.result == kernels::Result::kBool;
}

/// Compares registers of a signed type and of uint64: no type holds both, so what is negative is decided by its sign.
void add_mixed_comparison(Program& program, const kernels::ElementwiseRow& row, int a, int b, int zero, bool a_is_signed, int if_negative) {
  const auto add = [&](std::string_view name, DType compute, const std::vector<int>& arguments) {
    return program.add(*kernels::find_elementwise(name), compute, arguments);
  };
  int& is_signed = a_is_signed ? a : b;
  const int wide = program.add_cast(is_signed, DType::kInt64);
  const int negative = add("less", DType::kInt64, {wide, zero});
  is_signed = program.add_cast(wide, DType::kUint64);
  const int compared = program.add(row, DType::kUint64, std::vector<int>{a, b});
  add("where", DType::kBool, {negative, if_negative, compared});
}

Constant default_constant(double value, DType type) {
  if (is_floating(type) || is_complex(type)) value = std::clamp(value, finfo(type).min, finfo(type).max);
  return {type, value, 0};
}

}  // namespace

Array elementwise(std::string_view name, const std::vector<Operand>& operands) {
  const kernels::ElementwiseRow& row = row_for(name, operands.size());
  const bool compares = is_comparison(row);
  const int given = static_cast<int>(operands.size());
  std::vector<Array> arrays;
  std::vector<Spec> specs;
  std::vector<DType> types(operands.size());  // of the operands that are strong
  std::vector<bool> strong(operands.size());
  Promotion promotion, of_arrays;
  for (int k = 0; k < given; ++k) {
    const Operand& operand = operands[static_cast<std::size_t>(k)];
    if (!operand.is_array()) continue;
    arrays.push_back(operand.array());
    specs.push_back(operand.array().spec());
    types[static_cast<std::size_t>(k)] = specs.back().dtype;
    strong[static_cast<std::size_t>(k)] = true;
    if (row.operands == kernels::Operands::kConditionFirst && k == 0) continue;
    if (row.operands == kernels::Operands::kIntegerLast && k == row.arity - 1) {
      if (!is_bool(specs.back().dtype) && !is_integer(specs.back().dtype))
        fail(ErrorKind::kUser, "{} needs integers as its last operand, not {}.", row.name, name_of(specs.back().dtype));
      continue;
    }
    promotion.add_array(kernels::promoted_as(row, specs.back().dtype));
    of_arrays.add_array(specs.back().dtype);
  }
  ensure(!arrays.empty(), "elementwise: no operand is an array");
  for (int k = 0; k < given; ++k) {
    const Operand& operand = operands[static_cast<std::size_t>(k)];
    if (operand.is_array()) continue;
    if (row.operands == kernels::Operands::kConditionFirst && k == 0) continue;
    if (row.operands == kernels::Operands::kIntegerLast && k == row.arity - 1) {
      const DType type = operand.type_beside(DType::kBool, true);
      if (type != DType::kInt64 && type != DType::kBool) fail(ErrorKind::kUser, "{} needs an integer as its last operand.", row.name);
      continue;
    }
    if (compares && !operand.fits(of_arrays.result())) {  // compared as the number that it is
      types[static_cast<std::size_t>(k)] = operand.own_integer_type();
      strong[static_cast<std::size_t>(k)] = true;
      promotion.add_array(types[static_cast<std::size_t>(k)]);
    } else {
      promotion.add_number(operand);
    }
  }
  const DType promoted = promotion.result();
  const bool mixed = compares && is_floating(promoted) && strong[0] && strong[1] && is_integer(types[0]) && is_integer(types[1]);
  const DType compute = kernels::compute_type(row, promoted);

  std::vector<DType> input_types;
  for (const Spec& spec : specs) input_types.push_back(spec.dtype);
  Program program(std::move(input_types));
  std::vector<int> registers;
  int next_input = 0;
  for (int k = 0; k < row.arity; ++k) {
    const DType type = kernels::operand_type(row, compute, k);
    if (k >= given)
      registers.push_back(
          program.add_constant(default_constant(row.defaults[row.defaults.size() - static_cast<std::size_t>(row.arity - k)], type)));
    else if (const Operand& operand = operands[static_cast<std::size_t>(k)]; operand.is_array())
      registers.push_back(next_input++);
    else
      registers.push_back(program.add_constant(operand.constant(mixed ? types[static_cast<std::size_t>(k)] : type)));
  }
  if (mixed) {
    const bool a_is_signed = is_signed_integer(types[0]);
    // -1 and 0 stand for the negative number and any unsigned one; so do false and true.
    const std::byte lower{0}, higher{1};
    const std::byte* pair[] = {a_is_signed ? &lower : &higher, a_is_signed ? &higher : &lower};
    std::byte outcome{};
    row.loops[static_cast<std::size_t>(DType::kBool)](pair, &outcome, 1);
    const int zero = program.add_constant({DType::kInt64, 0, 0});
    const int if_negative = program.add_constant({DType::kBool, 0, static_cast<std::int64_t>(outcome)});
    add_mixed_comparison(program, row, registers[0], registers[1], zero, a_is_signed, if_negative);
  } else {
    for (int k = 0; k < row.arity; ++k)
      registers[static_cast<std::size_t>(k)] =
          program.add_cast(registers[static_cast<std::size_t>(k)], kernels::operand_type(row, compute, k));
    program.add(row, compute, registers);
  }
  return apply_op(std::make_shared<ElementwiseOp>(std::move(program), specs), std::move(arrays));
}

Array astype(const Array& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  if (is_complex(a.dtype()) && is_real(dtype) && !is_bool(dtype))
    fail(ErrorKind::kUser, "astype from {} to {} would drop the imaginary part. Take real, imag or absolute of it first.",
         name_of(a.dtype()), name_of(dtype));
  Program program({a.dtype()});
  program.add_cast(0, dtype);
  return apply_op(std::make_shared<ElementwiseOp>(std::move(program), std::vector<Spec>{a.spec()}), {a});
}

Array isclose(const Operand& a, const Operand& b, double relative, double absolute, bool equal_nan) {
  const Array close = elementwise("isclose", {a, b, relative, absolute});
  if (!equal_nan) return close;
  const auto is_nan = [](const Operand& x) -> Operand {
    if (x.is_array()) return elementwise("isnan", {x});
    return std::isnan(x.constant(DType::kFloat64).number);
  };
  return elementwise("logical_or", {close, elementwise("logical_and", {is_nan(a), is_nan(b)})});
}

Array nan_to_num(const Array& a, double nan, std::optional<double> positive, std::optional<double> negative) {
  if (!is_floating(a.dtype()) && !is_complex(a.dtype())) return a;
  const FloatInfo limits = finfo(a.dtype());
  return elementwise("nan_to_num", {a, nan, positive.value_or(limits.max), negative.value_or(limits.min)});
}

Array clip(const Array& a, const std::optional<Operand>& low, const std::optional<Operand>& high) {
  if (low && high) return elementwise("clip", {a, *low, *high});
  if (low) return elementwise("maximum", {a, *low});
  return high ? elementwise("minimum", {a, *high}) : a;
}

}  // namespace freestone
