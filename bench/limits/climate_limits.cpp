// The limits of scripts/bench storage for NetCDF-4 files: what all threads take to read every chunk of the variable tas (deflate and shuffle),
// decode it with libdeflate, undo the shuffle, and do the least work. Where the chunks lie is asked of HDF5 before the clock starts.
//
//   climate_limits mean THREADS FILE...            sums and counts of each pixel in float64, fill left out
//   climate_limits climatology THREADS FILE...     the same for each month
//   climate_limits anomaly THREADS FILE...         the same, then squares of what each element differs from its month: everything is decoded
//                                                  twice, as it does not fit the memory that is raced with
//   climate_limits rewrite THREADS OUTPUT FILE...  shuffle, deflate of level 4 and a write, instead
//
// Prints {"seconds": ...} behind a number that shows that something was computed.

#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr float kFill = 1e20F;

struct Chunk {
  int file;
  long offset;
  std::size_t bytes;
  hsize_t at[3];
};

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "climate_limits: %s\n", what.c_str());
  std::exit(1);
}

struct Files {
  std::vector<Chunk> chunks;
  std::vector<int> descriptors;
  std::vector<std::vector<int>> months;  // of each file, of each step
  hsize_t chunk[3] = {}, shape[3] = {};
  std::size_t elements() const { return chunk[0] * chunk[1] * chunk[2]; }
  std::size_t pixels() const { return shape[1] * shape[2]; }
};

/// Months of the axis "days since 2001-01-01".
std::vector<int> months_of(hid_t file, hsize_t steps) {
  std::vector<double> days(steps);
  const hid_t time = H5Dopen2(file, "time", H5P_DEFAULT);
  if (time < 0 || H5Dread(time, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, days.data()) < 0) stop("no axis of time");
  H5Dclose(time);
  std::vector<int> out;
  for (const double day : days) {
    const std::time_t seconds = static_cast<std::time_t>(978307200 + 86400 * static_cast<long>(day));
    std::tm date{};
    gmtime_r(&seconds, &date);
    out.push_back(date.tm_mon);
  }
  return out;
}

void add_file(const char* path, Files& files) {
  const hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (id < 0) stop(std::string(path) + ": no HDF5 file");
  const hid_t dataset = H5Dopen2(id, "tas", H5P_DEFAULT), space = H5Dget_space(dataset), creation = H5Dget_create_plist(dataset);
  hsize_t count = 0;
  H5Sget_simple_extent_dims(space, files.shape, nullptr);
  H5Pget_chunk(creation, 3, files.chunk);
  for (int k = 0; k < 3; ++k) {
    if (files.shape[k] % files.chunk[k] != 0) stop(std::string(path) + ": chunks that are cut");
  }
  H5Dget_num_chunks(dataset, space, &count);
  const int file = static_cast<int>(files.descriptors.size());
  for (hsize_t i = 0; i < count; ++i) {
    Chunk chunk{file, 0, 0, {}};
    hsize_t size = 0;
    unsigned mask = 0;
    haddr_t address = 0;
    if (H5Dget_chunk_info(dataset, space, i, chunk.at, &mask, &address, &size) < 0 || mask != 0) stop(std::string(path) + ": a chunk without its filters");
    chunk.offset = static_cast<long>(address);
    chunk.bytes = static_cast<std::size_t>(size);
    files.chunks.push_back(chunk);
  }
  files.months.push_back(months_of(id, files.shape[0]));
  files.descriptors.push_back(open(path, O_RDONLY));
  H5Pclose(creation);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(id);
}

class Lane {
 public:
  explicit Lane(const Files& files) : files_(files), shuffled_(4 * files.elements()), values_(files.elements()) {}
  ~Lane() {
    libdeflate_free_decompressor(decoder_);
    libdeflate_free_compressor(encoder_);
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  const float* decode(const Chunk& chunk) {
    packed_.resize(chunk.bytes);
    if (pread(files_.descriptors[static_cast<std::size_t>(chunk.file)], packed_.data(), chunk.bytes, chunk.offset) != static_cast<ssize_t>(chunk.bytes)) stop("a file was cut short");
    std::size_t got = 0;
    if (libdeflate_zlib_decompress(decoder_, packed_.data(), packed_.size(), shuffled_.data(), shuffled_.size(), &got) != LIBDEFLATE_SUCCESS) stop("a chunk is damaged");
    const std::size_t n = values_.size();
    const unsigned char *a = shuffled_.data(), *b = a + n, *c = b + n, *d = c + n;
    for (std::size_t k = 0; k < n; ++k) {
      const std::uint32_t bits = a[k] | static_cast<std::uint32_t>(b[k]) << 8 | static_cast<std::uint32_t>(c[k]) << 16 | static_cast<std::uint32_t>(d[k]) << 24;
      std::memcpy(&values_[k], &bits, 4);
    }
    return values_.data();
  }

  /// What `decode` gave, encoded again.
  std::size_t encode(const unsigned char*& out) {
    const std::size_t n = values_.size();
    unsigned char *a = shuffled_.data(), *b = a + n, *c = b + n, *d = c + n;
    for (std::size_t k = 0; k < n; ++k) {
      std::uint32_t bits;
      std::memcpy(&bits, &values_[k], 4);
      a[k] = static_cast<unsigned char>(bits), b[k] = static_cast<unsigned char>(bits >> 8);
      c[k] = static_cast<unsigned char>(bits >> 16), d[k] = static_cast<unsigned char>(bits >> 24);
    }
    packed_.resize(libdeflate_zlib_compress_bound(encoder_, shuffled_.size()));
    const std::size_t bytes = libdeflate_zlib_compress(encoder_, shuffled_.data(), shuffled_.size(), packed_.data(), packed_.size());
    out = packed_.data();
    return bytes;
  }

  /// Calls row(values, month, first pixel, length) for each row of the chunk.
  template <class Row>
  void each_row(const Chunk& chunk, const Row& row) {
    const float* values = decode(chunk);
    const auto& months = files_.months[static_cast<std::size_t>(chunk.file)];
    for (hsize_t t = 0; t < files_.chunk[0]; ++t) {
      for (hsize_t y = 0; y < files_.chunk[1]; ++y, values += files_.chunk[2]) {
        row(values, static_cast<std::size_t>(months[chunk.at[0] + t]), (chunk.at[1] + y) * files_.shape[2] + chunk.at[2], files_.chunk[2]);
      }
    }
  }

 private:
  const Files& files_;
  std::vector<unsigned char> packed_, shuffled_;
  std::vector<float> values_;
  libdeflate_decompressor* decoder_ = libdeflate_alloc_decompressor();
  libdeflate_compressor* encoder_ = libdeflate_alloc_compressor(4);
};

template <class Work>
void on_all(int threads, const Work& work) {
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < threads; ++lane) lanes.emplace_back([&, lane] { work(lane); });
  for (std::thread& lane : lanes) lane.join();
}

/// Means of pixels, of `groups` months each (1: of all steps). Chunks of one place are one lane's, so nobody needs maps of his own.
std::vector<double> means(const Files& files, int threads, std::size_t groups) {
  std::vector<double> sums(groups * files.pixels()), counts(groups * files.pixels());
  const hsize_t across = files.shape[2] / files.chunk[2], places = across * (files.shape[1] / files.chunk[1]);
  std::atomic<hsize_t> next = 0;
  on_all(threads, [&](int) {
    Lane lane(files);
    for (hsize_t place = next++; place < places; place = next++) {
      for (const Chunk& chunk : files.chunks) {
        if (chunk.at[1] / files.chunk[1] * across + chunk.at[2] / files.chunk[2] != place) continue;
        lane.each_row(chunk, [&](const float* values, std::size_t month, std::size_t first, std::size_t length) {
          double* sum = sums.data() + (groups == 1 ? 0 : month) * files.pixels() + first;
          double* count = counts.data() + (sum - sums.data());
          for (std::size_t k = 0; k < length; ++k) {
            const bool counts_in = values[k] != kFill;
            sum[k] += counts_in ? static_cast<double>(values[k]) : 0;
            count[k] += counts_in ? 1 : 0;
          }
        });
      }
    }
  });
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] /= counts[k];
  return sums;
}

double spread(const Files& files, int threads, const std::vector<double>& means) {
  std::vector<double> squares(static_cast<std::size_t>(threads)), counts(squares.size());
  std::atomic<std::size_t> next = 0;
  on_all(threads, [&](int number) {
    Lane lane(files);
    double sum = 0, count = 0;
    for (std::size_t i = next++; i < files.chunks.size(); i = next++) {
      lane.each_row(files.chunks[i], [&](const float* values, std::size_t month, std::size_t first, std::size_t length) {
        const double* mean = means.data() + month * files.pixels() + first;
        for (std::size_t k = 0; k < length; ++k) {
          const bool counts_in = values[k] != kFill;
          const double difference = static_cast<double>(values[k]) - mean[k];
          sum += counts_in ? difference * difference : 0;
          count += counts_in ? 1 : 0;
        }
      });
    }
    squares[static_cast<std::size_t>(number)] = sum;
    counts[static_cast<std::size_t>(number)] = count;
  });
  double sum = 0, count = 0;
  for (std::size_t k = 0; k < squares.size(); ++k) sum += squares[k], count += counts[k];
  return std::sqrt(sum / count);
}

double rewrite(const Files& files, int threads, const char* path) {
  const int output = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
  if (output < 0) stop(std::string(path) + " cannot be made");
  std::atomic<std::size_t> next = 0;
  std::atomic<long> end = 0;
  on_all(threads, [&](int) {
    Lane lane(files);
    for (std::size_t i = next++; i < files.chunks.size(); i = next++) {
      lane.decode(files.chunks[i]);
      const unsigned char* bytes = nullptr;
      const std::size_t n = lane.encode(bytes);
      if (pwrite(output, bytes, n, end.fetch_add(static_cast<long>(n))) != static_cast<ssize_t>(n)) stop("the disk is full");
    }
  });
  close(output);
  return static_cast<double>(end);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int first = what == "rewrite" ? 4 : 3;
  if (argc <= first || (what != "mean" && what != "climatology" && what != "anomaly" && what != "rewrite")) {
    stop("usage: climate_limits mean|climatology|anomaly THREADS FILE...   climate_limits rewrite THREADS OUTPUT FILE...");
  }
  const int threads = std::atoi(argv[2]);
  Files files;
  for (int k = first; k < argc; ++k) add_file(argv[k], files);
  const auto begun = std::chrono::steady_clock::now();
  double result = 0;
  if (what == "rewrite") {
    result = rewrite(files, threads, argv[3]);
  } else {
    const std::vector<double> mean = means(files, threads, what == "mean" ? 1 : 12);
    result = what == "anomaly" ? spread(files, threads, mean) : mean[mean.size() / 2];
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%zu chunks of %zu elements: %g\n{\"seconds\": %.6f}\n", files.chunks.size(), files.elements(), result, seconds);
  return 0;
}
