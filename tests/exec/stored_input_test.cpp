// Inputs that are copied into an intermediate result in memory: decoded where they are stored.
#include <gtest/gtest.h>

#include <cstring>
#include <mutex>
#include <random>
#include <set>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/rechunk.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::PassingCodec;
using testing_chunks::with;

/// Notes where chunks are decoded to.
class Places final : public PassingCodec {
 public:
  using PassingCodec::PassingCodec;
  Index decode(ConstBytes from, Bytes to) const override {
    {
      const std::lock_guard lock(mutex_);
      places.insert(to.data());
    }
    return PassingCodec::decode(from, to);
  }
  mutable std::set<const std::byte*> places;

 private:
  mutable std::mutex mutex_;
};

Array in_memory(const Chunked& data) {
  return from_memory(View::contiguous(const_cast<float*>(data.values.data()), DType::kFloat32, data.shape), nullptr);
}
Array anomaly(const Array& x) { return x - mean(x, {0}); }

void expect_same(const Tensor& got, const Tensor& expected) {
  ASSERT_EQ(got.shape(), expected.shape());
  EXPECT_EQ(std::memcmp(got.view().data, expected.view().data, static_cast<std::size_t>(got.view().bytes())), 0);
}

TEST(StoredInput, WholeChunksAreDecodedWhereTheyAreStored) {
  const Shape shape{40, 64, 250}, chunk{4, 64, 250};
  const Chunked data(shape, chunk, 21);
  const auto places = std::make_shared<Places>(zstd_codec(1));
  const std::vector<Index> other{40, 8, 25};
  const Array x = rechunk(data.array(CodecChain({places})), other), same = rechunk(in_memory(data), other);
  expect_same(compute(anomaly(x), with(Index{256} << 20, 2)), compute(anomaly(same), with(Index{256} << 20, 1)));
  ASSERT_EQ(places->places.size(), 10u) << "each chunk has a place of its own";
  EXPECT_EQ(*places->places.rbegin() - *places->places.begin(), 9 * 4 * element_count(chunk));
}

// Chunks that are cut at the array's end, in pieces that tiles cut, seen from both ends: whatever lies where, the bytes are the same.
TEST(StoredInput, IsTheSameHoweverItIsCut) {
  constexpr unsigned kSeed = 22;
  std::mt19937 random(kSeed);
  const auto between = [&](Index low, Index high) { return low + static_cast<Index>(random()) % (high - low + 1); };
  for (int round = 0; round < 16; ++round) {
    const Shape shape{between(1, 40), between(1, 30), between(1, 50)};
    Shape chunk;
    std::vector<Index> other;
    for (int k = 0; k < 3; ++k) chunk.push_back(between(1, shape[k])), other.push_back(between(1, shape[k]));
    const Chunked data(shape, chunk, kSeed + static_cast<unsigned>(round));
    const Array x = rechunk(data.array(), other), same = rechunk(in_memory(data), other);
    const int axis = static_cast<int>(between(0, 2));
    const auto of = [&](const Array& a) { return std::vector<Array>{anomaly(a), a + flip(a, axis), transpose(a) * 2.0, a}; };
    const auto got = compute_all(of(x), with(Index{64} << 20, 1 + round % 3)), expected = compute_all(of(same), with(Index{256} << 20, 1));
    for (std::size_t i = 0; i < got.size(); ++i) {
      SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round) + ", result " + std::to_string(i));
      expect_same(got[i], expected[i]);
    }
  }
}

}  // namespace
}  // namespace freestone
