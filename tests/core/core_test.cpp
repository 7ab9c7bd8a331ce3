#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "freestone/core/box.h"
#include "freestone/core/buffer.h"
#include "freestone/core/chunk_grid.h"
#include "freestone/core/grid_parts.h"
#include "freestone/core/view.h"

namespace freestone {
namespace {

TEST(Box, HullAndIntersection) {
  const Box a({0, 5}, {4, 5}), b({2, 0}, {5, 7});
  EXPECT_EQ(intersection(a, b), Box({2, 5}, {2, 2}));
  EXPECT_EQ(hull(a, b), Box({0, 0}, {7, 10}));
  EXPECT_EQ(hull(a, Box({9, 9}, {0, 3})), a) << "an empty box counts for nothing";
  EXPECT_TRUE(contains(hull(a, b), a));
  EXPECT_EQ(to_string(a), "[0:4, 5:10]");
}

TEST(GridParts, CoverABoxOnceEachInOneCellOfTheGrid) {
  std::mt19937 random(3);
  const auto pick = [&](Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); };
  for (int trial = 0; trial < 200; ++trial) {
    const int rank = static_cast<int>(pick(0, 4));
    Box box(Dims(rank, 0), Shape(rank, 1));
    Shape step(rank, 1);
    for (int k = 0; k < rank; ++k) box.start[k] = pick(0, 9), box.shape[k] = pick(1, 7), step[k] = pick(1, 8);
    const GridParts parts(box, step);
    Index elements = 0;
    for (Index n = 0; n < parts.count(); ++n) {
      const Box part = parts[n];
      elements += part.count();
      EXPECT_FALSE(part.empty());
      EXPECT_TRUE(contains(box, part));
      EXPECT_EQ(parts.number_of(part.start), n);
      for (int k = 0; k < rank; ++k) {
        EXPECT_EQ(part.start[k] / step[k], parts.position(n)[k]);
        EXPECT_EQ((part.end(k) - 1) / step[k], parts.position(n)[k]);
      }
    }
    EXPECT_EQ(elements, box.count());
  }
  EXPECT_EQ(GridParts(Box({0, 0}, {0, 5}), {2, 2}).count(), 0);
  const Index huge = Index{1} << 60;
  EXPECT_EQ(GridParts(Box(Shape{huge, huge, huge}), {1, 1, 1}).count(), huge) << "more than anything holds";
}

TEST(Dims, HaveALimitThatIsAnError) {
  Dims dims(kMaxRank, 1);
  EXPECT_THROW(dims.push_back(1), Error);
  EXPECT_THROW(normal_axis(3, 3), Error);
  EXPECT_EQ(normal_axis(-1, 3), 2);
}

TEST(ChunkGrid, BoxesTileTheArray) {
  const ChunkGrid grid({10, 7, 5}, {4, 7, 2});
  EXPECT_EQ(grid.count(), 3 * 1 * 3);
  Index covered = 0;
  for (Index i = 0; i < grid.count(); ++i) covered += grid.box(i).count();
  EXPECT_EQ(covered, 10 * 7 * 5);
  EXPECT_EQ(grid.box(8), Box({8, 0, 4}, {2, 7, 1}));
}

TEST(View, CopiesAnyStrides) {
  std::mt19937 random(3);
  for (const DType dtype : {DType::kUint8, DType::kInt16, DType::kFloat32, DType::kFloat64, DType::kComplex128}) {
    const Index width = size_of(dtype);
    std::vector<std::byte> from(static_cast<std::size_t>(6 * 7 * 8 * width)), to(from.size());
    for (auto& b : from) b = static_cast<std::byte>(random());
    View source = View::contiguous(from.data(), dtype, {6, 7, 8});
    // The transpose, copied, then copied back through the other order.
    View turned{source.data, dtype, {8, 6, 7}, {source.strides[2], source.strides[0], source.strides[1]}};
    copy(turned, View::contiguous(to.data(), dtype, {8, 6, 7}));
    std::vector<std::byte> back(from.size());
    const View there = View::contiguous(to.data(), dtype, {8, 6, 7});
    View again{there.data, dtype, {6, 7, 8}, {there.strides[1], there.strides[2], there.strides[0]}};
    copy(again, View::contiguous(back.data(), dtype, {6, 7, 8}));
    EXPECT_EQ(from, back);
  }
}

TEST(View, RowsOfRankZeroAndOfNothing) {
  float one = 3;
  const View scalar = View::contiguous(&one, DType::kFloat32, {});
  int rows = 0;
  for_each_row(scalar.shape, {&scalar}, [&](std::byte**) { ++rows; });
  EXPECT_EQ(rows, 1);
  const View none = View::contiguous(nullptr, DType::kFloat32, {3, 0, 2});
  for_each_row(none.shape, {&none}, [&](std::byte**) { ++rows; });
  EXPECT_EQ(rows, 1);
}

TEST(Scratch, RefusesMoreThanWasDeclared) {
  Buffer memory(1024);
  Scratch scratch(memory.bytes());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(scratch.take(100)) % 64, 0u);
  const Index mark = scratch.used();
  scratch.take(512);
  EXPECT_THROW(scratch.take(512), Error);
  scratch.release_to(mark);
  EXPECT_NO_THROW(scratch.take(512));
}

// Bytes of address space that this process has.
Index mapped_bytes() {
  std::ifstream statm("/proc/self/statm");
  Index pages = 0;
  statm >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

TEST(Buffer, GivesBackAllOfLargeMemory) {
  constexpr Index kMiB = Index{1} << 20;
  const auto use = [](Index bytes) {
    const Buffer memory(bytes);
    ASSERT_EQ(memory.size(), bytes);
    for (const Index at : std::set<Index>{0, bytes / 2, bytes - 1}) {
      EXPECT_EQ(memory.data()[at], std::byte{0}) << bytes << " bytes, at " << at;
      memory.data()[at] = std::byte{1};
    }
    if (bytes >= 4 * kMiB) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % (2 * kMiB), 0u) << bytes << " bytes";
    }
  };
  const Index sizes[] = {1, 4095, 4 * kMiB - 1, 4 * kMiB, 4 * kMiB + 1, 5 * kMiB + 17, 6 * kMiB - 8128, 6 * kMiB, 64 * kMiB - 4097, 66 * kMiB - 1};
  for (const Index bytes : sizes) use(bytes);
  const Index before = mapped_bytes();
  for (int round = 0; round < 20; ++round)
    for (const Index bytes : sizes) use(bytes);
  EXPECT_LE(mapped_bytes(), before + kMiB);
}

TEST(Buffer, TooMuchIsAMemoryError) {
  EXPECT_THROW(Buffer(std::numeric_limits<Index>::max()), Error);
  try {
    Buffer huge(Index{1} << 60);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
  }
}

}  // namespace
}  // namespace freestone
