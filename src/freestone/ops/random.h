/// Arrays of random numbers: the same for every tiling, thread count and machine.
///
/// Element n (C order) of an array is a function of the generator's seed, the number of the call, and n: kernels/random.h. Nothing is kept
/// in memory; an array that is used twice is made twice, with the same numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/random.h"

namespace freestone::random {

/// Every call takes the next stream of the seed: two generators of one seed, called alike, give the same arrays. Value type, not
/// thread-safe.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : seed_(seed) {}

  /// In [low, high); float32 or float64.
  Array uniform(const Shape& shape, double low = 0, double high = 1, DType dtype = DType::kFloat64);
  Array normal(const Shape& shape, double mean = 0, double deviation = 1, DType dtype = DType::kFloat64);
  /// @param scale  the mean
  Array exponential(const Shape& shape, double scale = 1, DType dtype = DType::kFloat64);
  /// Each of low ... high - 1 with equal probability, exactly.
  /// @throws Error kind user: high <= low, bounds that the dtype cannot hold
  Array integers(const Shape& shape, Index low, Index high, DType dtype = DType::kInt64);
  /// Each of `range` numbers from `low` on, modulo 2^64; range 0: all numbers of 64 bits.
  /// @throws Error kind user: no integers
  Array integers_from(const Shape& shape, std::uint64_t low, std::uint64_t range, DType dtype = DType::kUint64);
  /// int64. @throws Error kind user: lambda below 0, or 2^62 and more
  Array poisson(const Shape& shape, double lambda);
  /// 0 ... n - 1 in random order, in memory.
  std::vector<Index> permutation(Index n);
  /// `a` with the positions of `axis` in random order.
  Array permutation(const Array& a, int axis = 0);

 private:
  Array make(const Shape& shape, DType dtype, std::string_view rule, std::vector<std::uint64_t> integers = {}, double parameter = 0);
  kernels::RandomStream next();
  std::uint64_t seed_;
  std::uint64_t calls_ = 0;
};

class RandomOp : public Op {
 public:
  /// `rule`: uniform, normal, exponential (floating), integers (`low` + 0 ... range - 1, range 0: all of 64 bits), poisson (int64).
  /// @throws Error kind user: shapes below 0; kind data: a rule that does not fit the dtype
  RandomOp(Shape shape, DType dtype, std::string rule, kernels::RandomStream stream, std::uint64_t low, std::uint64_t range, double lambda);
  std::string_view name() const override { return "random"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::string rule_;
  kernels::RandomStream stream_;
  std::uint64_t low_, range_;
  double lambda_;
};

}  // namespace freestone::random
