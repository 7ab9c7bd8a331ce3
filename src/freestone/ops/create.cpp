#include "freestone/ops/create.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"

namespace freestone {
namespace {

template <class T>
std::vector<std::uint8_t> bytes_of(T value) {
  std::vector<std::uint8_t> bytes(sizeof(T));
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

Array constant(const Shape& shape, DType dtype, std::vector<std::uint8_t> bytes) {
  for (const Index n : shape)
    if (n < 0) fail(ErrorKind::kUser, "An array of shape {}: an extent is below 0.", to_string(shape));
  return broadcast_to(apply_op(std::make_shared<ConstantOp>(dtype, std::move(bytes)), {}), shape);
}

Index checked_count(Index count) {
  if (count < 0) fail(ErrorKind::kUser, "A sequence of {} numbers.", count);
  return count;
}

/// Positions of the last two axes, to compare.
Array on_or_below(const Array& a, Index k) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "tril and triu need two axes at least, not {}.", a.rank());
  const Index rows = a.shape()[a.rank() - 2], columns = a.shape()[a.rank() - 1];
  return tri(rows, columns, k, DType::kBool);
}

}  // namespace

ConstantOp::ConstantOp(DType dtype, std::vector<std::uint8_t> bytes) : Op({}, {{{}, dtype}}, {}, {Access{}}), bytes_(std::move(bytes)) {
  if (static_cast<Index>(bytes_.size()) != size_of(dtype))
    fail(ErrorKind::kData, "A constant of {} bytes for {}.", bytes_.size(), name_of(dtype));
}

nlohmann::json ConstantOp::params() const { return {{"dtype", name_of(outputs()[0].dtype)}, {"bytes", bytes_}}; }

void ConstantOp::run(const Box&, std::span<const Tile>, std::span<const Tile> out, Scratch&, const Cancel&) const {
  std::memcpy(out[0].view.data, bytes_.data(), bytes_.size());
}

SequenceOp::SequenceOp(Index count, DType dtype, Integers rule)
    : Op({checked_count(count)}, {{{count}, dtype}}, {}, {identity_access(1)}), integers_(rule) {
  if (!is_integer(dtype)) fail(ErrorKind::kData, "A sequence of integers of dtype {}.", name_of(dtype));
}

SequenceOp::SequenceOp(Index count, DType dtype, Numbers rule)
    : Op({checked_count(count)}, {{{count}, dtype}}, {}, {identity_access(1)}), numbers_(rule) {
  if (!is_floating(dtype)) fail(ErrorKind::kData, "A sequence of numbers of dtype {}.", name_of(dtype));
}

nlohmann::json SequenceOp::params() const {
  nlohmann::json json{{"count", domain()[0]}, {"dtype", name_of(outputs()[0].dtype)}};
  if (is_integer(outputs()[0].dtype)) {
    json["start"] = integers_.start, json["step"] = integers_.step;
    return json;
  }
  json["start"] = json_of(numbers_.start), json["step"] = json_of(numbers_.step), json["divisor"] = json_of(numbers_.divisor);
  if (numbers_.last) json["last"] = json_of(*numbers_.last);
  return json;
}

Need SequenceOp::need(const Box& box) const { return {0, 0.5 * static_cast<double>(box.count())}; }

void SequenceOp::run(const Box& box, std::span<const Tile>, std::span<const Tile> out, Scratch&, const Cancel&) const {
  const View& to = out[0].view;
  const Index first = box.start[0], n = box.shape[0], step = to.strides[0];
  const auto put = [&]<class T>(Index i, T value) { std::memcpy(to.data + i * step, &value, sizeof(T)); };
  if (is_integer(to.dtype)) {
    with_real_type(to.dtype, [&]<class T>(TypeTag<T>) {
      // Integers wrap, as NumPy's do.
      for (Index i = 0; i < n; ++i)
        put(i, static_cast<T>(static_cast<std::uint64_t>(integers_.start) +
                              static_cast<std::uint64_t>(first + i) * static_cast<std::uint64_t>(integers_.step)));
    });
    return;
  }
  with_float_type(to.dtype, [&]<class T>(TypeTag<T>) {
    const T start = static_cast<T>(numbers_.start), width = static_cast<T>(numbers_.step), divisor = static_cast<T>(numbers_.divisor);
    for (Index i = 0; i < n; ++i) {
      const T at = static_cast<T>(first + i);
      put(i, divisor != 0 ? at / divisor * width + start : start + at * width);
    }
    if (numbers_.last && first + n == domain()[0] && n > 0) put(n - 1, static_cast<T>(*numbers_.last));
  });
}

Array full(const Shape& shape, const Operand& value, std::optional<DType> dtype) {
  if (value.is_array()) return broadcast_to(dtype ? astype(value.array(), *dtype) : value.array(), shape);
  const DType type = dtype.value_or(value.type_beside(DType::kFloat64, true));
  const Constant exact = value.constant(type);
  if (is_complex(type)) return full_complex(shape, std::complex<double>(exact.number, 0), type);
  return with_real_type(type, [&]<class T>(TypeTag<T>) {
    if constexpr (std::is_floating_point_v<T>) {
      return constant(shape, type, bytes_of(static_cast<T>(exact.number)));
    } else {
      const bool whole = exact.number == std::trunc(exact.number);
      if (value.type_beside(DType::kFloat64, true) == DType::kFloat64 && !std::is_same_v<T, bool>) {
        // A floating number as an integer is cut, when it fits.
        const double low = is_signed_integer(type) ? -std::ldexp(1, static_cast<int>(8 * sizeof(T)) - 1) : 0;
        const double high = std::ldexp(1, static_cast<int>(8 * sizeof(T)) - (is_signed_integer(type) ? 1 : 0));
        if (!(std::trunc(exact.number) >= low && std::trunc(exact.number) < high))
          fail(ErrorKind::kUser, "The number {} does not fit into {}.", format_number(exact.number), name_of(type));
        return constant(shape, type, bytes_of(static_cast<T>(whole ? exact.number : std::trunc(exact.number))));
      }
      return constant(shape, type, bytes_of(static_cast<T>(exact.integer)));
    }
  });
}

Array full_complex(const Shape& shape, std::complex<double> value, DType dtype) {
  if (dtype == DType::kComplex64) return constant(shape, dtype, bytes_of(std::complex<float>(value)));
  if (dtype != DType::kComplex128) fail(ErrorKind::kUser, "A complex number does not fit into {}.", name_of(dtype));
  return constant(shape, dtype, bytes_of(value));
}

Array zeros(const Shape& shape, DType dtype) { return full(shape, false, dtype); }
Array ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Array full_like(const Array& a, const Operand& value) { return full(a.shape(), value, a.dtype()); }

Array arange(Index start, Index stop, Index step, DType dtype) {
  if (step == 0) fail(ErrorKind::kUser, "arange: a step of 0.");
  if (is_floating(dtype)) return arange(static_cast<double>(start), static_cast<double>(stop), static_cast<double>(step), dtype);
  const __int128 distance = static_cast<__int128>(stop) - start;
  const __int128 count = (distance + step + (step > 0 ? -1 : 1)) / step;
  if (count > std::numeric_limits<Index>::max()) fail(ErrorKind::kUser, "arange from {} to {}: too many elements.", start, stop);
  return apply_op(std::make_shared<SequenceOp>(std::max<Index>(0, static_cast<Index>(count)), dtype, SequenceOp::Integers{start, step}),
                  {});
}

Array arange(double start, double stop, double step, DType dtype) {
  if (step == 0) fail(ErrorKind::kUser, "arange: a step of 0.");
  const double count = std::ceil((stop - start) / step);
  if (!(std::abs(count) < 9e18))
    fail(ErrorKind::kUser, "arange from {} to {} by {}: the elements cannot be counted.", format_number(start), format_number(stop),
         format_number(step));
  const Index n = std::max<Index>(0, static_cast<Index>(count));
  if (is_integer(dtype)) {
    const auto first = static_cast<Index>(start);
    return apply_op(std::make_shared<SequenceOp>(n, dtype, SequenceOp::Integers{first, static_cast<Index>(start + step) - first}), {});
  }
  double width = start + step - start;
  if (dtype == DType::kFloat32) width = static_cast<double>(static_cast<float>(start + step) - static_cast<float>(start));
  return apply_op(std::make_shared<SequenceOp>(n, dtype, SequenceOp::Numbers{start, width}), {});
}

double linspace_step(double start, double stop, Index count, bool endpoint) {
  const Index parts = endpoint ? count - 1 : count;
  return parts > 0 ? (stop - start) / static_cast<double>(parts) : std::nan("");
}

Array linspace(double start, double stop, Index count, bool endpoint, DType dtype) {
  checked_count(count);
  const Index parts = endpoint ? count - 1 : count;
  const double step = linspace_step(start, stop, count, endpoint);
  SequenceOp::Numbers rule{start, parts > 0 ? step : stop - start};
  // So small that the step is nothing: divided first, as NumPy does.
  if (parts > 0 && step == 0) rule.divisor = static_cast<double>(parts), rule.step = stop - start;
  if (endpoint && count > 1) rule.last = stop;
  Array out = apply_op(std::make_shared<SequenceOp>(count, DType::kFloat64, rule), {});
  if (is_integer(dtype)) out = elementwise("floor", {out});
  return astype(out, dtype);
}

Array logspace(double start, double stop, Index count, bool endpoint, double base, DType dtype) {
  return astype(elementwise("power", {base, linspace(start, stop, count, endpoint)}), dtype);
}

Array geomspace(double start, double stop, Index count, bool endpoint, DType dtype) {
  if (!(start * stop > 0) && !(start < 0 && stop < 0) && !(start > 0 && stop > 0))
    fail(ErrorKind::kUser, "geomspace from {} to {}: both bounds must be above 0, or both below.", format_number(start),
         format_number(stop));
  const double sign = start < 0 ? -1 : 1;
  Array out = elementwise("power", {10.0, linspace(std::log10(sign * start), std::log10(sign * stop), count, endpoint)});
  // The bounds are exact.
  if (count > 0) {
    const Array position = arange(count);
    out = where(elementwise("equal", {position, 0}), sign * start, out);
    if (count > 1 && endpoint) out = where(elementwise("equal", {position, count - 1}), sign * stop, out);
  }
  return astype(sign < 0 ? elementwise("negative", {out}) : out, dtype);
}

Array eye(Index rows, std::optional<Index> columns, Index k, DType dtype) {
  const Array row = expand_dims(arange(k, rows + k), 1), column = arange(Index{0}, columns.value_or(rows));
  return astype(elementwise("equal", {row, column}), dtype);
}

Array tri(Index rows, std::optional<Index> columns, Index k, DType dtype) {
  const Array row = expand_dims(arange(k, rows + k), 1), column = arange(Index{0}, columns.value_or(rows));
  return astype(elementwise("greater_equal", {row, column}), dtype);
}

Array tril(const Array& a, Index k) { return where(on_or_below(a, k), a, zeros_like(a)); }
Array triu(const Array& a, Index k) { return where(on_or_below(a, k - 1), zeros_like(a), a); }

std::vector<Array> indices(const Shape& shape) {
  std::vector<Array> out;
  for (int k = 0; k < shape.rank(); ++k) {
    std::vector<int> others;
    for (int axis = k + 1; axis < shape.rank(); ++axis) others.push_back(axis - k);
    out.push_back(broadcast_to(others.empty() ? arange(shape[k]) : expand_dims(arange(shape[k]), others), shape));
  }
  return out;
}

std::vector<Array> meshgrid(const std::vector<Array>& axes, GridOrder order) {
  Shape shape;
  for (const Array& a : axes) {
    if (a.rank() != 1) fail(ErrorKind::kUser, "meshgrid of an array of shape {}; each must have one axis.", to_string(a.shape()));
    shape.push_back(a.shape()[0]);
  }
  const bool swaps = order == GridOrder::kXy && axes.size() >= 2;
  if (swaps) std::swap(shape[0], shape[1]);
  std::vector<Array> out;
  for (int i = 0; i < shape.rank(); ++i) {
    const int k = swaps && i < 2 ? 1 - i : i;
    std::vector<int> others;
    for (int axis = k + 1; axis < shape.rank(); ++axis) others.push_back(axis - k);
    const Array& a = axes[static_cast<std::size_t>(i)];
    out.push_back(broadcast_to(others.empty() ? a : expand_dims(a, others), shape));
  }
  return out;
}

}  // namespace freestone
