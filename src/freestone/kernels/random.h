/// Random numbers by counter: number n of a stream is a function of (seed, stream, n), so any tile of an array can be made alone.
///
/// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC11). The key is the seed; the counter's words
/// are the block's number (64 bits), the stream, and the attempt of rules that reject. Floating rules use only + - * / sqrt and the series
/// below, so every machine and vector width gives the same bits.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

using PhiloxBlock = std::array<std::uint32_t, 4>;
/// Ten rounds.
PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key);

/// One sequence of numbers.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0;
};

/// Numbers first, first + 1 ... of the stream, as many as `out` takes. float32 takes 32 bits of the stream for a number, float64 64.
///
/// Uniform in [0, 1): multiples of 2^-24, 2^-53.
void random_uniform(RandomStream stream, Index first, std::span<float> out);
void random_uniform(RandomStream stream, Index first, std::span<double> out);
/// Standard normal, by the inverse of its distribution (normal_quantile).
void random_normal(RandomStream stream, Index first, std::span<float> out);
void random_normal(RandomStream stream, Index first, std::span<double> out);
/// Exponential with mean 1: minus the logarithm of uniforms in (0, 1].
void random_exponential(RandomStream stream, Index first, std::span<double> out);
/// Uniform among 0 ... range - 1 (range 0: all 64 bits), exactly: Lemire's multiplication with rejection (Fast random integer generation
/// in an interval, 2019), an attempt of its own for each word.
void random_integers(RandomStream stream, Index first, std::uint64_t range, std::span<std::uint64_t> out);
/// One of them, where every number has another range.
std::uint64_t random_integer(RandomStream stream, Index number, std::uint64_t range);
/// Poisson with mean `lambda`, 0 <= lambda < 2^62: products of uniforms below 10, else the transformed rejection PTRS of Hörmann (The
/// transformed rejection method for generating Poisson random variables, 1993).
void random_poisson(RandomStream stream, Index first, double lambda, std::span<std::int64_t> out);

/// The z with P(normal < z) = p, 0 < p < 1: algorithm AS 241 of Wichura (Applied Statistics 37, 1988), about 16 digits.
double normal_quantile(double p);
/// Natural logarithm of a positive normal number, within 2 units of the last place, the same bits everywhere.
double exact_log(double x);
/// e to the power of x, -700 < x < 700, likewise.
double exact_exp(double x);

}  // namespace freestone::kernels
