// The bare loops behind the workloads of bench/cubes: how fast this machine can do them when nothing else is asked for.
//
// Independent of the engine on purpose: no graph, no plan, no budget, no events, no cancelling; one file, float32, three
// axes. Threads take tiles from a counter, pread them, swap bytes, do the least arithmetic that gives the answer, and
// pwrite what is an output. Prints {"threads": n, "shape": [...], "seconds": {workload: best of the rounds}}.
#include <fcntl.h>
#include <hwy/contrib/sort/vqsort.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using Index = std::int64_t;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr Index kTileRows = 16;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench_cube_limits: %s\n", what.c_str());
  std::exit(1);
}

struct Cube {
  int file = -1;
  Index header_bytes = 0, channels = 0, rows = 0, columns = 0;
  Index plane() const { return rows * columns; }
  Index offset(Index channel, Index row) const { return header_bytes + 4 * (channel * plane() + row * columns); }
};

/// A primary image of float32 and three (or degenerate further) axes; anything else is not for this program.
Cube open_cube(const std::string& path) {
  Cube cube;
  cube.file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (cube.file < 0) die("cannot open " + path);
  std::map<std::string, std::string> cards;
  char block[2880];
  for (bool ended = false; !ended;) {
    if (::pread(cube.file, block, sizeof block, cube.header_bytes) != sizeof block) die(path + " has no FITS header");
    for (int card = 0; card < 36 && !ended; ++card) {
      const std::string_view text(block + 80 * card, 80);
      ended = text.substr(0, 8) == "END     ";
      if (text[8] == '=') cards[std::string(text.substr(0, text.find_first_of(" =")))] = std::string(text.substr(10, 20));
    }
    cube.header_bytes += static_cast<Index>(sizeof block);
  }
  const auto number = [&](const char* name) { return cards.contains(name) ? std::atoll(cards[name].c_str()) : 0; };
  if (number("BITPIX") != -32 || number("NAXIS") < 3) die(path + " is not a float32 cube");
  cube.columns = number("NAXIS1"), cube.rows = number("NAXIS2"), cube.channels = number("NAXIS3");
  return cube;
}

void read_all(int file, void* data, Index bytes, Index offset) {
  for (char* at = static_cast<char*>(data); bytes > 0;) {
    const ssize_t got = ::pread(file, at, static_cast<std::size_t>(bytes), offset);
    if (got <= 0) die("the cube is shorter than its header says");
    at += got, offset += got, bytes -= got;
  }
}

void write_all(int file, const void* data, Index bytes, Index offset) {
  for (const char* at = static_cast<const char*>(data); bytes > 0;) {
    const ssize_t put = ::pwrite(file, at, static_cast<std::size_t>(bytes), offset);
    if (put <= 0) die("cannot write the output");
    at += put, offset += put, bytes -= put;
  }
}

void swap_bytes(float* values, Index count) {
  auto* words = reinterpret_cast<std::uint32_t*>(values);
  for (Index i = 0; i < count; ++i) words[i] = __builtin_bswap32(words[i]);
}

/// Calls work(tile) for every tile below `count`, on `threads` threads; each thread makes its own worker by `make`.
void on_all_threads(int threads, Index count, const std::function<std::function<void(Index)>()>& make) {
  std::atomic<Index> next{0};
  std::vector<std::jthread> pool;
  for (int i = 0; i < threads; ++i) {
    pool.emplace_back([&] {
      const auto work = make();
      for (Index tile; (tile = next.fetch_add(1)) < count;) work(tile);
    });
  }
}

/// An output cube of the input's header and size, under a temporary name, gone at the end.
class Output {
 public:
  Output(const Cube& cube, const std::string& folder, Index channels) : path_(folder + "/limits-output.fits") {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file_ < 0) die("cannot write " + path_);
    std::vector<char> header(static_cast<std::size_t>(cube.header_bytes));
    read_all(cube.file, header.data(), cube.header_bytes, 0);
    write_all(file_, header.data(), cube.header_bytes, 0);
    const Index end = cube.header_bytes + 4 * channels * cube.plane();
    if (::ftruncate(file_, (end + 2879) / 2880 * 2880) != 0) die("cannot size " + path_);
  }
  ~Output() {
    ::close(file_);
    ::unlink(path_.c_str());
  }
  int file() const { return file_; }

 private:
  std::string path_;
  int file_;
};

struct Tile {
  Index row, rows, pixels;
};

Tile tile_of(const Cube& cube, Index tile) {
  const Index row = tile * kTileRows, rows = std::min(kTileRows, cube.rows - row);
  return {row, rows, rows * cube.columns};
}

Index tile_count(const Cube& cube) { return (cube.rows + kTileRows - 1) / kTileRows; }

/// All channels of some rows, swapped: data[channel * pixels + pixel].
void read_tile(const Cube& cube, const Tile& tile, std::vector<float>& data) {
  data.resize(static_cast<std::size_t>(cube.channels * tile.pixels));
  for (Index channel = 0; channel < cube.channels; ++channel) {
    float* plane = data.data() + channel * tile.pixels;
    read_all(cube.file, plane, 4 * tile.pixels, cube.offset(channel, tile.row));
    swap_bytes(plane, tile.pixels);
  }
}

void write_tile(const Cube& cube, const Tile& tile, std::vector<float>& data, int file) {
  for (Index channel = 0; channel < cube.channels; ++channel) {
    float* plane = data.data() + channel * tile.pixels;
    swap_bytes(plane, tile.pixels);
    write_all(file, plane, 4 * tile.pixels, cube.offset(channel, tile.row));
  }
}

volatile double g_result;  // what is computed must be used

void statistics(const Cube& cube, int threads, const std::string&) {
  constexpr Index kBlock = 1 << 18;
  constexpr int kLanes = 16;
  const Index total = cube.channels * cube.plane();
  std::mutex mutex;
  double all = 0;
  on_all_threads(threads, (total + kBlock - 1) / kBlock, [&]() -> std::function<void(Index)> {
    return [&, values = std::vector<float>(kBlock)](Index block) mutable {
      const Index count = std::min(kBlock, total - block * kBlock), whole = count / kLanes * kLanes;
      read_all(cube.file, values.data(), 4 * count, cube.header_bytes + 4 * block * kBlock);
      swap_bytes(values.data(), count);
      double sum[kLanes] = {}, squares[kLanes] = {};
      float low[kLanes], high[kLanes];
      std::int32_t finite[kLanes] = {};
      std::fill(low, low + kLanes, INFINITY);
      std::fill(high, high + kLanes, -INFINITY);
      for (Index i = 0; i < whole; i += kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) {
          const float value = values[static_cast<std::size_t>(i + lane)];
          const bool ok = value == value;
          const double wide = ok ? value : 0.0f;
          sum[lane] += wide;
          squares[lane] += wide * wide;
          finite[lane] += ok;
          low[lane] = value < low[lane] ? value : low[lane];
          high[lane] = value > high[lane] ? value : high[lane];
        }
      }
      double result = 0;
      for (int lane = 0; lane < kLanes; ++lane)
        result += sum[lane] + squares[lane] + finite[lane] + (finite[lane] != 0 ? low[lane] + high[lane] : 0);
      for (Index i = whole; i < count; ++i)
        result += std::isnan(values[static_cast<std::size_t>(i)]) ? 0 : values[static_cast<std::size_t>(i)];
      const std::lock_guard lock(mutex);
      all += result;
    };
  });
  g_result = all;
}

void moments(const Cube& cube, int threads, const std::string&) {
  std::atomic<double> all{0};
  on_all_threads(threads, tile_count(cube), [&]() -> std::function<void(Index)> {
    return [&, values = std::vector<float>(), sums = std::vector<double>()](Index at) mutable {
      const Tile tile = tile_of(cube, at);
      values.resize(static_cast<std::size_t>(tile.pixels));
      sums.assign(static_cast<std::size_t>(3 * tile.pixels), 0);
      double* __restrict s0 = sums.data(), * __restrict s1 = s0 + tile.pixels, * __restrict s2 = s1 + tile.pixels;
      for (Index channel = 0; channel < cube.channels; ++channel) {
        read_all(cube.file, values.data(), 4 * tile.pixels, cube.offset(channel, tile.row));
        swap_bytes(values.data(), tile.pixels);
        const double x = static_cast<double>(channel);
        const float* __restrict v = values.data();
        for (Index i = 0; i < tile.pixels; ++i) {
          const double value = v[i] == v[i] ? v[i] : 0.0f;
          const double first = value * x;
          s0[i] += value;
          s1[i] += first;
          s2[i] += first * x;
        }
      }
      double result = 0;
      for (Index i = 0; i < tile.pixels; ++i) {
        const double mean = s1[i] / s0[i], variance = s2[i] / s0[i] - mean * mean;
        result += std::isfinite(variance) ? variance : 0;
      }
      all = all + result;
    };
  });
  g_result = all;
}

/// Calls spectrum(values, count) for every spectrum of a tile: its finite values, side by side. Sixteen neighbours are
/// gathered together, so that memory is read by cache lines.
template <class Work>
void for_each_spectrum(const Cube& cube, const Tile& tile, const std::vector<float>& data, std::vector<float>& gathered, Work&& work) {
  constexpr Index kTogether = 16;
  gathered.resize(static_cast<std::size_t>(kTogether * cube.channels));
  for (Index pixel = 0; pixel < tile.pixels; pixel += kTogether) {
    const Index together = std::min(kTogether, tile.pixels - pixel);
    Index counts[kTogether] = {};
    for (Index channel = 0; channel < cube.channels; ++channel) {
      const float* source = data.data() + channel * tile.pixels + pixel;
      for (Index i = 0; i < together; ++i) {
        gathered[static_cast<std::size_t>(i * cube.channels + counts[i])] = source[i];
        counts[i] += std::isfinite(source[i]) ? 1 : 0;
      }
    }
    for (Index i = 0; i < together; ++i) work(pixel + i, gathered.data() + i * cube.channels, counts[i]);
  }
}

void sort(hwy::Sorter& sorter, float* values, Index count) { sorter(values, static_cast<std::size_t>(count), hwy::SortAscending()); }

double middle(const float* sorted, Index count) {
  return count == 0 ? kNaN : 0.5 * (double{sorted[(count - 1) / 2]} + double{sorted[count / 2]});
}

void median_or_mad(const Cube& cube, int threads, bool deviation) {
  std::atomic<double> all{0};
  on_all_threads(threads, tile_count(cube), [&]() -> std::function<void(Index)> {
    return [&, data = std::vector<float>(), gathered = std::vector<float>(), sorter = std::make_shared<hwy::Sorter>()](Index at) mutable {
      const Tile tile = tile_of(cube, at);
      read_tile(cube, tile, data);
      double result = 0;
      for_each_spectrum(cube, tile, data, gathered, [&](Index, float* values, Index count) {
        if (count == 0) return;
        sort(*sorter, values, count);
        double center = middle(values, count);
        if (deviation) {
          for (Index i = 0; i < count; ++i) values[i] = std::abs(values[i] - static_cast<float>(center));
          sort(*sorter, values, count);
          center = 1.482602218505602 * middle(values, count);
        }
        result += center;
      });
      all = all + result;
    };
  });
  g_result = all;
}

void median(const Cube& cube, int threads, const std::string&) { median_or_mad(cube, threads, false); }
void mad_std(const Cube& cube, int threads, const std::string&) { median_or_mad(cube, threads, true); }

/// Bounds of sigma clipping at 3 sigma about the median, at most five times, of sorted values.
std::pair<float, float> clip_bounds(const float* sorted, Index count) {
  Index from = 0, to = count;
  for (int iteration = 0; iteration < 5; ++iteration) {
    double sums[8] = {}, squares[8] = {};
    const double shift = middle(sorted + from, to - from);
    Index i = from;
    for (; i + 8 <= to; i += 8) {
      for (int lane = 0; lane < 8; ++lane) {
        const double value = sorted[i + lane] - shift;
        sums[lane] += value;
        squares[lane] += value * value;
      }
    }
    double sum = 0, square = 0;
    for (; i < to; ++i) sum += sorted[i] - shift, square += (sorted[i] - shift) * (sorted[i] - shift);
    for (int lane = 0; lane < 8; ++lane) sum += sums[lane], square += squares[lane];
    const double n = static_cast<double>(to - from), mean = sum / n;
    const double reach = 3 * std::sqrt(std::max(0.0, square / n - mean * mean));
    const Index begin = std::lower_bound(sorted + from, sorted + to, shift - reach) - sorted;
    const Index end = std::upper_bound(sorted + from, sorted + to, shift + reach) - sorted;
    if (begin == from && end == to) break;
    from = begin, to = end;
  }
  return {sorted[from], sorted[to - 1]};
}

void sigma_clip(const Cube& cube, int threads, const std::string& folder) {
  const Output output(cube, folder, cube.channels);
  on_all_threads(threads, tile_count(cube), [&]() -> std::function<void(Index)> {
    return [&, data = std::vector<float>(), gathered = std::vector<float>(), low = std::vector<float>(), high = std::vector<float>(),
            sorter = std::make_shared<hwy::Sorter>()](Index at) mutable {
      const Tile tile = tile_of(cube, at);
      read_tile(cube, tile, data);
      low.assign(static_cast<std::size_t>(tile.pixels), kNaN);
      high.assign(static_cast<std::size_t>(tile.pixels), kNaN);
      for_each_spectrum(cube, tile, data, gathered, [&](Index pixel, float* values, Index count) {
        if (count == 0) return;
        sort(*sorter, values, count);
        std::tie(low[static_cast<std::size_t>(pixel)], high[static_cast<std::size_t>(pixel)]) = clip_bounds(values, count);
      });
      const float* __restrict lo = low.data(), * __restrict hi = high.data();
      for (Index channel = 0; channel < cube.channels; ++channel) {
        float* __restrict plane = data.data() + channel * tile.pixels;
        for (Index i = 0; i < tile.pixels; ++i) plane[i] = plane[i] >= lo[i] && plane[i] <= hi[i] ? plane[i] : kNaN;
      }
      write_tile(cube, tile, data, output.file());
    };
  });
}

void spectral_smooth(const Cube& cube, int threads, const std::string& folder) {
  constexpr int kTaps = 33, kReach = kTaps / 2;
  constexpr Index kBlock = 64;  // pixels whose channels fit the second-level cache as float64
  double weights[kTaps], total = 0;
  for (int tap = 0; tap < kTaps; ++tap) total += weights[tap] = std::exp(-0.5 * std::pow((tap - kReach) / 4.0, 2));
  for (double& weight : weights) weight /= total;
  const Output output(cube, folder, cube.channels);
  on_all_threads(threads, tile_count(cube), [&]() -> std::function<void(Index)> {
    return [&, data = std::vector<float>(), padded = std::vector<double>(static_cast<std::size_t>((cube.channels + 2 * kReach) * kBlock)),
            valid = std::vector<double>(static_cast<std::size_t>((cube.channels + 2 * kReach) * kBlock))](Index at) mutable {
      const Tile tile = tile_of(cube, at);
      read_tile(cube, tile, data);
      // Outside lies 0 with full weight: edges darken, as astropy.convolution has it with boundary='fill'.
      std::fill(padded.begin(), padded.end(), 0.0);
      std::fill(valid.begin(), valid.end(), 1.0);
      for (Index pixel = 0; pixel < tile.pixels; pixel += kBlock) {
        const Index width = std::min(kBlock, tile.pixels - pixel);
        bool missing = false;
        for (Index channel = 0; channel < cube.channels; ++channel) {
          const float* source = data.data() + channel * tile.pixels + pixel;
          double* values = padded.data() + (channel + kReach) * kBlock;
          double* ok = valid.data() + (channel + kReach) * kBlock;
          int nans = 0;
          for (Index i = 0; i < width; ++i) {
            const bool present = source[i] == source[i];
            values[i] = present ? source[i] : 0.0f;
            ok[i] = present ? 1.0 : 0.0;
            nans += !present;
          }
          missing |= nans > 0;
        }
        for (Index channel = 0; channel < cube.channels; ++channel) {
          float* target = data.data() + channel * tile.pixels + pixel;
          const double *values = padded.data() + channel * kBlock, *ok = valid.data() + channel * kBlock;
          double sums[kBlock] = {}, norms[kBlock] = {};
          for (int tap = 0; tap < kTaps; ++tap) {
            for (Index i = 0; i < kBlock; ++i) sums[i] = std::fma(weights[tap], values[tap * kBlock + i], sums[i]);
          }
          if (missing) {
            for (int tap = 0; tap < kTaps; ++tap) {
              for (Index i = 0; i < kBlock; ++i) norms[i] = std::fma(weights[tap], ok[tap * kBlock + i], norms[i]);
            }
            for (Index i = 0; i < kBlock; ++i) sums[i] /= norms[i];
          }
          for (Index i = 0; i < width; ++i) target[i] = static_cast<float>(sums[i]);
        }
      }
      write_tile(cube, tile, data, output.file());
    };
  });
}

/// The Gaussian that turns a beam of 0.79" x 0.68", PA 35 degrees, into a round one of 1.08" on pixels of 0.2": 29 x 29.
std::vector<double> beam_kernel(Index& side) {
  constexpr double kToSigma = 1 / 2.3548200450309493 / 0.2;
  const double major = std::sqrt(1.08 * 1.08 - 0.68 * 0.68) * kToSigma, minor = std::sqrt(1.08 * 1.08 - 0.79 * 0.79) * kToSigma;
  side = static_cast<Index>(std::ceil(16 * major)) | 1;
  const double angle = 35 * 3.141592653589793 / 180;
  std::vector<double> weights;
  double total = 0;
  for (Index y = -(side / 2); y <= side / 2; ++y) {
    for (Index x = -(side / 2); x <= side / 2; ++x) {
      const double along = static_cast<double>(x) * std::cos(angle) + static_cast<double>(y) * std::sin(angle);
      const double across = static_cast<double>(y) * std::cos(angle) - static_cast<double>(x) * std::sin(angle);
      weights.push_back(std::exp(-0.5 * (std::pow(along / major, 2) + std::pow(across / minor, 2))));
      total += weights.back();
    }
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

void convolve(const Cube& cube, int threads, const std::string& folder) {
  constexpr Index kBlock = 32;  // outputs held in registers and the first-level cache
  const Index planes = std::min<Index>(32, cube.channels), first = (cube.channels - planes) / 2;
  Index side = 0;
  const std::vector<double> weights = beam_kernel(side);
  const Index reach = side / 2, wide = (cube.columns + kBlock - 1) / kBlock * kBlock + side - 1;
  const Output output(cube, folder, planes);
  on_all_threads(threads, planes, [&]() -> std::function<void(Index)> {
    const auto padded_size = static_cast<std::size_t>((cube.rows + side - 1) * wide);
    return [&, planar = std::vector<float>(static_cast<std::size_t>(cube.plane())), values = std::vector<double>(padded_size),
            valid = std::vector<double>(padded_size)](Index at) mutable {
      read_all(cube.file, planar.data(), 4 * cube.plane(), cube.offset(first + at, 0));
      swap_bytes(planar.data(), cube.plane());
      std::fill(values.begin(), values.end(), 0.0);
      std::fill(valid.begin(), valid.end(), 1.0);
      for (Index row = 0; row < cube.rows; ++row) {
        for (Index column = 0; column < cube.columns; ++column) {
          const float value = planar[static_cast<std::size_t>(row * cube.columns + column)];
          const auto place = static_cast<std::size_t>((row + reach) * wide + column + reach);
          values[place] = value == value ? value : 0.0f;
          valid[place] = value == value ? 1.0 : 0.0;
        }
      }
      for (Index row = 0; row < cube.rows; ++row) {
        for (Index column = 0; column < cube.columns; column += kBlock) {
          double sums[kBlock] = {};
          bool missing = false;
          for (Index ky = 0; ky < side; ++ky) {
            const double* source = values.data() + (row + ky) * wide + column;
            const double* ok = valid.data() + (row + ky) * wide + column;
            double present = 0;
            for (Index i = 0; i < kBlock + side - 1; ++i) present += ok[i];
            missing |= present < static_cast<double>(kBlock + side - 1);
            for (Index kx = 0; kx < side; ++kx) {
              const double weight = weights[static_cast<std::size_t>(ky * side + kx)];
              for (Index i = 0; i < kBlock; ++i) sums[i] = std::fma(weight, source[kx + i], sums[i]);
            }
          }
          if (missing) {
            double norms[kBlock] = {};
            for (Index ky = 0; ky < side; ++ky) {
              const double* ok = valid.data() + (row + ky) * wide + column;
              for (Index kx = 0; kx < side; ++kx) {
                const double weight = weights[static_cast<std::size_t>(ky * side + kx)];
                for (Index i = 0; i < kBlock; ++i) norms[i] = std::fma(weight, ok[kx + i], norms[i]);
              }
            }
            for (Index i = 0; i < kBlock; ++i) sums[i] /= norms[i];
          }
          const Index width = std::min(kBlock, cube.columns - column);
          for (Index i = 0; i < width; ++i) planar[static_cast<std::size_t>(row * cube.columns + column + i)] = static_cast<float>(sums[i]);
        }
      }
      swap_bytes(planar.data(), cube.plane());
      write_all(output.file(), planar.data(), 4 * cube.plane(), cube.offset(at, 0));
    };
  });
}

struct Workload {
  const char* name;
  void (*run)(const Cube&, int threads, const std::string& folder);
};

constexpr Workload kWorkloads[] = {
    {"statistics", statistics},           {"moments", moments},   {"median", median}, {"mad_std", mad_std}, {"sigma_clip", sigma_clip},
    {"spectral_smooth", spectral_smooth}, {"convolve", convolve},
};

}  // namespace

int main(int argc, char** argv) {
  std::string path, folder = ".", wanted;
  int threads = static_cast<int>(std::thread::hardware_concurrency()), rounds = 3;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&] {
      if (i + 1 >= argc) die(std::string(argument) + " wants a value");
      return std::string(argv[++i]);
    };
    if (argument == "--threads")
      threads = std::atoi(value().c_str());
    else if (argument == "--rounds")
      rounds = std::atoi(value().c_str());
    else if (argument == "--workloads")
      wanted = "," + value() + ",";
    else if (argument == "--output-folder")
      folder = value();
    else if (argument.starts_with("--"))
      die("usage: bench_cube_limits CUBE.fits [--threads N] [--rounds N] [--workloads a,b] [--output-folder DIR]");
    else
      path = argument;
  }
  if (path.empty() || threads < 1 || rounds < 1)
    die("usage: bench_cube_limits CUBE.fits [--threads N] [--rounds N] [--workloads a,b] [--output-folder DIR]");
  const Cube cube = open_cube(path);
  std::printf("{\"threads\": %d, \"shape\": [%lld, %lld, %lld], \"seconds\": {", threads, static_cast<long long>(cube.channels),
              static_cast<long long>(cube.rows), static_cast<long long>(cube.columns));
  const char* separator = "";
  for (const Workload& workload : kWorkloads) {
    if (!wanted.empty() && wanted.find("," + std::string(workload.name) + ",") == std::string::npos) continue;
    double best = INFINITY;
    for (int round = 0; round < rounds; ++round) {
      const auto begun = std::chrono::steady_clock::now();
      workload.run(cube, threads, folder);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    }
    std::printf("%s\"%s\": %.4f", separator, workload.name, best);
    std::fflush(stdout);
    separator = ", ";
  }
  std::printf("}}\n");
  ::close(cube.file);
}
