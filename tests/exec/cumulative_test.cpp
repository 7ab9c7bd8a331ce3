#include "freestone/ops/cumulative.h"

#include "exec/random_arrays.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

/// The running result of a column, straight from its definition.
std::vector<double> naive(const std::string& name, const Known& a, const Column& column, bool skip_nan, bool initial) {
  std::vector<double> out;
  long double total = name == "prod" ? 1 : 0;
  if (initial) out.push_back(static_cast<double>(total));
  for (Index i = 0; i < column.length; ++i) {
    const double x = a.values[static_cast<std::size_t>(column.first + i * column.step)];
    if (name == "sum") {
      if (!(skip_nan && std::isnan(x))) total += x;
    } else if (name == "prod") {
      if (!(skip_nan && std::isnan(x))) total *= x;
    } else if (i == 0 || std::isnan(x) || (name == "max" ? x > static_cast<double>(total) : x < static_cast<double>(total))) {
      if (i == 0 || !std::isnan(static_cast<double>(total))) total = x;
    }
    out.push_back(static_cast<double>(total));
  }
  return out;
}

Array cumulative(const std::string& name, const Array& a, int axis, CumulativeOptions options) {
  if (name == "sum") return cumulative_sum(a, axis, options);
  if (name == "prod") return cumulative_prod(a, axis, options);
  return name == "max" ? cummax(a, axis) : cummin(a, axis);
}

void expect_naive(const std::string& name, const Known& a, int axis, CumulativeOptions options, double relative) {
  const Shape& shape = a.shape();
  const Tensor tensor = compute_any_way(cumulative(name, a.array, axis, options));
  Shape expected_shape = shape;
  expected_shape[axis] += options.include_initial;
  ASSERT_EQ(tensor.shape(), expected_shape);
  const auto got = numbers(tensor);
  const auto in = columns_of(shape, axis), out = columns_of(expected_shape, axis);
  for (std::size_t c = 0; c < out.size(); ++c) {
    const auto expected = naive(name, a, in[c], options.skip_nan, options.include_initial);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double value = got[static_cast<std::size_t>(out[c].first + static_cast<Index>(i) * out[c].step)];
      ASSERT_TRUE(near(value, expected[i], relative)) << name << ' ' << to_string(shape) << " axis " << axis << " column " << c << " at "
                                                      << i << ": " << value << " is not " << expected[i];
    }
  }
}

TEST(Cumulative, EqualsItsDefinition) {
  const char* names[] = {"sum", "prod", "max", "min"};
  for (unsigned seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const std::string name = names[random.pick(4)];
    const DType dtype = name == "prod" ? random.float_dtype() : random.real_dtype();
    const Shape shape = random.shape(3, 30, true);
    const Known a = random.array(dtype, shape, random.pick(2) == 0 ? 0.05 : 0);
    const bool extreme = name == "max" || name == "min";
    expect_naive(name, a, static_cast<int>(random.pick(shape.rank())),
                 {.include_initial = !extreme && random.pick(2) == 0, .skip_nan = !extreme && random.pick(2) == 0},
                 dtype == DType::kFloat32 ? 1e-5 : 1e-11);
  }
}

TEST(Cumulative, LongAxesStreamInBlocks) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const char* names[] = {"sum", "sum", "max", "min"};
    const std::string name = names[random.pick(4)];
    const Shape shapes[] = {{200003}, {65537, 3}, {2, 131072}, {70000, 2}};
    const Shape shape = shapes[random.pick(4)];
    const int axis = shape.rank() == 1 || shape[0] > shape[1] ? 0 : 1;
    const Known a = random.array(random.pick(2) == 0 ? DType::kFloat64 : DType::kInt32, shape, 0.0001);
    expect_naive(name, a, axis, {.include_initial = name == "sum" && random.pick(2) == 0, .skip_nan = name == "sum"}, 1e-10);
  }
}

TEST(Cumulative, ComplexSumsAndProductsOverBlocks) {
  using Complex = std::complex<double>;
  std::mt19937 random(21);
  std::normal_distribution<double> normal;
  const Index n = 2 * CumulativeOp::kBlock + 1234;
  std::vector<Complex> values, turns;
  for (Index i = 0; i < n; ++i) {
    values.emplace_back(normal(random), normal(random));
    turns.push_back(std::polar(1.0, normal(random)));
  }
  values[70000] = {std::nan(""), 1};
  const auto got =
      compute_any_way({cumulative_sum(RandomArrays::list(values), 0, {.skip_nan = true}), cumulative_prod(RandomArrays::list(turns), 0)});
  Complex sum = 0, product = 1;
  for (Index i = 0; i < n; ++i) {
    const Complex v = values[static_cast<std::size_t>(i)];
    if (v == v) sum += v;
    product *= turns[static_cast<std::size_t>(i)];
    ASSERT_LE(std::abs(got[0].data<Complex>()[i] - sum), 1e-8) << i;
    ASSERT_LE(std::abs(got[1].data<Complex>()[i] - product), 1e-9) << i;
  }
}

TEST(Cumulative, ComplexExtremesOverBlocks) {
  // A slow rise, then a fall, and few different real parts: extremes change in every block, and imaginary parts decide. At the end a NaN.
  using Complex = std::complex<double>;
  std::mt19937 random(22);
  std::normal_distribution<double> normal;
  const Index n = 2 * CumulativeOp::kBlock + 1234, last = n - 500;
  std::vector<Complex> values;
  for (Index i = 0; i < n; ++i)
    values.emplace_back(std::round(static_cast<double>(std::min(i, n - i)) / 20000 + normal(random)), normal(random));
  values[static_cast<std::size_t>(last)] = {3, std::nan("")};
  const auto got = compute_any_way({cummax(RandomArrays::list(values), 0), cummin(RandomArrays::list(values), 0)});
  const auto less = [](Complex a, Complex b) { return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag(); };
  Complex greatest = values[0], least = values[0];
  for (Index i = 0; i < n; ++i) {
    const Complex v = values[static_cast<std::size_t>(i)], max = got[0].data<Complex>()[i], min = got[1].data<Complex>()[i];
    if (i >= last) {
      ASSERT_TRUE(max.real() == 3 && std::isnan(max.imag()) && min.real() == 3 && std::isnan(min.imag())) << i;
      continue;
    }
    greatest = std::max(greatest, v, less), least = std::min(least, v, less);
    ASSERT_EQ(max, greatest) << i;
    ASSERT_EQ(min, least) << i;
  }
}

TEST(Cumulative, ALongAxisFitsALittleMemory) {
  RandomArrays random(4);
  const Index n = 3000000;
  std::vector<float> values(static_cast<std::size_t>(n));
  double total = 0;
  for (float& v : values) v = static_cast<float>(random.normal()), total += static_cast<double>(v);
  auto store = std::make_shared<TempStore>("/var/tmp", Spec{{n}, DType::kFloat32}, Shape{100000});
  store->sink()->create();
  Buffer memory(store->sink()->scratch_bytes(Box(Shape{n})) + 64);
  Scratch scratch(memory.bytes());
  store->sink()->write(Box(Shape{n}), View::contiguous(values.data(), DType::kFloat32, {n}), scratch, Cancel());
  const Array sums = cumulative_sum(from_source(store->source()), 0, {.dtype = DType::kFloat64});
  auto result = std::make_shared<TempStore>("/var/tmp", sums.spec(), Shape{100000});
  ComputeOptions little;
  little.settings = {4 << 20, 2, "/var/tmp"};  // the result takes 24 MB
  write_outputs({{sums, result->sink()}}, little);
  Buffer encoded(result->source()->encoded_bytes(Box(Dims{n - 1}, Shape{1})));
  double last = 0;
  result->source()->fetch(Box(Dims{n - 1}, Shape{1}), encoded.bytes(), Cancel());
  result->source()->decode(Box(Dims{n - 1}, Shape{1}), encoded.bytes(), View::contiguous(&last, DType::kFloat64, {1}), Cancel());
  EXPECT_NEAR(last, total, 1e-6);
}

TEST(Cumulative, DTypesAreTheArrayApis) {
  RandomArrays random(1);
  const auto sum_of = [&](DType dtype) { return cumulative_sum(random.array(dtype, {4}, 0).array).dtype(); };
  EXPECT_EQ(sum_of(DType::kBool), DType::kInt64);
  EXPECT_EQ(sum_of(DType::kInt16), DType::kInt64);
  EXPECT_EQ(sum_of(DType::kUint8), DType::kUint64);
  EXPECT_EQ(sum_of(DType::kFloat32), DType::kFloat32);
  const Array small = RandomArrays::list<std::int8_t>({100, 100, 100});
  EXPECT_EQ(numbers(compute(cumulative_sum(small))), (std::vector<double>{100, 200, 300}));
  EXPECT_EQ(numbers(compute(cumulative_sum(small, 0, {.dtype = DType::kUint8}))), (std::vector<double>{100, 200, 44}));
  EXPECT_EQ(numbers(compute(cumulative_sum(small, 0, {.dtype = DType::kFloat32, .include_initial = true}))),
            (std::vector<double>{0, 100, 200, 300}));
  EXPECT_THROW(cumulative_sum(small, 1), Error);
}

}  // namespace
}  // namespace freestone
