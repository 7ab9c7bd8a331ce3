// The limit of scripts/bench storage for NetCDF-4 files: climate_limits decode THREADS FILE... reads every chunk of the variable tas (deflate and
// shuffle), decodes it with libdeflate, undoes the shuffle and adds the elements up, on all threads. Prints {"seconds": ...} and the number of
// elements; where the chunks lie is asked of HDF5 before the clock starts.

#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Chunk {
  int file;
  long offset;
  std::size_t bytes;
};

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "climate_limits: %s\n", what.c_str());
  std::exit(1);
}

/// Adds the chunks of `tas` in `path`; returns the elements of one.
std::size_t list_chunks(const char* path, int file, std::vector<Chunk>& chunks) {
  const hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (id < 0) stop(std::string(path) + ": no HDF5 file");
  const hid_t dataset = H5Dopen2(id, "tas", H5P_DEFAULT), space = H5Dget_space(dataset), creation = H5Dget_create_plist(dataset);
  hsize_t extent[3] = {}, count = 0;
  H5Pget_chunk(creation, 3, extent);
  H5Dget_num_chunks(dataset, space, &count);
  for (hsize_t i = 0; i < count; ++i) {
    hsize_t at[3], size = 0;
    unsigned mask = 0;
    haddr_t address = 0;
    if (H5Dget_chunk_info(dataset, space, i, at, &mask, &address, &size) < 0 || mask != 0) stop(std::string(path) + ": a chunk without its filters");
    chunks.push_back({file, static_cast<long>(address), static_cast<std::size_t>(size)});
  }
  H5Pclose(creation);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(id);
  return extent[0] * extent[1] * extent[2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || std::string(argv[1]) != "decode") stop("usage: climate_limits decode THREADS FILE...");
  const int threads = std::atoi(argv[2]);
  std::vector<Chunk> chunks;
  std::vector<int> files;
  std::size_t elements = 0;
  for (int k = 3; k < argc; ++k) {
    elements = list_chunks(argv[k], k - 3, chunks);
    files.push_back(open(argv[k], O_RDONLY));
  }
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<std::size_t> next = 0;
  std::vector<double> sums(static_cast<std::size_t>(threads));
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < threads; ++lane) {
    lanes.emplace_back([&, lane] {
      libdeflate_decompressor* decoder = libdeflate_alloc_decompressor();
      std::vector<unsigned char> packed, shuffled(4 * elements);
      std::vector<float> values(elements);
      double sum = 0;
      for (std::size_t i = next++; i < chunks.size(); i = next++) {
        const Chunk& chunk = chunks[i];
        packed.resize(chunk.bytes);
        if (pread(files[static_cast<std::size_t>(chunk.file)], packed.data(), chunk.bytes, chunk.offset) != static_cast<ssize_t>(chunk.bytes)) stop("a file was cut short");
        std::size_t got = 0;
        if (libdeflate_zlib_decompress(decoder, packed.data(), packed.size(), shuffled.data(), shuffled.size(), &got) != LIBDEFLATE_SUCCESS) stop("a chunk is damaged");
        const unsigned char *a = shuffled.data(), *b = a + elements, *c = b + elements, *d = c + elements;
        for (std::size_t k = 0; k < elements; ++k) {
          const std::uint32_t bits = a[k] | static_cast<std::uint32_t>(b[k]) << 8 | static_cast<std::uint32_t>(c[k]) << 16 | static_cast<std::uint32_t>(d[k]) << 24;
          std::memcpy(&values[k], &bits, 4);
        }
        for (const float value : values) sum += static_cast<double>(value);
      }
      sums[static_cast<std::size_t>(lane)] = sum;
      libdeflate_free_decompressor(decoder);
    });
  }
  for (std::thread& lane : lanes) lane.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  double total = 0;
  for (const double sum : sums) total += sum;
  std::printf("%zu chunks of %zu elements, sum %g\n{\"seconds\": %.6f}\n", chunks.size(), elements, total, seconds);
  return 0;
}
