#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "freestone/storage/codec_libtiff.h"

namespace freestone {
namespace {

/// A file of libtiff that lies in memory, its one tile somewhere in it, and the last thing that libtiff complained of.
struct MemoryFile {
  std::vector<std::byte> bytes;
  Index at = 0;
  std::string message;

  static tmsize_t read(thandle_t self, void* to, tmsize_t n) {
    auto& file = *static_cast<MemoryFile*>(self);
    const auto left = std::max<Index>(0, static_cast<Index>(file.bytes.size()) - file.at), taken = std::min<Index>(n, left);
    std::memcpy(to, file.bytes.data() + file.at, static_cast<std::size_t>(taken));
    file.at += taken;
    return taken;
  }
  static tmsize_t write(thandle_t self, void* from, tmsize_t n) {
    auto& file = *static_cast<MemoryFile*>(self);
    const auto end = static_cast<std::size_t>(file.at + n);
    if (file.bytes.size() < end) file.bytes.resize(end);
    std::memcpy(file.bytes.data() + file.at, from, static_cast<std::size_t>(n));
    file.at += n;
    return n;
  }
  static toff_t seek(thandle_t self, toff_t offset, int whence) {
    auto& file = *static_cast<MemoryFile*>(self);
    const Index from = whence == SEEK_CUR ? file.at : whence == SEEK_END ? static_cast<Index>(file.bytes.size()) : 0;
    file.at = from + static_cast<Index>(offset);
    return static_cast<toff_t>(file.at);
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t self) { return static_cast<MemoryFile*>(self)->bytes.size(); }
  static int map(thandle_t, void**, toff_t*) { return 0; }
  static void unmap(thandle_t, void*, toff_t) {}
  static int keep_message(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    char text[300];
    std::vsnprintf(text, sizeof text, format, arguments);
    if (auto& message = static_cast<MemoryFile*>(self)->message; message.empty()) message = text;
    return 1;
  }
  static int ignore_message(TIFF*, void*, const char*, const char*, va_list) { return 1; }
};

class LibtiffEncoder final : public Codec {
 public:
  explicit LibtiffEncoder(const LibtiffTile& tile) : tile_(tile) {
    if (TIFFIsCODECConfigured(static_cast<std::uint16_t>(tile.compression)) == 0) {
      fail(ErrorKind::kUser, "the libtiff of this machine was built without {}", tile.name);
    }
  }
  std::string_view name() const override { return tile_.name; }
  // Lossless kinds that find nothing to gain, and headers of their own in each tile.
  Index largest_encoded(Index bytes) const override { return 2 * bytes + 65536; }

  Index encode(ConstBytes from, Bytes to) const override {
    MemoryFile file;
    const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
    if (!options) fail(ErrorKind::kMemory, "the system has no memory left for libtiff");
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), MemoryFile::keep_message, &file);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), MemoryFile::ignore_message, &file);
    const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(TIFFClientOpenExt("a tile", "w8", &file, MemoryFile::read, MemoryFile::write, MemoryFile::seek, MemoryFile::close,
                                                                        MemoryFile::size, MemoryFile::map, MemoryFile::unmap, options.get()),
                                                      TIFFClose);
    const auto fail_to_encode = [&] { fail(ErrorKind::kUser, "libtiff cannot encode a tile as {}: {}", tile_.name, file.message.empty() ? "it says no more" : file.message); };
    if (!tiff) fail_to_encode();
    const auto set = [&](std::uint32_t tag, auto... values) {
      if (TIFFSetField(tiff.get(), tag, values...) == 0) fail_to_encode();
    };
    const bool is_ycbcr = tile_.is_ycbcr;
    set(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(tile_.width));
    set(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(tile_.height));
    set(TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(tile_.width));
    set(TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(tile_.height));
    set(TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * size_of(tile_.dtype)));
    set(TIFFTAG_SAMPLEFORMAT, is_floating(tile_.dtype) ? SAMPLEFORMAT_IEEEFP : is_signed_integer(tile_.dtype) ? SAMPLEFORMAT_INT : SAMPLEFORMAT_UINT);
    set(TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(tile_.samples));
    set(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    set(TIFFTAG_PHOTOMETRIC, is_ycbcr ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_MINISBLACK);
    set(TIFFTAG_COMPRESSION, static_cast<int>(tile_.compression));
    if (tile_.compression == COMPRESSION_JPEG) {
      set(TIFFTAG_JPEGQUALITY, tile_.quality);
      set(TIFFTAG_JPEGTABLESMODE, 0);  // each tile is a whole JPEG
      if (is_ycbcr) set(TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    } else if (tile_.compression == COMPRESSION_WEBP) {
      set(TIFFTAG_WEBP_LEVEL, tile_.quality);
      set(TIFFTAG_WEBP_LOSSLESS, tile_.quality == 100 ? 1 : 0);
    }
    // libtiff takes the bytes for its own while it encodes.
    std::vector<std::byte> raw(from.begin(), from.end());
    if (TIFFWriteEncodedTile(tiff.get(), 0, raw.data(), static_cast<tmsize_t>(raw.size())) < 0) fail_to_encode();
    const std::uint64_t offset = TIFFGetStrileOffset(tiff.get(), 0), size = TIFFGetStrileByteCount(tiff.get(), 0);
    if (size == 0 || offset + size > file.bytes.size() || size > to.size()) fail_to_encode();
    std::memcpy(to.data(), file.bytes.data() + offset, size);
    return static_cast<Index>(size);
  }
  Index decode(ConstBytes, Bytes) const override { fail(ErrorKind::kInternal, "this codec of libtiff is used for writing only"); }

 private:
  LibtiffTile tile_;
};

}  // namespace

CodecRef libtiff_encoder(const LibtiffTile& tile) { return std::make_shared<LibtiffEncoder>(tile); }

}  // namespace freestone
