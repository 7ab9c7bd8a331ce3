#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "exec/chunked_array.h"
#include "exec/stored_in_blocks.h"
#include "freestone/exec/boolean_index.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/calculus.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/decompose.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/einsum.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/fft.h"
#include "freestone/ops/filters.h"
#include "freestone/ops/group.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/index.h"
#include "freestone/ops/linalg.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/pad.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/random.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/repeat.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/search.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"
#include "freestone/ops/smooth.h"
#include "freestone/ops/sort.h"
#include "freestone/ops/sort_passes.h"
#include "freestone/ops/user.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/graph.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

constexpr Index kLargest = 300'000;  // elements; what is larger grows no more

/// Builds random graphs over stored cubes: whatever the planner makes of them, every plan gives the same bits.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {}

  Index pick(Index n) { return static_cast<Index>(random_() % static_cast<unsigned>(n)); }

  Array stored_cube(Shape shape) {
    std::normal_distribution<float> normal(0.5f, 2.0f);
    std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    for (float& v : values) v = pick(20) == 0 ? std::nanf("") : normal(random_);
    if (values.empty()) return zeros(shape, DType::kFloat32);
    Shape block = shape;
    for (Index& b : block) b = 1 + pick(b);
    if (pick(2) == 0) {
      // Compressed, in chunks that are not too many files.
      for (int k = 0; element_count(block) * 60 < element_count(shape); k = (k + 1) % shape.rank()) block[k] = std::min(shape[k], 2 * block[k]);
      chunked_.push_back(std::make_shared<testing_chunks::Chunked>(shape, block, std::move(values)));
      return chunked_.back()->array();
    }
    return stored_in_blocks(View::contiguous(values.data(), DType::kFloat32, shape), block);
  }

  /// One more operation on something that is there.
  Array grow(const std::vector<Array>& there) {
    const Array x = there[static_cast<std::size_t>(pick(static_cast<Index>(there.size())))];
    if (x.size() == 0) return grow_empty(x);
    const int rank = x.rank();
    const int axis = rank == 0 ? 0 : static_cast<int>(pick(rank));
    const bool real = is_floating(x.dtype());
    switch (pick(rank == 0 ? 2 : 23)) {
      case 0: return x * 0.5 + 1.25;
      case 1: {
        for (const Array& y : there)
          if (y.node() != x.node() && y.rank() <= rank && fits(y.shape(), x.shape()) && pick(2) == 0)
            return elementwise("subtract", {x, y});
        return elementwise("absolute", {x});
      }
      case 2: {
        std::vector<int> axes{axis};
        if (rank > 1 && pick(2) == 0) axes.push_back((axis + 1) % rank);
        const char* names[] = {"sum", "mean", "std", "min", "max", "rms"};
        return reduce(names[pick(6)], x, axes, {.skip_nan = true, .keep_dims = true});
      }
      case 3: return reduce("mean", x, {}, {.skip_nan = true});
      case 4: return real ? sigma_clip(x, 2.0, axis) : x + 1.0;
      case 5: return real ? expand_dims(median(x, {axis}), axis) : x * 2.0;
      case 6: return real ? convolve(x, gaussian_kernel(0.7 + 0.3 * static_cast<double>(pick(3))), axis) : x - 1.0;
      case 7: {
        std::vector<Slice> slices(static_cast<std::size_t>(rank));
        const Index n = x.shape()[axis], start = pick(n), step = pick(2) == 0 ? 1 + pick(3) : -(1 + pick(3));
        slices[static_cast<std::size_t>(axis)] = {start, std::nullopt, step};
        return slice(x, slices);
      }
      case 8: {
        std::vector<int> order(static_cast<std::size_t>(rank));
        for (int k = 0; k < rank; ++k) order[static_cast<std::size_t>(k)] = k;
        std::shuffle(order.begin(), order.end(), random_);
        return transpose(x, order);
      }
      case 9: return x.shape()[axis] >= 2 && real ? downsample(x, 2, {axis}) : x + 2.0;
      case 10: return where(elementwise("greater", {x, reduce("mean", x, {axis}, {.skip_nan = true, .keep_dims = true})}), x, std::nan(""));
      case 11: return x.size() < kLargest ? concat({x, slice(x, {{pick(x.shape()[0]), std::nullopt}})}, 0) : x;
      case 12: return roll(x, {pick(200) - 100}, {axis});
      case 13: {
        const PadMode modes[] = {PadMode::kConstant, PadMode::kEdge,      PadMode::kMean,
                                 PadMode::kReflect,  PadMode::kSymmetric, PadMode::kWrap};
        std::vector<PadWidth> widths(static_cast<std::size_t>(rank));
        widths[static_cast<std::size_t>(axis)] = {pick(6), pick(6)};
        return x.size() < kLargest ? pad(x, widths, modes[pick(6)]) : x;
      }
      case 14: {
        auto shape = x.shape().to_vector();
        if (rank == 1) return reshape(x, {x.size() % 2 == 0 ? 2 : 1, -1});
        const auto at = static_cast<std::size_t>(pick(rank - 1));
        shape[at] *= shape[at + 1];
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        return reshape(x, shape);
      }
      case 15: {
        std::vector<Index> positions;
        for (Index i = 0, n = 1 + pick(60); i < n && x.size() < kLargest; ++i) positions.push_back(pick(x.shape()[axis]));
        return positions.empty() ? x : take(x, IndexArray(positions), axis);
      }
      case 16: return x + random::Generator(static_cast<std::uint64_t>(pick(3))).normal(x.shape());
      case 17: return elementwise("multiply", {x, linspace(0, 1, x.shape()[rank - 1])});
      case 18: return put_slice(x, {{pick(x.shape()[0]), std::nullopt, 1 + pick(3)}}, 0.5);
      case 19: return rank >= 2 ? tril(x, pick(20) - 10) : x;
      case 20: return x.size() < kLargest ? repeat(x, 2, axis) : x;
      case 21: return beside_its_transpose(x);
      default: return real && rank >= 2 ? convolve_2d(x, std::vector<double>(15, 1.0 / 15), 5, 3) : x;
    }
  }

  /// What can be done with nothing.
  Array grow_empty(const Array& x) {
    const int axis = static_cast<int>(pick(x.rank()));
    switch (pick(9)) {
      case 0: return x * 0.5 + 1.25;
      case 1: {
        const char* names[] = {"sum", "mean", "prod", "std", "count"};
        return astype(reduce(names[pick(5)], x, {axis}, {.skip_nan = pick(2) == 0, .keep_dims = true}), DType::kFloat64);
      }
      case 2: return concat({x, x}, axis);
      case 3: {
        std::vector<PadWidth> widths(static_cast<std::size_t>(x.rank()));
        widths[static_cast<std::size_t>(axis)] = {1, 2};
        return pad(x, widths, PadMode::kConstant);
      }
      case 4: return cumulative_sum(x, axis, {.include_initial = true});
      case 5: return sort(x, axis);
      case 6: return is_floating(x.dtype()) ? median(x, {axis}) : flip(x, axis);
      case 7: return x.rank() >= 2 ? matmul(matrix_transpose(x), x) : vecdot(x, x);
      default: return where(elementwise("greater", {x, 0.0}), flip(x, axis), 1.0);
    }
  }

  /// The same for operations that order, count or group along an axis.
  Array grow_ordered(const std::vector<Array>& there) {
    const Array x = there[static_cast<std::size_t>(pick(static_cast<Index>(there.size())))];
    if (x.size() == 0) return grow_empty(x);
    if (x.rank() == 0) return x + 1.0;
    const int axis = static_cast<int>(pick(x.rank()));
    const Index n = x.shape()[axis];
    switch (pick(10)) {
      case 0: return sort(x, axis, pick(2) == 0);
      case 1: return x + astype(argsort(x, axis), x.dtype());
      case 2: return topk(x, 1 + pick(n), axis);
      case 3: return cumulative_sum(x, axis, {.include_initial = pick(2) == 0, .skip_nan = pick(2) == 0});
      case 4: return cummax(x, axis);
      case 5: return slice(quantile(x, {0.1, 0.5}, {axis}, {.method = "hazen", .skip_nan = true}), {Slice::at(pick(2))});
      case 6: {
        const Index groups = 1 + pick(6);
        auto keys = std::make_shared<std::vector<std::int64_t>>();
        for (Index i = 0; i < n; ++i) keys->push_back(pick(groups + 1) - 1);
        const char* names[] = {"sum", "mean", "std", "max", "first", "count"};
        return group_reduce(names[pick(6)], x, from_memory(View::contiguous(keys->data(), DType::kInt64, {n}), keys), groups, axis);
      }
      case 7: return histogram(x, 1 + pick(9), {.range = std::pair{-3.0, 4.0}, .axes = {axis}}).counts;
      case 8: {
        const Array list = sort(slice(x, one_line(x)), 0);
        return searchsorted(list, x);
      }
      default: return sort(cumulative_sum(x, axis), static_cast<int>(pick(x.rank())));
    }
  }

  /// The same for transforms, products and decompositions of matrices, differences, counts, masks and creation. Complex results come back as
  /// real ones, for the operations that have no complex form.
  Array grow_algebra(const std::vector<Array>& there) {
    const Array given = there[static_cast<std::size_t>(pick(static_cast<Index>(there.size())))];
    if (given.size() == 0) return grow_empty(given);
    if (given.rank() == 0) return given - 0.5;
    const int rank = given.rank(), axis = static_cast<int>(pick(rank));
    // Line after line of nothing but NaN would hide what goes wrong.
    const Array x = nan_to_num(given, 0.25, 9.0, -9.0);
    const Index n = x.shape()[axis], last = x.shape()[rank - 1];
    const auto magnitude = [](const Array& a) { return elementwise("absolute", {a}); };
    switch (pick(22)) {
      case 0: return magnitude(pick(2) == 0 ? fft(x, std::nullopt, axis) : ifft(x, 1 + pick(40), axis, FftNorm::kOrtho));
      case 1: return irfft(rfft(x, std::nullopt, axis), n, axis);
      case 2: return elementwise("real", {rank >= 2 ? ifft2(fft2(x)) : fftn(x)});
      case 3: return magnitude(pick(2) == 0 ? ihfft(x, std::nullopt, axis) : fftshift(fftn(x, {{}, {axis}}), {axis}));
      case 4: return rank >= 2 ? matmul(x, matrix_transpose(x)) : outer(slice(x, {{0, std::min<Index>(n, 90)}}), slice(x, {{0, std::min<Index>(n, 70)}}));
      case 5: return tensordot(x, linspace(-1, 1, n), {axis}, {0});
      case 6: return vecdot(x, x + 1.0, -1);
      case 7: return rank == 3 ? einsum("ijk,ljk->il", {x, x}) : rank == 2 ? einsum("ij,ik,ij->jk", {x, x, x * 0.5}) : einsum("i,i->i", {x, x});
      case 8: {
        const Array matrix = reshape(x, {-1, last});
        if (last > 60) return matrix;
        const QrResult parts = qr(matrix);
        return pick(2) == 0 ? parts.r : magnitude(parts.q);
      }
      case 9: return last <= 60 ? svdvals(reshape(x, {-1, last})) : x;
      case 10: {
        if (last > 60) return x;
        const Array positive = cov(reshape(x, {-1, last}), {.rows_are_variables = false}) + eye(last);
        return pick(2) == 0 ? inv(positive) : solve(positive, linspace(0, 1, last));
      }
      case 11: return pick(2) == 0 ? diff(x, 1, axis) : n >= 2 ? gradient(x, 0.5, axis) : x;
      case 12: return pick(2) == 0 ? trapezoid(x, 2.0, axis) : cumulative_trapezoid(x, 2.0, axis);
      case 13: return pick(2) == 0 ? cumulative_prod(elementwise("tanh", {x}), axis) : cummin(x, axis);
      case 14: return unwrap(x, 3.0, axis);
      case 15: {
        const auto found = mode(astype(clip(x, Operand(-3), Operand(3)), DType::kInt16), axis);
        return astype(found.first, DType::kFloat64) + found.second;
      }
      case 16: return astype(bincount(astype(reshape(magnitude(clip(x, Operand(-8), Operand(8))), {-1}), DType::kInt64), 9), DType::kFloat32);
      case 17: {
        const char* names[] = {"argmin", "argmax", "any", "all", "count_nonzero", "prod", "variance"};
        return astype(reduce(names[pick(7)], x, {axis}, {.keep_dims = true}), DType::kFloat64);
      }
      case 18: {
        ComputeOptions counting;
        counting.settings = {Index{1} << 30, 1, "/var/tmp"};
        return boolean_index(x, elementwise("greater", {x, 0.5}), counting);
      }
      case 19: return astype(digitize(x, linspace(-2, 3, 7)), DType::kFloat32) + interp(x, linspace(-2, 3, 5), linspace(1, 0, 5));
      case 20: return x.size() < kLargest ? flip(tile(x, {2}), {axis}) : rot90(rank >= 2 ? x : expand_dims(x, 0));
      default: return take_along_axis(x, argsort(x, axis), axis) + random::Generator(5).uniform(x.shape());
    }
  }

  /// What is left of it when two axes are made equal, and the same mirrored.
  Array beside_its_transpose(const Array& x) {
    if (x.rank() < 2) return x + x;
    const int a = static_cast<int>(pick(x.rank())), b = (a + 1 + static_cast<int>(pick(x.rank() - 1))) % x.rank();
    const Index side = std::min(x.shape()[a], x.shape()[b]);
    std::vector<Slice> slices(static_cast<std::size_t>(x.rank()));
    slices[static_cast<std::size_t>(a)] = slices[static_cast<std::size_t>(b)] = {0, side};
    std::vector<int> order(static_cast<std::size_t>(x.rank()));
    for (int k = 0; k < x.rank(); ++k) order[static_cast<std::size_t>(k)] = k == a ? b : k == b ? a : k;
    const Array square = slice(x, slices);
    return elementwise("subtract", {square, transpose(square, order)});
  }

  /// The same for windows of every kind and user functions.
  Array grow_windows(const std::vector<Array>& there) {
    const Array x = there[static_cast<std::size_t>(pick(static_cast<Index>(there.size())))];
    if (x.size() == 0) return grow_empty(x);
    if (x.rank() == 0) return x * 3.0;
    const int rank = x.rank(), axis = static_cast<int>(pick(rank));
    const FilterOptions options{static_cast<Boundary>(pick(5)), static_cast<double>(pick(3)), {axis}};
    const auto box = [&] { return std::vector<Index>{1 + pick(6)}; };
    switch (pick(10)) {
      case 0: return uniform_filter(x, box(), options);
      case 1: return gaussian_filter(x, {0.5 + static_cast<double>(pick(3))}, 3, options);
      case 2: return pick(2) == 0 ? minimum_filter(x, box(), options) : maximum_filter(x, box(), options);
      case 3: return pick(2) == 0 ? median_filter(x, {1 + pick(4)}, options) : percentile_filter(x, 30, {1 + pick(4)}, options);
      case 4: {
        const char* names[] = {"sum", "mean", "min", "max", "variance", "std", "median", "count"};
        const Index window = 1 + pick(9);
        return rolling(names[pick(8)], x, window, axis, {.center = pick(2) == 0, .min_periods = 1 + pick(window)});
      }
      case 5: {
        std::vector<StencilPoint> points;
        for (Index i = 0, n = 1 + pick(4); i < n; ++i) {
          points.push_back({std::vector<Index>(static_cast<std::size_t>(rank)), 0.25 * static_cast<double>(1 + pick(7))});
          for (Index& offset : points.back().offset) offset = pick(7) - 3;
        }
        return stencil(x, points, {options.boundary, options.constant, {}});
      }
      case 6: {
        Shape shape(rank, 1);
        std::vector<double> kernel;
        for (Index& n : shape) n = 1 + pick(3);
        for (Index i = 0; i < element_count(shape); ++i) kernel.push_back(static_cast<double>(pick(9)) - 4);
        return convolve_nd(x, kernel, shape, {options.boundary, options.constant, {}});
      }
      case 7: {
        std::vector<Index> halo(static_cast<std::size_t>(rank));
        halo[static_cast<std::size_t>(axis)] = 1 + pick(4);
        return map_overlap(x, {halo, options.boundary, options.constant, {.elementwise = pick(2) == 0}}, sum_of_ends(axis));
      }
      case 8: return map_blocks(less_the_first, {x}, {.core_axes = pick(2) == 0 ? std::vector<int>{axis} : std::vector<int>()});
      default: return pick(2) == 0 ? apply_along(running_difference, x, axis) : sort_in_passes(x, axis, pick(2) == 0, false);
    }
  }

 private:
  template <class F>
  static void each_element(const View& from, const View& to, F&& f) {
    with_real_type(from.dtype, [&]<class T>(TypeTag<T>) {
      for_each_row(to.shape, {&from, &to}, [&](std::byte** row) {
        for (Index i = 0; i < to.shape.back(); ++i)
          f(reinterpret_cast<const T*>(row[0] + i * from.strides.back()), reinterpret_cast<T*>(row[1] + i * to.strides.back()));
      });
    });
  }
  /// Both ends of the window along `axis`: needs only what lies around it.
  static OverlapFunction sum_of_ends(int axis) {
    return [axis](const View& in, const View& out) {
      const Index apart = (in.shape[axis] - out.shape[axis]) * in.strides[axis];
      each_element(in, out, [&](const auto* x, auto* y) {
        *y = static_cast<std::remove_reference_t<decltype(*y)>>(
            *x + *reinterpret_cast<decltype(x)>(reinterpret_cast<const std::byte*>(x) + apart));
      });
    };
  }
  /// Depends on where the block begins: nominal chunks must be what they are under any plan.
  static void less_the_first(std::span<const View> in, const View& out) {
    if (out.count() == 0) return;
    each_element(in[0], out, [&](const auto* x, auto* y) {
      *y = static_cast<std::remove_reference_t<decltype(*y)>>(*x - *reinterpret_cast<decltype(x)>(in[0].data));
    });
  }
  static void running_difference(const View& in, const View& out) {
    each_element(in, out, [&](const auto* x, auto* y) {
      const bool first = reinterpret_cast<const std::byte*>(x) == in.data;
      const auto before = first ? *x : *reinterpret_cast<decltype(x)>(reinterpret_cast<const std::byte*>(x) - in.strides[0]);
      *y = static_cast<std::remove_reference_t<decltype(*y)>>(*x - before);
    });
  }
  std::vector<Slice> one_line(const Array& x) {
    std::vector<Slice> slices;
    for (int k = 0; k + 1 < x.rank(); ++k) slices.push_back(Slice::at(0));
    slices.push_back({});
    return slices;
  }
  static bool fits(const Shape& small, const Shape& large) {
    const int lead = large.rank() - small.rank();
    for (int k = 0; k < small.rank(); ++k)
      if (small[k] != 1 && small[k] != large[lead + k]) return false;
    return true;
  }
  std::mt19937 random_;
  std::vector<std::shared_ptr<testing_chunks::Chunked>> chunked_;
};

std::string first_difference(const Tensor& got, const Tensor& expected) {
  const Index width = size_of(got.dtype());
  for (Index i = 0; i < got.view().count(); ++i)
    if (std::memcmp(got.view().data + i * width, expected.view().data + i * width, static_cast<std::size_t>(width)) != 0)
      return with_real_type(got.dtype(), [&]<class T>(TypeTag<T>) {
        return fmt::format(": element {} of {} is {}, not {}", i, to_string(got.shape()), got.data<T>()[i], expected.data<T>()[i]);
      });
  return {};
}

/// The operations above `root`, and a plan of it.
std::string what_differs(const Array& root, Index memory, const ComputeOptions& options) {
  std::string text;
  const Graph graph({root});
  for (const PlanNode& node : graph.nodes) text += describe(*node.op) + ", ";
  const MemoryStore store(root.spec());
  try {
    text += "\n" + explain(plan_outputs({{root, store.sink()}}, options), 0);
  } catch (const Error&) {
    text += fmt::format("\nno plan for it alone in {} bytes", memory);
  }
  return text;
}

TEST(RandomGraphs, EveryPlanGivesTheSameBits) {
  // FREESTONE_GRAPHS makes it a campaign; FREESTONE_SEED runs one.
  const char* many = std::getenv("FREESTONE_GRAPHS");
  const char* one = std::getenv("FREESTONE_SEED");
#ifdef FREESTONE_SANITIZED
  constexpr unsigned kUsual = 30;
#else
  constexpr unsigned kUsual = 150;
#endif
  const unsigned first = one != nullptr ? static_cast<unsigned>(std::atoi(one)) : 1;
  const unsigned count = one != nullptr ? 1 : many != nullptr ? static_cast<unsigned>(std::atoi(many)) : kUsual;
  for (unsigned seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("FREESTONE_SEED=" + std::to_string(seed));
    RandomGraph graph(seed);
    Shape shape{8 + graph.pick(60), 1 + graph.pick(40), 1 + graph.pick(50)};
    if (graph.pick(4) == 0) shape[graph.pick(2) == 0 ? 1 : 2] = shape[0];
    if (graph.pick(12) == 0) shape[static_cast<int>(graph.pick(3))] = 0;
    std::vector<Array> arrays;
    arrays.reserve(16);  // g++ 12 warns of a growth that does not happen
    arrays.push_back(graph.stored_cube(shape));
    if (graph.pick(2) == 0) arrays.push_back(graph.stored_cube(arrays[0].shape()));
    for (Index step = 0, steps = 2 + graph.pick(6); step < steps; ++step) switch (graph.pick(5)) {
        case 0: arrays.push_back(graph.grow_ordered(arrays)); break;
        case 1: arrays.push_back(graph.grow_windows(arrays)); break;
        case 2: arrays.push_back(graph.grow_algebra(arrays)); break;
        default: arrays.push_back(graph.grow(arrays));
      }
    std::vector<Array> roots{arrays.back(), arrays[static_cast<std::size_t>(graph.pick(static_cast<Index>(arrays.size())))]};

    ComputeOptions reference;
    reference.settings = {Index{1} << 30, 1, "/var/tmp"};
    const auto expected = compute_all(roots, reference);
    Index result_bytes = 0;
    for (const Array& root : roots) result_bytes += root.bytes();
    int tried = 0;
    for (Index memory = result_bytes + (Index{96} << 10); tried < 3; memory *= 3) {
      ComputeOptions options;
      options.settings = {memory, 1 + static_cast<int>(graph.pick(8)), "/var/tmp"};
      for (const PassInfo& pass : all_passes())
        if (graph.pick(8) == 0) options.without_passes.push_back(pass.name);
      try {
        const auto got = compute_all(roots, options);
        for (std::size_t i = 0; i < roots.size(); ++i)
          ASSERT_EQ(std::memcmp(got[i].view().data, expected[i].view().data, static_cast<std::size_t>(got[i].view().bytes())), 0)
              << "output " << i << " with " << memory << " bytes and " << options.settings.threads << " threads" << first_difference(got[i], expected[i])
              << "\n" << what_differs(roots[i], memory, options);
        ++tried;
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kMemory) << error.what();
        ASSERT_LT(memory, Index{1} << 30) << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace freestone
