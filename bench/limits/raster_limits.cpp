// What a machine can do with a GeoTIFF at best: bare loops on all cores over the tiles of scripts/bench storage's scene (four bands of uint16,
// apart, deflate with differences). Read, decode by libdeflate, the least work, encode (deflate by libdeflate, LZW by libtiff), write.
//
//   bench_raster_limits recompress|ndvi|cog SCENE OUTPUT THREADS
//
// The output is no TIFF: the encoded tiles one after another, and overviews after them.
#include <fcntl.h>
#include <libdeflate.h>
#include <tiffio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kSide = 512, kBands = 4;
constexpr std::size_t kPixels = std::size_t{kSide} * kSide;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_raster_limits: %s\n", what);
  std::exit(1);
}

/// One tile encoded by libtiff into memory.
struct Memory {
  std::vector<unsigned char> bytes;
  toff_t at = 0;
};
tmsize_t write_memory(thandle_t handle, void* data, tmsize_t n) {
  auto& m = *static_cast<Memory*>(handle);
  if (m.bytes.size() < m.at + static_cast<toff_t>(n)) m.bytes.resize(m.at + static_cast<toff_t>(n));
  std::memcpy(m.bytes.data() + m.at, data, static_cast<std::size_t>(n));
  m.at += static_cast<toff_t>(n);
  return n;
}
tmsize_t read_memory(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek_memory(thandle_t handle, toff_t offset, int whence) {
  auto& m = *static_cast<Memory*>(handle);
  m.at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? m.at + offset : m.bytes.size() + offset;
  return m.at;
}
toff_t size_memory(thandle_t handle) { return static_cast<Memory*>(handle)->bytes.size(); }
int close_memory(thandle_t) { return 0; }

std::size_t lzw(const void* tile, int bits, int format, int predictor, Memory& memory) {
  memory.bytes.clear();
  memory.at = 0;
  TIFF* tiff = TIFFClientOpen("memory", "w", &memory, read_memory, write_memory, seek_memory, close_memory, size_memory, nullptr, nullptr);
  require(tiff != nullptr, "libtiff opens nothing");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, kSide);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, kSide);
  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, kSide);
  TIFFSetField(tiff, TIFFTAG_TILELENGTH, kSide);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, format);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
  TIFFSetField(tiff, TIFFTAG_PREDICTOR, predictor);
  require(TIFFWriteEncodedTile(tiff, 0, const_cast<void*>(tile), static_cast<tmsize_t>(kPixels * static_cast<std::size_t>(bits) / 8)) > 0, "libtiff encodes nothing");
  const std::size_t bytes = memory.bytes.size();
  TIFFClose(tiff);
  return bytes;
}

struct Scene {
  int descriptor = -1;
  std::uint32_t across = 0, down = 0;
  std::vector<std::uint64_t> offsets, sizes;
};

Scene open_scene(const char* path) {
  Scene scene;
  TIFF* tiff = TIFFOpen(path, "r");
  require(tiff != nullptr, "the scene cannot be opened");
  std::uint32_t width = 0, height = 0, tile = 0;
  std::uint16_t planar = 0, compression = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile);
  TIFFGetField(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetField(tiff, TIFFTAG_COMPRESSION, &compression);
  require(tile == kSide && planar == PLANARCONFIG_SEPARATE && compression == COMPRESSION_ADOBE_DEFLATE, "the scene is stored in another way");
  scene.across = (width + kSide - 1) / kSide;
  scene.down = (height + kSide - 1) / kSide;
  std::uint64_t *offsets = nullptr, *sizes = nullptr;
  TIFFGetField(tiff, TIFFTAG_TILEOFFSETS, &offsets);
  TIFFGetField(tiff, TIFFTAG_TILEBYTECOUNTS, &sizes);
  const std::size_t count = std::size_t{scene.across} * scene.down * kBands;
  scene.offsets.assign(offsets, offsets + count);
  scene.sizes.assign(sizes, sizes + count);
  TIFFClose(tiff);
  scene.descriptor = ::open(path, O_RDONLY);
  return scene;
}

struct Worker {
  const Scene& scene;
  int output;
  std::atomic<std::uint64_t>& end;
  libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::vector<unsigned char> encoded = std::vector<unsigned char>(8 * kPixels);
  Memory memory;

  void decode(std::size_t tile, std::uint16_t* out) {
    require(pread(scene.descriptor, encoded.data(), scene.sizes[tile], static_cast<off_t>(scene.offsets[tile])) == static_cast<ssize_t>(scene.sizes[tile]), "cut short");
    std::size_t n = 0;
    require(libdeflate_zlib_decompress(decompressor, encoded.data(), scene.sizes[tile], out, 2 * kPixels, &n) == LIBDEFLATE_SUCCESS && n == 2 * kPixels, "damaged");
    for (int y = 0; y < kSide; ++y) {
      std::uint16_t* row = out + y * kSide;
      for (int x = 1; x < kSide; ++x) row[x] = static_cast<std::uint16_t>(row[x] + row[x - 1]);
    }
  }
  void put(const void* bytes, std::size_t n) { require(pwrite(output, bytes, n, static_cast<off_t>(end.fetch_add(n))) == static_cast<ssize_t>(n), "the disk is full"); }
  void put_lzw(const void* tile, int bits, int format, int predictor) {
    const std::size_t n = lzw(tile, bits, format, predictor, memory);
    put(memory.bytes.data(), n);
  }
  /// `tile` holds rows of `samples` numbers a pixel, and is no longer needed.
  void put_deflate(std::uint16_t* tile, int samples, int side) {
    for (int y = 0; y < side; ++y) {
      std::uint16_t* row = tile + y * side * samples;
      for (int i = side * samples - 1; i >= samples; --i) row[i] = static_cast<std::uint16_t>(row[i] - row[i - samples]);
    }
    const std::size_t raw = 2 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side * samples);
    const std::size_t n = libdeflate_zlib_compress(compressor, tile, raw, encoded.data(), encoded.size());
    put(encoded.data(), n);
  }
};

std::uint16_t mean_of(const std::uint16_t* first, const std::uint16_t* second, int samples) {
  const int values[] = {first[0], first[samples], second[0], second[samples]};
  int sum = 0, n = 0;
  for (const int v : values) {
    sum += v;
    n += v != 0;
  }
  return static_cast<std::uint16_t>(n == 0 ? 0 : (2 * sum + n) / (2 * n));
}

}  // namespace

int main(int argc, char** argv) {
  require(argc == 5, "usage: recompress|ndvi|cog SCENE OUTPUT THREADS");
  const std::string what = argv[1];
  const auto begun = std::chrono::steady_clock::now();
  const Scene scene = open_scene(argv[2]);
  const int output = ::open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0666);
  require(output >= 0, "the output cannot be made");
  std::atomic<std::uint64_t> end{0}, next{0};
  const std::size_t plane = std::size_t{scene.across} * scene.down;
  const auto work = [&] {
    Worker worker{scene, output, end};
    std::vector<std::uint16_t> a(kPixels), b(kPixels), pixels(kPixels * kBands), small(kPixels * kBands / 4);
    std::vector<float> index(kPixels);
    for (std::size_t i; (i = next.fetch_add(1)) < (what == "recompress" ? plane * kBands : plane);) {
      if (what == "recompress") {
        worker.decode(i, a.data());
        worker.put_lzw(a.data(), 16, SAMPLEFORMAT_UINT, 2);
      } else if (what == "ndvi") {
        worker.decode(2 * plane + i, a.data());
        worker.decode(3 * plane + i, b.data());
        for (std::size_t k = 0; k < kPixels; ++k) {
          const double red = a[k], nir = b[k];
          index[k] = a[k] == 0 || b[k] == 0 ? NAN : static_cast<float>((nir - red) / (nir + red));
        }
        worker.put_lzw(index.data(), 32, SAMPLEFORMAT_IEEEFP, 3);
      } else {
        for (int band = 0; band < kBands; ++band) {
          worker.decode(static_cast<std::size_t>(band) * plane + i, a.data());
          for (std::size_t k = 0; k < kPixels; ++k) pixels[k * kBands + static_cast<std::size_t>(band)] = a[k];
        }
        // Its share of the overviews: a quarter of a tile, a quarter of that...
        int side = kSide / 2;
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side * kBands; ++x) {
            const int from = 2 * (x / kBands) * kBands + x % kBands;
            small[static_cast<std::size_t>(y * side * kBands + x)] = mean_of(&pixels[static_cast<std::size_t>(2 * y * kSide * kBands + from)], &pixels[static_cast<std::size_t>((2 * y + 1) * kSide * kBands + from)], kBands);
          }
        }
        worker.put_deflate(pixels.data(), kBands, kSide);
        std::vector<std::uint16_t> next_level(small.size() / 4);
        for (int y = 0; y < side / 2; ++y) {
          for (int x = 0; x < side / 2 * kBands; ++x) {
            const int from = 2 * (x / kBands) * kBands + x % kBands;
            next_level[static_cast<std::size_t>(y * side / 2 * kBands + x)] = mean_of(&small[static_cast<std::size_t>(2 * y * side * kBands + from)], &small[static_cast<std::size_t>((2 * y + 1) * side * kBands + from)], kBands);
          }
        }
        worker.put_deflate(small.data(), kBands, side);
        worker.put_deflate(next_level.data(), kBands, side / 2);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int t = std::atoi(argv[4]); t > 1; --t) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  close(output);
  std::printf("{\"seconds\": %.3f}\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
}
