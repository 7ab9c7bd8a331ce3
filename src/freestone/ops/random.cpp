#include "freestone/ops/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"

namespace freestone::random {
namespace {

constexpr Index kAtOnce = 1024;

struct Rule {
  std::string_view name;
  double nanoseconds;
  bool (*fits)(DType);
};
constexpr Rule kRules[] = {
    {"uniform", 2, is_floating},
    {"normal", 6, is_floating},
    {"exponential", 12, is_floating},
    {"integers", 4, is_integer},
    {"poisson", 60, [](DType t) { return t == DType::kInt64; }},
};

const Rule* find_rule(std::string_view name) {
  const auto* found = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& rule) { return rule.name == name; });
  return found == std::end(kRules) ? nullptr : found;
}

Shape checked(const Shape& shape) {
  for (const Index n : shape)
    if (n < 0) fail(ErrorKind::kUser, "An array of shape {}: an extent is below 0.", to_string(shape));
  return shape;
}

Array scaled(const Array& a, double factor, double offset) {
  const Array wide = factor == 1 ? a : a * factor;
  return offset == 0 ? wide : wide + offset;
}

}  // namespace

RandomOp::RandomOp(Shape shape, DType dtype, std::string rule, kernels::RandomStream stream, std::uint64_t low, std::uint64_t range,
                   double lambda)
    : Op(checked(shape), {{shape, dtype}}, {}, {identity_access(shape.rank())}),
      rule_(std::move(rule)),
      stream_(stream),
      low_(low),
      range_(range),
      lambda_(lambda) {
  const Rule* known = find_rule(rule_);
  if (known == nullptr || !known->fits(dtype) || !(lambda >= 0 && lambda < 0x1p62))
    fail(ErrorKind::kData, "Random numbers by the rule '{}' as {} are not known.", rule_, name_of(dtype));
}

nlohmann::json RandomOp::params() const {
  return {{"shape", domain().to_vector()},
          {"dtype", name_of(outputs()[0].dtype)},
          {"rule", rule_},
          {"seed", stream_.seed},
          {"stream", stream_.stream},
          {"low", low_},
          {"range", range_},
          {"lambda", lambda_}};
}

Need RandomOp::need(const Box& box) const { return {0, find_rule(rule_)->nanoseconds * static_cast<double>(box.count())}; }

void RandomOp::run(const Box& box, std::span<const Tile>, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const View& to = out[0].view;
  const Index width = size_of(to.dtype);
  // Axes at the end that the box spans lie together in the stream too.
  int outer = box.rank();
  Index row = 1;
  while (outer > 0) {
    row *= box.shape[--outer];
    if (box.shape[outer] != domain()[outer]) break;
  }
  const Dims strides = contiguous_strides(domain(), 1);
  View together = to;  // the elements of one row
  for (int k = 0; k < outer; ++k) together.shape.erase(0), together.strides.erase(0);

  alignas(64) std::byte numbers[kAtOnce * 8];
  const auto in_type = [&]<class T>(TypeTag<T>, Index first, Index n) -> std::byte* {
    auto* values = reinterpret_cast<T*>(numbers);
    const std::span<T> span(values, static_cast<std::size_t>(n));
    if constexpr (std::is_floating_point_v<T>) {
      if (rule_ == "uniform") {
        kernels::random_uniform(stream_, first, span);
      } else if (rule_ == "normal") {
        kernels::random_normal(stream_, first, span);
      } else if constexpr (std::is_same_v<T, double>) {
        kernels::random_exponential(stream_, first, span);
      } else {
        double wide[kAtOnce];
        kernels::random_exponential(stream_, first, {wide, static_cast<std::size_t>(n)});
        std::transform(wide, wide + n, values, [](double v) { return static_cast<float>(v); });
      }
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      if (rule_ == "poisson") {
        kernels::random_poisson(stream_, first, lambda_, span);
      } else {
        auto* words = reinterpret_cast<std::uint64_t*>(numbers);
        kernels::random_integers(stream_, first, range_, {words, static_cast<std::size_t>(n)});
        for (Index i = 0; i < n; ++i) words[i] += low_;
      }
    } else {
      std::uint64_t words[kAtOnce];
      kernels::random_integers(stream_, first, range_, {words, static_cast<std::size_t>(n)});
      for (Index i = 0; i < n; ++i) values[i] = static_cast<T>(words[i] + low_);
    }
    return numbers;
  };

  if (box.empty()) return;
  const bool contiguous = together.is_contiguous();
  Dims at = box.start;
  std::byte* data = to.data;
  while (true) {
    Index first = 0;
    for (int k = 0; k < box.rank(); ++k) first += at[k] * strides[k];
    for (Index done = 0; done < row; done += kAtOnce) {
      cancel.check();
      const Index n = std::min(kAtOnce, row - done);
      const std::byte* made = with_real_type(to.dtype, [&](auto tag) { return in_type(tag, first + done, n); });
      if (contiguous) {
        std::memcpy(data + done * width, made, static_cast<std::size_t>(n * width));
        continue;
      }
      // Any strides: one by one, by their place in the row.
      for (Index i = 0; i < n; ++i) {
        Index rest = done + i, offset = 0;
        for (int k = together.rank() - 1; k >= 0; --k) {
          offset += rest % together.shape[k] * together.strides[k];
          rest /= together.shape[k];
        }
        std::memcpy(data + offset, made + i * width, static_cast<std::size_t>(width));
      }
    }
    int k = outer - 1;
    for (; k >= 0; --k) {
      data += to.strides[k];
      if (++at[k] < box.end(k)) break;
      data -= to.strides[k] * box.shape[k];
      at[k] = box.start[k];
    }
    if (k < 0) return;
  }
}

kernels::RandomStream Generator::next() {
  if (calls_ >> 32 != 0) fail(ErrorKind::kUser, "A generator gives 4,294,967,296 arrays; take another seed.");
  return {seed_, static_cast<std::uint32_t>(calls_++)};
}

Array Generator::make(const Shape& shape, DType dtype, std::string_view rule, std::vector<std::uint64_t> integers, double parameter) {
  integers.resize(2);
  return apply_op(std::make_shared<RandomOp>(shape, dtype, std::string(rule), next(), integers[0], integers[1], parameter), {});
}

namespace {

void check_floating(DType dtype) {
  if (!is_floating(dtype)) fail(ErrorKind::kUser, "Random numbers of dtype {}: float32 or float64 is needed.", name_of(dtype));
}

}  // namespace

Array Generator::uniform(const Shape& shape, double low, double high, DType dtype) {
  check_floating(dtype);
  return scaled(make(shape, dtype, "uniform"), high - low, low);
}

Array Generator::normal(const Shape& shape, double mean, double deviation, DType dtype) {
  check_floating(dtype);
  return scaled(make(shape, dtype, "normal"), deviation, mean);
}

Array Generator::exponential(const Shape& shape, double scale, DType dtype) {
  check_floating(dtype);
  return scaled(make(shape, dtype, "exponential"), scale, 0);
}

Array Generator::integers(const Shape& shape, Index low, Index high, DType dtype) {
  if (high <= low) fail(ErrorKind::kUser, "Random integers from {} to below {}: there are none.", low, high);
  Operand(low).constant(dtype), Operand(high - 1).constant(dtype);  // refuse what the dtype cannot hold
  return integers_from(shape, static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low), dtype);
}

Array Generator::integers_from(const Shape& shape, std::uint64_t low, std::uint64_t range, DType dtype) {
  if (!is_integer(dtype)) fail(ErrorKind::kUser, "Random integers of dtype {}.", name_of(dtype));
  return make(shape, dtype, "integers", {low, range});
}

Array Generator::poisson(const Shape& shape, double lambda) {
  if (!(lambda >= 0 && lambda < 0x1p62)) fail(ErrorKind::kUser, "poisson: a mean of {}; it must be 0 or more.", format_number(lambda));
  return make(shape, DType::kInt64, "poisson", {}, lambda);
}

std::vector<Index> Generator::permutation(Index n) {
  if (n < 0) fail(ErrorKind::kUser, "A permutation of {} positions.", n);
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  const auto stream = next();
  // Fisher and Yates, from the end: place i takes one of 0 ... i.
  for (Index i = n - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)], order[kernels::random_integer(stream, i, static_cast<std::uint64_t>(i) + 1)]);
  }
  return order;
}

Array Generator::permutation(const Array& a, int axis) {
  axis = normal_axis(axis, a.rank());
  return take(a, IndexArray(permutation(a.shape()[axis])), axis);
}

}  // namespace freestone::random
