// The limit of scripts/bench storage for CASA images: what all threads take to read the tiles of an image and the bits of its mask, and to count,
// add up and square in float64 what the mask lets through. Image and mask have the same tiles, so the bit of an element is found by counting.
//
//   bench_casa_limits statistics THREADS cube.image/table.f0_TSM0 cube.image/mask0/table.f0_TSM0
//
// Prints {"seconds": ...} behind the numbers.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr long kElements = long{1} << 18;  // of a piece: 1 MiB of numbers
constexpr int kBlock = 1024;

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "casa_limits: %s\n", what.c_str());
  std::exit(1);
}

struct Sums {
  double sum = 0, squares = 0;
  float least = 3e38F, most = -3e38F;
  long count = 0;
};

/// Of `n` numbers, a multiple of kBlock, and their bits, the lowest first: a block is spread out where it stays in the nearest cache, then folded.
void add(const float* values, const unsigned char* bits, long n, Sums& all) {
  float kept[kBlock], low[kBlock], high[kBlock];
  for (long first = 0; first < n; first += kBlock) {
    for (long i = 0; i < kBlock; i += 8) {
      const unsigned mask = bits[(first + i) / 8];
      all.count += __builtin_popcount(mask);
      for (int k = 0; k < 8; ++k) {
        const bool counts_in = (mask >> k & 1) != 0;
        const float value = values[first + i + k];
        kept[i + k] = counts_in ? value : 0.0F;
        low[i + k] = counts_in ? value : 3e38F;
        high[i + k] = counts_in ? value : -3e38F;
      }
    }
    double sum = 0, squares = 0;
    float least = all.least, most = all.most;
    for (int i = 0; i < kBlock; ++i) {
      const double value = static_cast<double>(kept[i]);
      sum += value;
      squares += value * value;
      least = std::min(least, low[i]);
      most = std::max(most, high[i]);
    }
    all.sum += sum, all.squares += squares, all.least = least, all.most = most;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || std::string(argv[1]) != "statistics") stop("usage: bench_casa_limits statistics THREADS DATA MASK");
  const int threads = std::max(1, std::atoi(argv[2])), data = open(argv[3], O_RDONLY), mask = open(argv[4], O_RDONLY);
  struct stat status {};
  if (data < 0 || mask < 0 || fstat(data, &status) != 0) stop("the files cannot be opened");
  const long elements = status.st_size / 4, pieces = (elements + kElements - 1) / kElements;
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<long> next = 0;
  std::vector<Sums> sums(static_cast<std::size_t>(threads));
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < threads; ++lane) {
    lanes.emplace_back([&, lane] {
      std::vector<float> values(kElements);
      std::vector<unsigned char> bits(kElements / 8);
      Sums mine;
      for (long piece = next++; piece < pieces; piece = next++) {
        const long n = std::min(kElements, elements - piece * kElements);
        if (pread(data, values.data(), static_cast<std::size_t>(4 * n), 4 * piece * kElements) != 4 * n ||
            pread(mask, bits.data(), static_cast<std::size_t>(n / 8), piece * kElements / 8) != n / 8) {
          stop("a file was cut short");
        }
        add(values.data(), bits.data(), n, mine);
      }
      sums[static_cast<std::size_t>(lane)] = mine;
    });
  }
  for (std::thread& lane : lanes) lane.join();
  Sums all;
  for (const Sums& one : sums) {
    all.sum += one.sum, all.squares += one.squares, all.count += one.count;
    all.least = std::min(all.least, one.least), all.most = std::max(all.most, one.most);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("npts %ld sum %.9g sumsq %.9g min %g max %g\n{\"seconds\": %.6f}\n", all.count, all.sum, all.squares, static_cast<double>(all.least), static_cast<double>(all.most), seconds);
  return 0;
}
