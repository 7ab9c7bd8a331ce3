// The limits of scripts/bench python for xarray: what all threads take to read every chunk of the variable tas, decode it and do the least
// work. Chunks are whole along latitude and longitude. Where those of NetCDF-4 lie is asked of HDF5 before the clock starts.
//
//   xarray_limits mean|anomaly STORE.zarr THREADS STEPS PIXELS   float32, zstd, a file a chunk
//   xarray_limits mean|anomaly FILE.nc THREADS STEPS PIXELS      int16, shuffle and deflate, scale 0.01, fill -32768; float64 out
//
// mean: sums and counts of each pixel in float64, what is no number left out. anomaly: the same on the way of each chunk into the result, fresh
// memory in huge pages, from which the mean is then taken where it lies. Prints {"seconds": ...} behind a number that shows that something
// was computed.

#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr double kScale = 0.01;
constexpr std::int16_t kFill = -32768;

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "xarray_limits: %s\n", what.c_str());
  std::exit(1);
}

struct Chunk {
  std::string path;
  long offset = 0, bytes = 0;
  std::size_t first_step = 0;
};

struct Lane {
  std::vector<char> packed;
  std::vector<unsigned char> shuffled;
  std::vector<double> sums, counts;
  ZSTD_DCtx* zstd = ZSTD_createDCtx();
  libdeflate_decompressor* deflate = libdeflate_alloc_decompressor();

  explicit Lane(std::size_t pixels) : sums(pixels), counts(pixels) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() {
    ZSTD_freeDCtx(zstd);
    libdeflate_free_decompressor(deflate);
  }

  void read(const Chunk& chunk) {
    const int file = open(chunk.path.c_str(), O_RDONLY);
    if (file < 0) stop(chunk.path + ": not there");
    packed.resize(static_cast<std::size_t>(chunk.bytes > 0 ? chunk.bytes : lseek(file, 0, SEEK_END)));
    if (pread(file, packed.data(), packed.size(), chunk.offset) != static_cast<ssize_t>(packed.size())) stop(chunk.path + ": cut short");
    close(file);
  }
  /// Elements of a chunk, into `to`.
  void decode(const Chunk& chunk, float* to, std::size_t elements) {
    read(chunk);
    if (ZSTD_decompressDCtx(zstd, to, elements * 4, packed.data(), packed.size()) != elements * 4) stop(chunk.path + ": damaged");
  }
  void decode(const Chunk& chunk, double* to, std::size_t elements) {
    read(chunk);
    shuffled.resize(2 * elements);
    std::size_t got = 0;
    const auto result = libdeflate_zlib_decompress(deflate, packed.data(), packed.size(), shuffled.data(), shuffled.size(), &got);
    if (result != LIBDEFLATE_SUCCESS || got != shuffled.size()) stop(chunk.path + ": damaged");
    const unsigned char *low = shuffled.data(), *high = low + elements;
    for (std::size_t k = 0; k < elements; ++k) {
      const auto value = static_cast<std::int16_t>(static_cast<std::uint16_t>(low[k] | high[k] << 8));
      to[k] = value == kFill ? std::numeric_limits<double>::quiet_NaN() : value * kScale;
    }
  }
  template <class T>
  void add(const T* values) {
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const bool counts_in = values[k] == values[k];
      sums[k] += counts_in ? static_cast<double>(values[k]) : 0;
      counts[k] += counts_in ? 1 : 0;
    }
  }
};

std::vector<Chunk> chunks_of_store(const std::string& path, std::size_t steps, std::size_t steps_each) {
  std::vector<Chunk> chunks;
  for (std::size_t first = 0; first < steps; first += steps_each)
    chunks.push_back({path + "/tas/c/" + std::to_string(first / steps_each) + "/0/0", 0, 0, first});
  return chunks;
}

std::vector<Chunk> chunks_of_file(const std::string& path) {
  std::vector<Chunk> chunks;
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) stop(path + ": no HDF5 file");
  const hid_t dataset = H5Dopen2(file, "tas", H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t count = 0;
  H5Dget_num_chunks(dataset, space, &count);
  for (hsize_t i = 0; i < count; ++i) {
    hsize_t at[3] = {}, bytes = 0;
    unsigned mask = 0;
    haddr_t address = 0;
    if (H5Dget_chunk_info(dataset, space, i, at, &mask, &address, &bytes) < 0 || mask != 0) stop(path + ": a chunk without its filters");
    chunks.push_back({path, static_cast<long>(address), static_cast<long>(bytes), static_cast<std::size_t>(at[0])});
  }
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
  return chunks;
}

void on_all(std::size_t threads, std::size_t count, const std::function<void(std::size_t lane, std::size_t number)>& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> lanes;
  for (std::size_t lane = 0; lane < threads; ++lane)
    lanes.emplace_back([&, lane] {
      for (std::size_t number = next++; number < count; number = next++) work(lane, number);
    });
}

/// Fresh memory in huge pages.
class Fresh {
 public:
  explicit Fresh(std::size_t bytes) : bytes_(bytes + kHugePage) {
    all_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all_ == MAP_FAILED) stop("no memory");
    madvise(all_, bytes_, MADV_HUGEPAGE);
  }
  ~Fresh() { munmap(all_, bytes_); }
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;
  void* aligned() const {
    const auto at = reinterpret_cast<std::uintptr_t>(all_);
    return static_cast<char*>(all_) + (kHugePage - at % kHugePage) % kHugePage;
  }

 private:
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  std::size_t bytes_;
  void* all_;
};

template <class T>
void run(bool keeps, const std::vector<Chunk>& chunks, std::size_t threads, std::size_t steps, std::size_t pixels, std::size_t steps_each) {
  const auto begun = std::chrono::steady_clock::now();
  const Fresh memory((keeps ? steps : threads * steps_each) * pixels * sizeof(T));
  T* const result = static_cast<T*>(memory.aligned());
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::size_t lane = 0; lane < threads; ++lane) lanes.push_back(std::make_unique<Lane>(pixels));
  on_all(threads, chunks.size(), [&](std::size_t number, std::size_t i) {
    Lane& lane = *lanes[number];
    const std::size_t first = chunks[i].first_step, here = std::min(steps_each, steps - first);
    T* const to = result + (keeps ? first : number * steps_each) * pixels;
    // The last chunk of a store may be cut: it is decoded apart.
    std::vector<T> whole(here < steps_each ? steps_each * pixels : 0);
    lane.decode(chunks[i], whole.empty() ? to : whole.data(), steps_each * pixels);
    if (!whole.empty()) std::copy_n(whole.data(), here * pixels, to);
    for (std::size_t step = 0; step < here; ++step) lane.add(to + step * pixels);
  });
  std::vector<T> mean(pixels);
  for (std::size_t k = 0; k < pixels; ++k) {
    double sum = 0, count = 0;
    for (const auto& lane : lanes) sum += lane->sums[k], count += lane->counts[k];
    mean[k] = static_cast<T>(sum / count);
  }
  if (keeps)
    on_all(threads, steps, [&](std::size_t, std::size_t step) {
      T* const to = result + step * pixels;
      for (std::size_t k = 0; k < pixels; ++k) to[k] -= mean[k];
    });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  double shown = 0;
  for (std::size_t k = 0; k < pixels; ++k) shown += std::isnan(mean[k]) ? 0 : static_cast<double>(keeps ? result[k] : mean[k]);
  std::printf("%g {\"seconds\": %.4f}\n", shown, seconds);
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) stop("usage: xarray_limits mean|anomaly STORE.zarr|FILE.nc THREADS STEPS PIXELS");
  const std::string what = words[1], path = words[2];
  const auto threads = static_cast<std::size_t>(std::atol(words[3])), steps = static_cast<std::size_t>(std::atol(words[4])),
             pixels = static_cast<std::size_t>(std::atol(words[5]));
  if (threads == 0 || steps == 0 || pixels == 0) stop("THREADS, STEPS and PIXELS are numbers");
  const bool keeps = what == "anomaly", is_store = path.ends_with(".zarr");
  for (int round = 0; round < 3; ++round) {
    if (is_store)
      run<float>(keeps, chunks_of_store(path, steps, 4), threads, steps, pixels, 4);
    else
      run<double>(keeps, chunks_of_file(path), threads, steps, pixels, 1);
  }
  return 0;
}
