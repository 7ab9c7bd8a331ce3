// Inputs that are copied into an intermediate result in memory: decoded where they are stored, folded on their way, and overwritten by the result.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <random>
#include <set>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/rechunk.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/storage/memory_store.h"

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

// The mean is folded on the way into the copy, and the result lies where the copy was.
TEST(StoredInput, IsFoldedOnItsWayAndBecomesTheResult) {
  const Shape shape{40, 64, 250}, chunk{4, 64, 250};
  const Chunked data(shape, chunk, 23);
  const auto places = std::make_shared<Places>(zstd_codec(1));
  const Array result = anomaly(data.array(CodecChain({places})));
  const Plan plan = plan_outputs({{result, MemoryStore(result.spec()).sink()}}, with(Index{256} << 20, 2));
  ASSERT_EQ(plan.stages.size(), 2u);
  EXPECT_EQ(plan.stages[0].folds.size(), 1u);
  EXPECT_EQ(plan.stages[0].deliveries.size(), 2u);

  const Tensor got = compute(result, with(Index{256} << 20, 2));
  expect_same(got, compute(anomaly(in_memory(data)), with(Index{256} << 20, 1)));
  ASSERT_EQ(places->places.size(), 10u);
  EXPECT_EQ(*places->places.begin(), got.view().data);
  EXPECT_EQ(*places->places.rbegin() - *places->places.begin(), 9 * 4 * element_count(chunk));
}

// Who else looks at the copy, or at what is made of it, must not find the result's elements, or those of another tile.
TEST(StoredInput, StaysWhatItWasForOthers) {
  const Shape shape{40, 64, 250}, chunk{4, 64, 250};
  const Chunked data(shape, chunk, 24);
  const Array x = data.array(), same = in_memory(data);
  const auto steps = [](const Array& a) { return slice(a, {{1, std::nullopt}}) - slice(a, {{std::nullopt, -1}}); };
  const std::vector<std::function<std::vector<Array>(const Array&)>> works{
      [&](const Array& a) { return std::vector<Array>{anomaly(a), a}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(a), a * 2.0}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(a), steps(a)}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(a), steps(anomaly(a))}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(a), anomaly(a) * 2.0}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(a) + flip(a, 0)}; },
      [&](const Array& a) { return std::vector<Array>{flip(anomaly(a), 0)}; },
      [&](const Array& a) { return std::vector<Array>{a - mean(a, {0}) - mean(a, {1}, {.keep_dims = true})}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(a), sum(anomaly(a), {0})}; },
      [&](const Array& a) { return std::vector<Array>{anomaly(anomaly(a))}; },
      [&](const Array& a) { return std::vector<Array>{sum(a * 2.0, {0}) / sum(a, {0})}; },
      [&](const Array& a) { return std::vector<Array>{sum(a * a, {}) / max(a, {}) - mean(a, {})}; },
  };
  for (std::size_t w = 0; w < works.size(); ++w)
    for (const int threads : {1, 3}) {
      SCOPED_TRACE("work " + std::to_string(w) + ", threads " + std::to_string(threads));
      const auto got = compute_all(works[w](x), with(Index{256} << 20, threads)), expected = compute_all(works[w](same), with(Index{1} << 30, 1));
      for (std::size_t i = 0; i < got.size(); ++i) expect_same(got[i], expected[i]);
    }
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
    const bool is_rechunked = round % 2 == 0;
    const Array stored = data.array();
    const Array x = is_rechunked ? rechunk(stored, other) : stored, same = rechunk(in_memory(data), is_rechunked ? other : chunk.to_vector());
    const int axis = static_cast<int>(between(0, 2));
    const auto of = [&](const Array& a) {
      return round % 4 < 2 ? std::vector<Array>{anomaly(a), a + flip(a, axis), transpose(a) * 2.0, a} : std::vector<Array>{anomaly(a)};
    };
    const auto got = compute_all(of(x), with(Index{64} << 20, 1 + round % 3)), expected = compute_all(of(same), with(Index{256} << 20, 1));
    for (std::size_t i = 0; i < got.size(); ++i) {
      SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round) + ", result " + std::to_string(i));
      expect_same(got[i], expected[i]);
    }
  }
}

}  // namespace
}  // namespace freestone
