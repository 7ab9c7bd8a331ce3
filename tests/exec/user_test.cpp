#include "freestone/ops/user.h"

#include <atomic>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "exec/random_arrays.h"
#include "freestone/ops/lent_functions.h"
#include "freestone/ops/op_list.h"

namespace freestone {
namespace {

double& number(const View& view, const std::vector<Index>& at) {
  std::byte* data = view.data;
  for (int k = 0; k < view.rank(); ++k) data += at[static_cast<std::size_t>(k)] * view.strides[k];
  return *reinterpret_cast<double*>(data);
}

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

TEST(MapBlocks, IsCalledOnceForEachNominalChunk) {
  RandomArrays random(3);
  Known a = random.array(DType::kFloat64, {23, 31}, 0);
  std::vector<double> values = a.values;
  const Array stored = random.on_disk(View::contiguous(values.data(), DType::kFloat64, {23, 31}));
  const Shape chunk = stored.chunks().chunk();
  // Every element becomes the sum of its chunk.
  const Array sums = map_blocks(
      [](std::span<const View> in, const View& out) {
        double total = 0;
        for (Index i = 0; i < out.shape[0]; ++i)
          for (Index j = 0; j < out.shape[1]; ++j) total += number(in[0], {i, j});
        for (Index i = 0; i < out.shape[0]; ++i)
          for (Index j = 0; j < out.shape[1]; ++j) number(out, {i, j}) = total;
      },
      {stored});
  for (const Index memory : {Index{40} << 10, Index{1} << 26}) {
    const auto got = numbers(compute(sums, with(memory, 3)));
    for (Index i = 0; i < 23; ++i)
      for (Index j = 0; j < 31; ++j) {
        double expected = 0;
        const Index i0 = i / chunk[0] * chunk[0], j0 = j / chunk[1] * chunk[1];
        for (Index k = i0; k < std::min<Index>(23, i0 + chunk[0]); ++k)
          for (Index l = j0; l < std::min<Index>(31, j0 + chunk[1]); ++l) expected += a.values[static_cast<std::size_t>(k * 31 + l)];
        ASSERT_NEAR(got[static_cast<std::size_t>(i * 31 + j)], expected, 1e-9);
      }
  }
}

TEST(MapBlocks, CoreAxesAreWholeAndDTypesChange) {
  RandomArrays random(5);
  const Known a = random.array(DType::kFloat64, {20, 30}, 0), b = random.array(DType::kFloat64, {20, 30}, 0);
  const Array out = map_blocks(
      [](std::span<const View> in, const View& to) {
        if (to.shape[1] != 30) throw std::runtime_error("not whole");
        for (Index i = 0; i < to.shape[0]; ++i)
          for (Index j = 0; j < 30; ++j)
            *reinterpret_cast<bool*>(to.data + i * to.strides[0] + j * to.strides[1]) = number(in[0], {i, j}) > number(in[1], {i, 29 - j});
      },
      {a.array, b.array}, {.dtype = DType::kBool, .core_axes = {1}});
  const auto got = numbers(compute(out, with(1 << 18, 2)));
  for (Index i = 0; i < 20; ++i)
    for (Index j = 0; j < 30; ++j)
      EXPECT_EQ(got[static_cast<std::size_t>(i * 30 + j)],
                a.values[static_cast<std::size_t>(i * 30 + j)] > b.values[static_cast<std::size_t>(i * 30 + 29 - j)]);
}

TEST(MapOverlap, FillsHalosBeyondEdges) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const Known a = random.array(DType::kFloat64, {19, 13}, 0);
    const auto boundary = static_cast<Boundary>(random.pick(5));
    const bool elementwise = random.pick(2) == 0;
    const Array out =
        map_overlap(a.array, {.halo = {2, 1}, .boundary = boundary, .constant = 7, .user = {.elementwise = elementwise}},
                    [](const View& in, const View& to) {
                      for (Index i = 0; i < to.shape[0]; ++i)
                        for (Index j = 0; j < to.shape[1]; ++j)
                          number(to, {i, j}) = number(in, {i, j}) + 10 * number(in, {i + 4, j + 2}) + 100 * number(in, {i + 2, j + 1});
                    });
    const auto got = numbers(compute(out, with(Index{16 + random.pick(60)} << 10, 2)));
    const auto at = [&](Index i, Index j) {
      const Index p = kernels::boundary_position(boundary, i, 19), q = kernels::boundary_position(boundary, j, 13);
      return p < 0 || q < 0 ? 7 : a.values[static_cast<std::size_t>(p * 13 + q)];
    };
    for (Index i = 0; i < 19; ++i)
      for (Index j = 0; j < 13; ++j)
        ASSERT_NEAR(got[static_cast<std::size_t>(i * 13 + j)], at(i - 2, j - 1) + 10 * at(i + 2, j + 1) + 100 * at(i, j), 1e-9);
  }
}

TEST(ApplyAlong, SeesLines) {
  RandomArrays random(8);
  const Known a = random.array(DType::kFloat64, {6, 11, 5}, 0);
  const Array out = apply_along(
      [](const View& in, const View& to) {
        double sum = 0, most = -1e300;
        for (Index i = 0; i < in.shape[0]; ++i) sum += number(in, {i}), most = std::max(most, number(in, {i}));
        number(to, {0}) = sum, number(to, {1}) = most;
      },
      a.array, 1, {.output_length = 2});
  ASSERT_EQ(out.shape(), (Shape{6, 2, 5}));
  const auto got = numbers(compute(out, with(1 << 16, 2)));
  const auto in = columns_of(a.shape(), 1), results = columns_of(out.shape(), 1);
  for (std::size_t c = 0; c < in.size(); ++c) {
    double sum = 0, most = -1e300;
    for (Index i = 0; i < 11; ++i) {
      const double x = a.values[static_cast<std::size_t>(in[c].first + i * in[c].step)];
      sum += x, most = std::max(most, x);
    }
    EXPECT_NEAR(got[static_cast<std::size_t>(results[c].first)], sum, 1e-9);
    EXPECT_EQ(got[static_cast<std::size_t>(results[c].first + results[c].step)], most);
  }
}

TEST(UserFunctions, AreThemselvesUnlessNamed) {
  RandomArrays random(9);
  const Array a = random.array(DType::kFloat64, {4}, 0).array;
  const auto fn = [](std::span<const View>, const View&) {};
  EXPECT_FALSE(map_blocks(fn, {a}) == map_blocks(fn, {a}));
  EXPECT_TRUE(map_blocks(fn, {a}, {.name = "nothing"}) == map_blocks(fn, {a}, {.name = "nothing"}));
}

TEST(UserFunctions, TheirExceptionsNameThem) {
  RandomArrays random(9);
  const Array a = random.array(DType::kFloat64, {4, 5}, 0).array;
  try {
    compute(
        map_blocks([](std::span<const View>, const View&) { throw std::runtime_error("the moon is in the way"); }, {a}, {.name = "look"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUser);
    const std::string text = error.what();
    EXPECT_NE(text.find("look"), std::string::npos) << text;
    EXPECT_NE(text.find("the moon is in the way"), std::string::npos) << text;
    EXPECT_NE(text.find("region"), std::string::npos) << text;
  }
}

TEST(UserFunctions, CannotComeFromASavedPlan) {
  RandomArrays random(9);
  const Array a = random.array(DType::kFloat64, {4}, 0).array;
  const Array mine = map_blocks([](std::span<const View>, const View&) {}, {a}, {.name = "mine"});
  try {
    make_op(mine.node()->op->name(), 1, mine.node()->op->params(), {a.spec()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("user function mine"), std::string::npos) << error.what();
  }
}

/// A window of three along the first axis: an input with a halo, a loop axis and a core axis, and two outputs.
UserFunction window_of_three(const Shape& shape) {
  UserFunction f;
  f.call = [](const UserCall& call) {
    for (Index i = 0; i < call.out[0].shape[0]; ++i)
      for (Index j = 0; j < call.out[0].shape[1]; ++j) {
        number(call.out[0], {i, j}) = number(call.in[0], {i, j}) + number(call.in[0], {i + 1, j}) * 2 + number(call.in[0], {i + 2, j});
        number(call.out[1], {i}) = static_cast<double>(call.block.start[0]);
      }
  };
  f.name = "window", f.identity = "window of three 1";
  f.extents = {shape[0]}, f.block = {4}, f.before = {1}, f.after = {1};
  f.open = {false}, f.edges = {{kernels::Boundary::kReflect, 0.0}};
  f.memory_factor = 0.1;
  f.inputs = {{0, -1}};
  f.outputs = {{DType::kFloat64, {0, -1}, shape}, {DType::kFloat64, {0}, {shape[0]}}};
  return f;
}

TEST(UserFunctions, ComeFromASavedPlanWhileTheyAreLent) {
  RandomArrays random(11);
  const Array a = random.array(DType::kFloat64, {23, 5}, 0).array;
  const std::vector<Array> made = user_function(window_of_three({23, 5}), {a});
  const Op& op = *made[0].node()->op;
  const nlohmann::json params = nlohmann::json::parse(op.params().dump());
  EXPECT_THROW(make_op("user_function", 1, params, {a.spec()}), Error);
  std::shared_ptr<const Op> again;
  {
    const auto wrong = lend_function("window of three 1", [](const UserCall&) { fail(ErrorKind::kInternal, "the function that was lent before"); });
    const auto lent = lend_function("window of three 1", window_of_three({23, 5}).call);
    again = make_op("user_function", 1, params, {a.spec()});
    EXPECT_EQ(again->params(), op.params());
    const auto damaged = [&](const char* where, const nlohmann::json& value) {
      nlohmann::json other = params;
      other[nlohmann::json::json_pointer(where)] = value;
      try {
        make_op("user_function", 1, other, {a.spec()});
        ADD_FAILURE() << where << " " << value;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kData) << where << ": " << error.what();
      }
    };
    damaged("/inputs/0/0", 1), damaged("/inputs/0/0", -2), damaged("/inputs/0", {0}), damaged("/inputs", nlohmann::json::array());
    damaged("/outputs/0/axes/0", 7), damaged("/outputs/0/shape/0", 24), damaged("/outputs/0/shape", {23}), damaged("/outputs/1/axes", {0, -1});
    damaged("/edges/0/boundary", 99), damaged("/edges", nlohmann::json::array()), damaged("/before/0", -1), damaged("/block/0", 0);
    damaged("/steps/0", 0), damaged("/extents/0", -5), damaged("/memory_factor", -1), damaged("/function", "another"), damaged("/name", 3);
  }
  EXPECT_THROW(make_op("user_function", 1, params, {a.spec()}), Error);  // what was made keeps the function, the plan's name for it is gone
  const std::vector<Array> back = apply_op_all(again, {a});
  for (const Index memory : {Index{40} << 10, Index{1} << 26})
    for (std::size_t o = 0; o < 2; ++o) EXPECT_EQ(numbers(compute(back[o], with(memory, 2))), numbers(compute(made[o], with(memory, 1))));
}

}  // namespace
}  // namespace freestone
