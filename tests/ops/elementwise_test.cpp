#include "freestone/core/paper_source.h"
#include "freestone/ops/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "freestone/core/buffer.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "kernels/random_views.h"

namespace freestone {
namespace {

Array array(Shape shape, DType dtype) { return from_source(std::make_shared<PaperSource>(shape, dtype)); }

template <class T, class R>
std::vector<R> run(const Program& program, const std::vector<std::vector<T>>& inputs) {
  const auto n = static_cast<Index>(inputs[0].size());
  std::vector<View> views;
  for (const auto& input : inputs) views.push_back(View::contiguous(const_cast<T*>(input.data()), dtype_of<T>(), {n}));
  Buffer result(n * static_cast<Index>(sizeof(R)) + 64), memory(program.scratch_bytes() + 64);
  Scratch scratch(memory.bytes());
  program.run(views, View::contiguous(result.data(), dtype_of<R>(), {n}), scratch, Cancel());
  const R* first = reinterpret_cast<const R*>(result.data());
  return {first, first + n};
}

Program single(std::string_view name, DType dtype, int arity) {
  Program program(std::vector<DType>(static_cast<std::size_t>(arity), dtype));
  std::vector<int> arguments;
  for (int k = 0; k < arity; ++k) arguments.push_back(k);
  program.add(*kernels::find_elementwise(name), dtype, arguments);
  return program;
}

TEST(Promotion, IsNumPys) {
  using enum DType;
  EXPECT_EQ(promote(kInt32, kFloat32), kFloat64);
  EXPECT_EQ(promote(kInt16, kFloat32), kFloat32);
  EXPECT_EQ(promote(kUint64, kInt64), kFloat64);
  EXPECT_EQ(promote(kUint8, kInt8), kInt16);
  EXPECT_EQ(promote(kUint32, kInt8), kInt64);
  EXPECT_EQ(promote(kBool, kUint16), kUint16);
  EXPECT_EQ(promote(kFloat64, kComplex64), kComplex128);
}

TEST(Elementwise, ScalarsAreWeak) {
  using enum DType;
  EXPECT_EQ((array({3}, kFloat32) + 1.5).dtype(), kFloat32);
  EXPECT_EQ(elementwise("add", {array({3}, kInt16), 7}).dtype(), kInt16);
  EXPECT_EQ((array({3}, kInt16) + 1.5).dtype(), kFloat64);
  EXPECT_EQ(elementwise("add", {array({3}, kBool), 1}).dtype(), kInt64);
  EXPECT_EQ(elementwise("divide", {array({3}, kInt16), array({3}, kInt16)}).dtype(), kFloat64);
  EXPECT_EQ(elementwise("greater", {array({3}, kFloat32), 0}).dtype(), kBool);
  EXPECT_THROW(elementwise("add", {array({3}, kUint8), 300}), Error);
}

TEST(Elementwise, BroadcastsOrSaysWhyNot) {
  const Array a = array({4, 1, 3}, DType::kFloat32), b = array({5, 3}, DType::kFloat32);
  EXPECT_EQ((a + b).shape(), (Shape{4, 5, 3}));
  try {
    elementwise("add", {array({4, 3}, DType::kFloat32), array({5, 3}, DType::kFloat32)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("(4, 3) and (5, 3)"), std::string::npos);
  }
}

TEST(Elementwise, UnknownFunctionNamesTheNearest) {
  try {
    elementwise("maximun", {array({3}, DType::kFloat32), 1.0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'maximum'"), std::string::npos);
  }
}

TEST(Loops, IntegersWrapAndDivideAsNumPy) {
  const std::vector<std::int32_t> a{7, -7, 7, -7, std::numeric_limits<std::int32_t>::min(), 5}, b{3, 3, -3, -3, -1, 0};
  EXPECT_EQ((run<std::int32_t, std::int32_t>(single("floor_divide", DType::kInt32, 2), {a, b})),
            (std::vector<std::int32_t>{2, -3, -3, 2, std::numeric_limits<std::int32_t>::min(), 0}));
  EXPECT_EQ((run<std::int32_t, std::int32_t>(single("remainder", DType::kInt32, 2), {a, b})),
            (std::vector<std::int32_t>{1, 2, -2, -1, 0, 0}));
  const std::vector<std::int8_t> x{127, -128}, one{1, -1};
  EXPECT_EQ((run<std::int8_t, std::int8_t>(single("add", DType::kInt8, 2), {x, one})), (std::vector<std::int8_t>{-128, 127}));
}

/// Quotients by one number, which are products and shifts, of values at the ends of the type, around multiples of the divisor, and anywhere.
template <class T>
void expect_quotients_by_constants(std::mt19937_64& random) {
  using Limits = std::numeric_limits<T>;
  const auto any = [&] { return static_cast<T>(random() >> (random() % 64)); };
  for (int trial = 0; trial < 1500; ++trial) {
    T divisor = trial < 260 ? static_cast<T>(trial) : any();
    if (trial % 50 == 49) divisor = Limits::max();
    if (trial % 50 == 48) divisor = static_cast<T>(Limits::max() / 2 + 1);
    if (trial % 50 == 47) divisor = Limits::min();
    const auto n = static_cast<std::size_t>(100 + random() % 100);
    std::vector<T> a(n), b(n, divisor);
    const auto near_a_multiple = [&] { return static_cast<T>(static_cast<std::uint64_t>(divisor) * (random() % 64) + random() % 3 - 1); };
    for (T& x : a) x = random() % 2 == 0 ? any() : near_a_multiple();
    a[0] = Limits::min(), a[1] = Limits::max(), a[2] = 0, a[3] = static_cast<T>(-1), a[4] = divisor;
    const auto quotients = run<T, T>(single("floor_divide", dtype_of<T>(), 2), {a, b});
    const auto rests = run<T, T>(single("remainder", dtype_of<T>(), 2), {a, b});
    for (std::size_t i = 0; i < n; ++i) {
      const __int128 d = divisor;
      const __int128 floored = d == 0 ? 0 : a[i] / d - (a[i] % d != 0 && (a[i] < 0) != (d < 0) ? 1 : 0);
      ASSERT_EQ(quotients[i], static_cast<T>(floored)) << +a[i] << " // " << +divisor;
      ASSERT_EQ(rests[i], d == 0 ? T(0) : static_cast<T>(a[i] - floored * d)) << +a[i] << " % " << +divisor;
    }
  }
}

TEST(Loops, QuotientsByOneNumberAreExact) {
  const unsigned seed = 20261128;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  expect_quotients_by_constants<std::int8_t>(random);
  expect_quotients_by_constants<std::int16_t>(random);
  expect_quotients_by_constants<std::int32_t>(random);
  expect_quotients_by_constants<std::int64_t>(random);
  expect_quotients_by_constants<std::uint8_t>(random);
  expect_quotients_by_constants<std::uint16_t>(random);
  expect_quotients_by_constants<std::uint32_t>(random);
  expect_quotients_by_constants<std::uint64_t>(random);
}

TEST(Loops, NanRulesOfMinimumAndFmin) {
  const float nan = std::nanf("");
  const std::vector<float> a{nan, 1, 2}, b{3, nan, 1};
  const auto minimum = run<float, float>(single("minimum", DType::kFloat32, 2), {a, b});
  EXPECT_TRUE(std::isnan(minimum[0]) && std::isnan(minimum[1]));
  EXPECT_EQ(minimum[2], 1);
  EXPECT_EQ((run<float, float>(single("fmin", DType::kFloat32, 2), {a, b})), (std::vector<float>{3, 1, 1}));
}

TEST(Loops, CastsAreDefinedForEveryValue) {
  Program program({DType::kFloat32});
  program.add_cast(0, DType::kInt16);
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ((run<float, std::int16_t>(program, {{1.9f, -1.9f, 32767.5f, -32768.9f, 40000.0f, std::nanf(""), inf, -inf}})),
            (std::vector<std::int16_t>{1, -1, 32767, -32768, -32768, -32768, -32768, -32768}));
}

TEST(Program, FusionComputesTheSameBits) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> x(5000), y(5000);
  for (auto& v : x) v = normal(random);
  for (auto& v : y) v = normal(random);
  // where(x > y, x * y, sqrt(|x|)) - 0.5, built in two halves and joined.
  Program inner({DType::kFloat32, DType::kFloat32});
  const int product = inner.add(*kernels::find_elementwise("multiply"), DType::kFloat32, std::vector<int>{0, 1});
  const int size = inner.add(*kernels::find_elementwise("absolute"), DType::kFloat32, std::vector<int>{0});
  const int root = inner.add(*kernels::find_elementwise("sqrt"), DType::kFloat32, std::vector<int>{size});
  const int larger = inner.add(*kernels::find_elementwise("greater"), DType::kFloat32, std::vector<int>{0, 1});
  inner.add(*kernels::find_elementwise("where"), DType::kFloat32, std::vector<int>{larger, product, root});
  Program outer({DType::kFloat32});
  const int half = outer.add_constant({DType::kFloat32, 0.5, 0});
  outer.add(*kernels::find_elementwise("subtract"), DType::kFloat32, std::vector<int>{0, half});
  const auto joined = run<float, float>(outer.with_input_computed(0, inner), {x, y});
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(joined[i], (x[i] > y[i] ? x[i] * y[i] : std::sqrt(std::fabs(x[i]))) - 0.5f);
}

// Short rows are computed several at a time, long ones block by block: in memory of any order, broadcast, written apart.
TEST(Program, EveryElementIsWhatItIsAlone) {
  constexpr std::uint64_t kSeed = 77;
  kernels::RandomViews views(kSeed);
  for (int round = 0; round < 300; ++round) {
    const DType narrow = views.chance(0.5) ? DType::kInt16 : DType::kUint8;
    Program program({narrow, DType::kFloat64, narrow});
    const int half = program.add_constant({DType::kFloat64, 0.37});
    const int a = program.add_cast(0, DType::kFloat64);
    const int b = program.add(*kernels::find_elementwise("multiply"), DType::kFloat64, std::vector<int>{a, half});
    int last = program.add(*kernels::find_elementwise("subtract"), DType::kFloat64, std::vector<int>{b, 1});
    if (views.chance(0.5)) {
      const int c = program.add_cast(2, DType::kFloat64);
      last = program.add(*kernels::find_elementwise("maximum"), DType::kFloat64, std::vector<int>{last, c});
    }
    if (views.chance(0.5)) program.add_cast(last, DType::kFloat32);

    Shape shape = views.shape(4, 7);
    shape[shape.rank() - 1] = views.chance(0.8) ? views.integer(1, 70) : views.integer(900, 1100);
    std::vector<kernels::Sample> samples;
    std::vector<View> in;
    for (const DType dtype : program.inputs()) {
      Shape stored = shape;
      for (Index& length : stored)
        if (views.chance(0.15)) length = 1;
      samples.push_back(views.values(dtype, stored, 0));
      in.push_back(samples.back().view);
      for (int k = 0; k < shape.rank(); ++k)
        if (stored[k] != shape[k]) in.back().shape[k] = shape[k], in.back().strides[k] = 0;
    }
    kernels::Sample out = views.empty(program.result(), shape);
    Buffer memory(program.scratch_bytes() + 64);
    Scratch scratch(memory.bytes());
    program.run(in, out.view, scratch, Cancel());
    const auto size = static_cast<std::size_t>(size_of(program.result()));
    kernels::for_each_index(shape, [&](const Dims& at) {
      const auto element = [&](View view) {
        for (int k = 0; k < view.rank(); ++k) view.data += at[k] * view.strides[k];
        return View{view.data, view.dtype, {}, {}};
      };
      std::byte alone[8];
      Scratch again(memory.bytes());
      program.run(std::vector<View>{element(in[0]), element(in[1]), element(in[2])}, View{alone, program.result(), {}, {}}, again, Cancel());
      ASSERT_EQ(std::memcmp(alone, element(out.view).data, size), 0) << "seed " << kSeed << ", round " << round << ", " << to_string(shape);
    });
  }
}

TEST(Program, JsonRoundTripKeepsTheBits) {
  Program program({DType::kFloat64, DType::kInt32});
  const int c = program.add_constant({DType::kFloat64, 0.1, 0});
  const int nan = program.add_constant({DType::kFloat64, std::nan(""), 0});
  const int cast = program.add_cast(1, DType::kFloat64);
  const int sum = program.add(*kernels::find_elementwise("add"), DType::kFloat64, std::vector<int>{0, cast});
  const int scaled = program.add(*kernels::find_elementwise("multiply"), DType::kFloat64, std::vector<int>{sum, c});
  program.add(*kernels::find_elementwise("fmax"), DType::kFloat64, std::vector<int>{scaled, nan});
  const auto text = program.to_json().dump();
  EXPECT_EQ(Program::from_json(nlohmann::json::parse(text)).to_json().dump(), text);
  for (const char* damaged :
       {R"({"inputs":["float32"],"constants":[],"code":[["add","float32",0,5]]})",
        R"({"inputs":["float32"],"constants":[],"code":[["nope","float32",0]]})",
        R"({"inputs":["float32"],"constants":[],"code":[["add","float64",0,0]]})", R"({"inputs":[],"constants":[],"code":[]})", "[]"})
    EXPECT_THROW(Program::from_json(nlohmann::json::parse(damaged)), Error) << damaged;
}

TEST(Leaves, AreBalancedForContiguousDataAndFollowChunks) {
  EXPECT_EQ(leaf_extents(ChunkGrid::contiguous({512, 768, 768}), {0, 1, 2}), (Shape{64, 32, 32}));
  EXPECT_EQ(leaf_extents(ChunkGrid::contiguous({512, 768, 768}), {0}), (Shape{512, 1, 1}));
  EXPECT_EQ(leaf_extents(ChunkGrid::contiguous({512, 768, 768}), {1, 2}), (Shape{1, 256, 256}));
  EXPECT_EQ(leaf_extents(ChunkGrid({1000, 800}, {100, 50}), {0}), (Shape{100, 1}));
  const Shape split = leaf_extents(ChunkGrid({1 << 20, 4}, {1 << 18, 4}), {0, 1});
  EXPECT_LE(split[0] * split[1], 65536);
}

TEST(Slices, FollowPythonOnRandomBounds) {
  std::mt19937 random(9);
  for (int round = 0; round < 500; ++round) {
    const Index n = static_cast<Index>(random() % 12);
    const auto maybe = [&]() -> std::optional<Index> {
      if (random() % 4 == 0) return std::nullopt;
      return static_cast<Index>(random() % 31) - 15;
    };
    Index step = static_cast<Index>(random() % 9) - 4;
    if (step == 0) step = 1;
    const auto start = maybe(), stop = maybe();
    // Python's definition, position by position.
    const Index first = step > 0 ? 0 : n - 1;
    Index from = start ? (*start < 0 ? *start + n : *start) : first;
    Index to = stop ? (*stop < 0 ? *stop + n : *stop) : (step > 0 ? n : -n - 1);
    if (step > 0)
      from = std::clamp<Index>(from, 0, n), to = std::clamp<Index>(to, 0, n);
    else
      from = std::clamp<Index>(from, -1, n - 1), to = stop ? std::clamp<Index>(to, -1, n - 1) : -1;
    Index count = 0;
    for (Index i = from; step > 0 ? i < to : i > to; i += step) ++count;
    EXPECT_EQ(slice(array({n}, DType::kFloat32), {{start, stop, step}}).shape()[0], count) << n << " " << step;
  }
}

TEST(Slices, RefuseWhatIsOutside) {
  EXPECT_THROW(slice(array({3}, DType::kFloat32), {Slice::at(3)}), Error);
  EXPECT_THROW(transpose(array({3, 4}, DType::kFloat32), {0, 0}), Error);
  EXPECT_THROW(squeeze(array({3, 4}, DType::kFloat32), 0), Error);
}

}  // namespace
}  // namespace freestone
