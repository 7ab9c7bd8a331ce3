// Overviews: the rule of 2 x 2 pixels against a plain loop, and files with the same bytes whatever the order in which their parts come.
#include "freestone/formats/tiff_overview.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <random>

#include "freestone/core/chunk_grid.h"
#include "freestone/formats/format.h"
#include "storage/temporary_folder.h"

namespace freestone::formats::tiff {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;

Index pick(std::mt19937_64& random, Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); }

/// One block by the contract's words, in the widest numbers there are.
template <class T>
T plain_block(const std::vector<T>& all, Resampling how, const T* nodata) {
  if (how == Resampling::kNearest) return all.front();
  std::vector<T> x;
  for (const T v : all) {
    bool is_nan = false;
    if constexpr (std::is_floating_point_v<T>) is_nan = std::isnan(v);
    if (!is_nan && (nodata == nullptr || v != *nodata)) x.push_back(v);
  }
  if (x.empty()) {
    if (nodata != nullptr) return *nodata;
    return std::is_floating_point_v<T> ? std::numeric_limits<T>::quiet_NaN() : T{0};
  }
  if (how == Resampling::kMin) return *std::min_element(x.begin(), x.end());
  if (how == Resampling::kMax) return *std::max_element(x.begin(), x.end());
  if (how == Resampling::kMode) {
    return *std::max_element(x.begin(), x.end(), [&](T a, T b) { return std::count(x.begin(), x.end(), a) < std::count(x.begin(), x.end(), b); });
  }
  T result;
  if constexpr (std::is_floating_point_v<T>) {
    double sum = 0;
    for (const T v : x) sum += how == Resampling::kRms ? static_cast<double>(v) * static_cast<double>(v) : static_cast<double>(v);
    sum /= static_cast<double>(x.size());
    result = static_cast<T>(how == Resampling::kRms ? std::sqrt(sum) : sum);
  } else {
    long double sum = 0;
    for (const T v : x) sum += static_cast<long double>(v);
    result = static_cast<T>(std::roundl(sum / static_cast<long double>(x.size())));
  }
  if (nodata != nullptr && result == *nodata) result = static_cast<T>(result + 1);
  return result;
}

template <class T>
class Halve : public testing::Test {};
using Types = testing::Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float, double>;
TYPED_TEST_SUITE(Halve, Types);

TYPED_TEST(Halve, EqualsAPlainLoopOnRandomImages) {
  using T = TypeParam;
  std::mt19937_64 random(20240607);
  for (int trial = 0; trial < 60; ++trial) {
    const Shape shape{pick(random, 1, 3), pick(random, 1, 9), pick(random, 1, 11)};
    std::vector<T> from(static_cast<std::size_t>(element_count(shape)));
    // Few values, so that they agree often, and the ends of the type.
    for (T& v : from) {
      const Index n = pick(random, 0, 9);
      v = n == 0 ? std::numeric_limits<T>::max() : n == 1 && !std::is_floating_point_v<T> ? std::numeric_limits<T>::lowest() : static_cast<T>(n);
      if constexpr (std::is_floating_point_v<T>) v = n == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(n) / 3;
    }
    const T nodata = from[0];
    bool has_nodata = trial % 2 == 0 && nodata < std::numeric_limits<T>::max();
    const Shape small = halved(shape);
    for (const Resampling how : {Resampling::kNearest, Resampling::kAverage, Resampling::kRms, Resampling::kMode, Resampling::kMin, Resampling::kMax}) {
      if (how == Resampling::kRms && !std::is_floating_point_v<T>) continue;  // against GDAL's words in tests/cli/test_cog.py
      std::vector<T> to(static_cast<std::size_t>(element_count(small)));
      Missing missing;
      if (has_nodata) {
        missing.nodata.resize(sizeof(T));
        std::memcpy(missing.nodata.data(), &nodata, sizeof(T));
      }
      halve(View::contiguous(from.data(), dtype_of<T>(), shape), View::contiguous(to.data(), dtype_of<T>(), small), how, missing);
      std::size_t at = 0;
      for (Index b = 0; b < small[0]; ++b) {
        for (Index y = 0; y < small[1]; ++y) {
          for (Index x = 0; x < small[2]; ++x, ++at) {
            std::vector<T> block;
            for (Index k = 0; k < 4; ++k) {
              const Index row = 2 * y + k / 2, column = 2 * x + k % 2;
              if (row < shape[1] && column < shape[2]) block.push_back(from[static_cast<std::size_t>((b * shape[1] + row) * shape[2] + column)]);
            }
            T expected = plain_block(block, how, has_nodata ? &nodata : nullptr);
            if constexpr (std::is_floating_point_v<T>) {
              // Moved by the smallest step there is, not by one.
              if (has_nodata && std::abs(to[at] - nodata) < 1e-5 && std::abs(expected - nodata - 1) < 1e-5) expected = to[at];
              if (std::isnan(expected)) {
                EXPECT_TRUE(std::isnan(to[at]));
                continue;
              }
            }
            EXPECT_EQ(to[at], expected) << to_string(shape) << " " << b << " " << y << " " << x << " by " << static_cast<int>(how);
          }
        }
      }
    }
  }
}

TEST(HalveLargeIntegers, AreExact) {
  std::uint64_t a[4] = {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - 1, 1, 0}, mean = 0;
  halve(View::contiguous(a, DType::kUint64, {2, 2}), View::contiguous(&mean, DType::kUint64, {1, 1}), Resampling::kAverage, {});
  EXPECT_EQ(mean, std::uint64_t{1} << 63);  // (2^65 - 2) / 4 = 2^63 - 0.5
  std::int64_t b[4] = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min(), -1, -2}, low = 0;
  halve(View::contiguous(b, DType::kInt64, {2, 2}), View::contiguous(&low, DType::kInt64, {1, 1}), Resampling::kAverage, {});
  EXPECT_EQ(low, -(std::int64_t{1} << 62) - 1);  // -(2^64 + 3) / 4 = -2^62 - 0.75
}

TEST(HalveComplex, PartsAreAveragedAndOrderIsRefused) {
  using C = std::complex<float>;
  C a[4] = {{1, 2}, {3, 4}, {std::numeric_limits<float>::quiet_NaN(), 0}, {5, 0}}, mean;
  halve(View::contiguous(a, DType::kComplex64, {2, 2}), View::contiguous(&mean, DType::kComplex64, {1, 1}), Resampling::kAverage, {});
  EXPECT_EQ(mean, C(3, 2));
  const Folder folder;
  WriteRequest request{.path = folder / "a.tif", .format = "cog"};
  request.packing.raster.overview_resampling = "max";
  request.packing.chunks = {16, 16};
  EXPECT_EQ(error_of([&] { create_sink({{40, 40}, DType::kComplex64}, request); }).kind(), ErrorKind::kUser);
}

TEST(Cog, HasTheSameBytesWhateverComesFirst) {
  std::mt19937_64 random(11);
  const Folder folder;
  const Spec spec{{2, 203, 171}, DType::kInt16};
  std::vector<std::byte> values(static_cast<std::size_t>(spec.bytes()));
  for (std::byte& b : values) b = static_cast<std::byte>(random() & 0x1f);
  std::string first;
  for (int trial = 0; trial < 8; ++trial) {
    WriteRequest request{.path = folder / "a.tif", .format = "cog", .overwrite = true, .attributes = {{"nodata", std::int64_t{3}, ""}}};
    request.packing.chunks = {32, 16};
    request.packing.raster.interleave = trial < 4 ? "band" : "pixel";
    const auto sink = create_sink(spec, request);
    sink->create();
    const Shape tile{pick(random, 1, 2), pick(random, 1, 203), pick(random, 1, 171)};
    const ChunkGrid grid(spec.shape, tile);
    std::vector<Index> order(static_cast<std::size_t>(grid.count()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
    std::shuffle(order.begin(), order.end(), random);
    for (const Index i : order) {
      const Box box = grid.box(i);
      std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(box)));
      Scratch scratch(memory);
      sink->write(box, View::contiguous(values.data(), spec.dtype, spec.shape).part(box), scratch, Cancel());
    }
    sink->finish();
    if (trial % 4 == 0) first = get(folder / "a.tif");
    EXPECT_EQ(get(folder / "a.tif"), first) << to_string(tile);
    EXPECT_EQ(folder.entries(), 1u);
  }
}

}  // namespace
}  // namespace freestone::formats::tiff
