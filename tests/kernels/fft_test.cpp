#include "freestone/kernels/fft.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "freestone/kernels/dispatch.h"
#include "random_views.h"

namespace freestone::kernels {
namespace {

/// One line along `axis`; `at` has the other axes.
View line_of(View view, int axis, const Dims& at) {
  int other = 0;
  for (int k = 0; k < view.rank(); ++k) {
    if (k == axis) continue;
    view.data += at[other++] * view.strides[k];
    view.shape[k] = 1;
  }
  return view;
}

std::vector<std::byte> bytes_of(const View& view) {
  std::vector<std::byte> out;
  for_each_index(view.shape, [&](const Dims& at) {
    const std::byte* element = view.data;
    for (int k = 0; k < view.rank(); ++k) element += at[k] * view.strides[k];
    out.insert(out.end(), element, element + size_of(view.dtype));
  });
  return out;
}

void transform(const View& in, int axis, const FftRequest& request, const View& out) {
  std::vector<std::byte> memory(static_cast<std::size_t>(fft_scratch_bytes(in.shape, axis, in.dtype, out.dtype, request)) + 64);
  auto* const start = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64);
  Scratch scratch(std::span(start, memory.size() - 64));
  fft_along(in, axis, request, out, scratch, Cancel());
}

void fill(RandomViews& views, const View& view) {
  const bool single = view.dtype == DType::kFloat32 || view.dtype == DType::kComplex64;
  for_each_index(view.shape, [&](const Dims& at) {
    std::byte* element = view.data;
    for (int k = 0; k < view.rank(); ++k) element += at[k] * view.strides[k];
    if (view.dtype == DType::kInt32) {
      const auto value = static_cast<std::int32_t>(views.integer(-1000, 1000));
      std::memcpy(element, &value, sizeof value);
      return;
    }
    for (Index part = 0; part < (is_complex(view.dtype) ? 2 : 1); ++part) {
      const double value = views.normal();
      const auto narrow = static_cast<float>(value);
      if (single) std::memcpy(element + part * 4, &narrow, 4);
      else std::memcpy(element + part * 8, &value, 8);
    }
  });
}

// Lines that fill vectors and blocks, lines that are left over, and lines alone; in memory of any order; cut, filled up, converted.
TEST(FftKernel, ALineHasTheSameBitsWhateverIsBesideItOnEveryTarget) {
  constexpr std::uint64_t kSeed = 61;
  RandomViews views(kSeed);
  constexpr Index kLengths[] = {1, 2, 3, 4, 5, 7, 8, 12, 31, 64, 77, 97, 128, 210, 251, 521, 4096, 4097};
  int blocks = 0;
  for (int round = 0; round < 400; ++round) {
    FftRequest request{static_cast<FftKind>(views.integer(0, 3)), kLengths[views.integer(0, std::ssize(kLengths) - 1)], views.chance(0.5),
                       views.chance(0.5) ? 1 : 0.37};
    if (request.kind == FftKind::kRealFull) request.forward = true;
    const bool single = views.chance(0.5), to_real = request.kind == FftKind::kToReal;
    const bool takes_complex = request.kind == FftKind::kComplex || to_real;
    const DType complex = single ? DType::kComplex64 : DType::kComplex128, real = single ? DType::kFloat32 : DType::kFloat64;
    const DType in_dtype = !single && views.chance(0.3) ? DType::kInt32 : takes_complex && views.chance(0.8) ? complex : real;
    const DType out_dtype = to_real ? real : complex;
    const int rank = static_cast<int>(views.integer(1, 3)), axis = static_cast<int>(views.integer(0, rank - 1));
    Shape in_shape, out_shape;
    for (int k = 0; k < rank; ++k) in_shape.push_back(request.n < 1000 ? views.integer(1, k == rank - 1 ? 70 : 6) : k == rank - 1 ? 37 : 1);
    out_shape = in_shape;
    in_shape[axis] = std::max<Index>(1, fft_input_length(request) + (views.chance(0.3) ? views.integer(-3, 3) : 0));
    out_shape[axis] = fft_output_length(request);
    const bool plain = views.chance(0.5);
    Sample in = views.empty(in_dtype, in_shape), out = views.empty(out_dtype, out_shape);
    if (plain) {
      in.view = View::contiguous(in.memory.data(), in_dtype, in_shape);
      out.view = View::contiguous(out.memory.data(), out_dtype, out_shape);
      blocks += request.kind == FftKind::kComplex && axis != rank - 1 && out_shape.back() >= 32 && request.n <= 4096;
    }
    fill(views, in.view);
    const Sample alone = views.empty(out_dtype, out_shape);
    Shape lines = out_shape;
    lines.erase(axis);
    set_target(Target::kBaseline);
    for_each_index(lines, [&](const Dims& at) { transform(line_of(in.view, axis, at), axis, request, line_of(alone.view, axis, at)); });
    for (const Target target : {Target::kBaseline, Target::kAvx2, Target::kAvx512}) {
      set_target(target);
      transform(in.view, axis, request, out.view);
      ASSERT_TRUE(bytes_of(out.view) == bytes_of(alone.view))
          << "seed " << kSeed << ", round " << round << ", kind " << static_cast<int>(request.kind) << ", n " << request.n << ", axis " << axis
          << " of " << to_string(out_shape) << ", from " << name_of(in_dtype) << ", target " << static_cast<int>(target);
    }
  }
  set_target(best_target());
  EXPECT_GT(blocks, 5);
}

// What goes in is what comes out, converted piece by piece: lines short enough for that, and more than one piece.
TEST(FftKernel, ConvertsInPiecesAndNeedsLittleMemory) {
  RandomViews views(62);
  const FftRequest request{FftKind::kRealFull, 512, true, 1};
  const Shape shape{300, 512};
  Sample in = views.empty(DType::kInt32, shape), as_double = views.empty(DType::kFloat64, shape), a = views.empty(DType::kComplex128, shape),
         b = views.empty(DType::kComplex128, shape);
  fill(views, in.view);
  for_each_index(shape, [&](const Dims& at) {
    std::int32_t value;
    std::memcpy(&value, in.view.data + at[0] * in.view.strides[0] + at[1] * in.view.strides[1], sizeof value);
    const double converted = value;
    std::memcpy(as_double.view.data + at[0] * as_double.view.strides[0] + at[1] * as_double.view.strides[1], &converted, sizeof converted);
  });
  transform(in.view, 1, request, a.view);
  transform(as_double.view, 1, request, b.view);
  EXPECT_TRUE(bytes_of(a.view) == bytes_of(b.view));
  EXPECT_LE(fft_scratch_bytes(shape, 1, DType::kInt32, DType::kComplex128, request), Index{1} << 20);
}

}  // namespace
}  // namespace freestone::kernels
