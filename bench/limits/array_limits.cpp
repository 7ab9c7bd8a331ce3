// The limits of scripts/bench arrays: bare loops over the chunk files of a Zarr array (version 3, zstd), on all cores, with nothing around
// them. array_limits FOLDER OUTPUT THREADS SIDE [NAME...]: prints JSON, seconds by name. They read a file, decode it with the same codec, do the least
// work, and where the workload writes, encode and write; but for `mirrored` they do not bring anything into another order.
#include <blosc.h>
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<std::string> chunk_files(const std::string& array) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(array + "/c"))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// A lane: its buffers and decoder.
struct Lane {
  std::vector<char> encoded;
  std::vector<float> decoded;
  std::vector<std::uint32_t> keys;
  std::vector<char> out;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  double total = 0;
  ~Lane() { ZSTD_freeDCtx(context); }

  void decode(const std::string& path, std::size_t bytes) {
    decoded.resize(bytes / 4);
    decode(path, bytes, decoded.data());
  }
  void decode(const std::string& path, std::size_t bytes, float* to) {
    const int file = ::open(path.c_str(), O_RDONLY);
    encoded.resize(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)));
    if (file < 0 || ::pread(file, encoded.data(), encoded.size(), 0) != static_cast<ssize_t>(encoded.size())) std::abort();
    ::close(file);
    if (ZSTD_decompressDCtx(context, to, bytes, encoded.data(), encoded.size()) != bytes) std::abort();
  }
  void add_up() {
    float lanes[16] = {};
    for (std::size_t i = 0; i + 16 <= decoded.size(); i += 16)
      for (int l = 0; l < 16; ++l) lanes[l] += decoded[i + static_cast<std::size_t>(l)];
    for (const float lane : lanes) total += static_cast<double>(lane);
  }
  void encode_and_write(const std::string& path) {
    const std::size_t bytes = decoded.size() * 4;
    out.resize(bytes + BLOSC_MAX_OVERHEAD);
    const int size = blosc_compress_ctx(5, BLOSC_SHUFFLE, 4, bytes, decoded.data(), out.data(), out.size(), "lz4", 0, 1);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (size <= 0 || ::pwrite(file, out.data(), static_cast<std::size_t>(size), 0) != size) std::abort();
    ::close(file);
  }
  /// Medians of columns of `n` elements, `n` x `width` lying together: bit by bit from the highest, how many keys are smaller, 16 columns at a
  /// time. So many passes over a block in the second cache take less than any sorting of columns one by one.
  void medians(std::size_t n) {
    constexpr std::size_t kColumns = 16;
    using Keys = std::uint32_t[kColumns];
    const std::size_t width = decoded.size() / n;
    keys.resize(kColumns * n);
    for (std::size_t first = 0; first + kColumns <= width; first += kColumns) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < kColumns; ++k) {
          const auto bits = std::bit_cast<std::uint32_t>(decoded[i * width + first + k]);
          keys[i * kColumns + k] = bits ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(bits) >> 31) | 0x80000000u);
        }
      Keys lower = {}, not_above, above;
      for (int bit = 31; bit >= 0; --bit) {
        Keys trial, smaller = {};
        for (std::size_t k = 0; k < kColumns; ++k) trial[k] = lower[k] | 1u << bit;
        for (std::size_t i = 0; i < n; ++i)
          for (std::size_t k = 0; k < kColumns; ++k) smaller[k] += keys[i * kColumns + k] < trial[k] ? 1u : 0u;
        for (std::size_t k = 0; k < kColumns; ++k) lower[k] = smaller[k] <= (n - 1) / 2 ? trial[k] : lower[k];
      }
      for (std::size_t k = 0; k < kColumns; ++k) not_above[k] = 0, above[k] = ~0u;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < kColumns; ++k) {
          const std::uint32_t key = keys[i * kColumns + k];
          not_above[k] += key <= lower[k] ? 1u : 0u;
          above[k] = key > lower[k] && key < above[k] ? key : above[k];
        }
      for (std::size_t k = 0; k < kColumns; ++k) {
        const std::uint32_t upper = not_above[k] > n / 2 ? lower[k] : above[k];
        total += static_cast<double>(number(lower[k]) + number(upper)) / 2;
      }
    }
  }
  static float number(std::uint32_t key) { return std::bit_cast<float>(key >> 31 != 0 ? key ^ 0x80000000u : ~key); }
};

double timed(int threads, std::size_t count, const std::function<void(Lane&, std::size_t)>& work) {
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> lanes;
    for (int t = 0; t < threads; ++t)
      lanes.emplace_back([&] {
        Lane lane;
        for (std::size_t i = next++; i < count; i = next++) work(lane, i);
        volatile double keep = lane.total;
        (void)keep;
      });
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// x + x.transpose(2, 1, 0), summed: halves of the middle axis one after the other, of which a quarter and its mirror image are decoded, then
/// added in squares of 16 x 16 elements, both ways.
double mirrored(int threads, const std::string& array, std::size_t side, std::size_t layers) {
  const std::size_t half = side / 2, chunks = half / layers, bytes = 4 * layers * half * half;
  std::vector<float> quarter(half * half * half), image(half * half * half);
  const auto add = [&](Lane& lane, const std::vector<float>& x, const std::vector<float>& y, std::size_t middle) {
    for (std::size_t i = 0; i < half; i += 16)
      for (std::size_t k = 0; k < half; k += 16) {
        float sums[16] = {};
        for (std::size_t row = i; row < std::min(half, i + 16); ++row)
          for (std::size_t column = k; column < std::min(half, k + 16); ++column)
            sums[column - k] += x[(row * half + middle) * half + column] + y[(column * half + middle) * half + row];
        for (const float sum : sums) lane.total += static_cast<double>(sum);
      }
  };
  double seconds = 0;
  for (std::size_t j = 0; j < 2; ++j)
    for (const auto& [i, k] : {std::pair<std::size_t, std::size_t>{0, 0}, {0, 1}, {1, 1}}) {
      const bool alone = i == k;
      seconds += timed(threads, alone ? chunks : 2 * chunks, [&, i = i, k = k](Lane& lane, std::size_t n) {
        const std::size_t layer = n % chunks, at[] = {n < chunks ? i : k, n < chunks ? k : i};
        const std::string path = array + "/c/" + std::to_string(at[0] * chunks + layer) + "/" + std::to_string(j) + "/" + std::to_string(at[1]);
        lane.decode(path, bytes, (n < chunks ? quarter : image).data() + layer * layers * half * half);
      });
      seconds += timed(threads, half, [&](Lane& lane, std::size_t middle) {
        add(lane, quarter, alone ? quarter : image, middle);
        if (!alone) add(lane, image, quarter, middle);
      });
    }
  return seconds;
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) {
    std::fputs("bench_array_limits FOLDER OUTPUT THREADS SIDE [one] [two] [mirrored] [median] [rechunk] [rows]\n", stderr);
    return 2;
  }
  const std::string folder = words[1], output = words[2];
  const int threads = std::atoi(words[3]);
  const auto side = static_cast<std::size_t>(std::atol(words[4]));
  const std::size_t flat = 4 * std::max<std::size_t>(1, side / 100) * (side / 2) * (side / 2), tall = 4 * side * (side / 10) * (side / 10);
  const auto a = chunk_files(folder + "/a.zarr"), b = chunk_files(folder + "/b.zarr"), t = chunk_files(folder + "/tall.zarr");
  fs::create_directories(output);
  using Work = std::function<void(Lane&, const std::string&, std::size_t)>;
  const auto add = [&](std::size_t bytes) -> Work {
    return [bytes](Lane& lane, const std::string& path, std::size_t) { lane.decode(path, bytes), lane.add_up(); };
  };
  const auto again = [&](std::size_t bytes) -> Work {
    return [bytes, &output](Lane& lane, const std::string& path, std::size_t i) {
      lane.decode(path, bytes), lane.encode_and_write(output + "/" + std::to_string(i));
    };
  };
  auto both = a;
  both.insert(both.end(), b.begin(), b.end());
  const std::vector<std::string> names(words + 5, words + count);
  std::string line;
  const auto over = [&](const std::vector<std::string>& files, const Work& work) {
    return timed(threads, files.size(), [&](Lane& lane, std::size_t i) { work(lane, files[i], i); });
  };
  const auto limit_of = [&](const char* name, const std::vector<std::string>& files, const std::function<double()>& seconds) {
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) return;
    over(files, add(&files == &t ? tall : flat));  // warm
    char text[64];
    std::snprintf(text, sizeof text, "%s\"%s\": %.4f", line.empty() ? "" : ", ", name, seconds());
    line += text;
    fs::remove_all(output), fs::create_directories(output);
  };
  const auto limit = [&](const char* name, const std::vector<std::string>& files, const Work& work) {
    limit_of(name, files, [&] { return over(files, work); });
  };
  limit("one", a, add(flat));
  limit("two", both, add(flat));
  limit_of("mirrored", a, [&] { return mirrored(threads, folder + "/a.zarr", side, std::max<std::size_t>(1, side / 100)); });
  limit("median", t, [&](Lane& lane, const std::string& path, std::size_t) { lane.decode(path, tall), lane.medians(side); });
  limit("rechunk", t, again(tall));
  limit("rows", a, again(flat));
  fs::remove_all(output);
  std::printf("{%s}\n", line.c_str());
  return 0;
}
