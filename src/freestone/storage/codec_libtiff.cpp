#include "freestone/storage/codec_libtiff.h"

#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <vector>

namespace freestone {
namespace {

// Of one allocation, beside what a chunk needs: directories and tables are far smaller.
constexpr Index kLargestAllocation = Index{64} << 20;

/// A handle of libtiff on a file, and the last thing it complained of.
class Handle {
 public:
  explicit Handle(const LibtiffImage& image) : file_(image.file) {
    const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
    if (!options) fail(ErrorKind::kMemory, "{}: the system has no memory left for libtiff.", file_->name());
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(kLargestAllocation + 4 * image.chunk_bytes));
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, this);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_message, this);
    // h: no directory yet; D, O: no lists of chunks; c: strips as they are; m: no maps.
    tiff_ = TIFFClientOpenExt(file_->name().c_str(), "rhDOcm", this, read, write, seek, close, size, map, unmap, options.get());
    if (tiff_ == nullptr || TIFFSetSubDirectory(tiff_, static_cast<std::uint64_t>(image.directory)) == 0) fail_to_open();
    std::uint16_t compression = COMPRESSION_NONE;
    TIFFGetField(tiff_, TIFFTAG_COMPRESSION, &compression);
    if (TIFFIsCODECConfigured(compression) == 0) {
      message_ = "the libtiff of this machine was built without it";
      fail_to_open();
    }
    if (image.to_rgb) TIFFSetField(tiff_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    const Index found = TIFFIsTiled(tiff_) != 0 ? TIFFTileSize64(tiff_) : TIFFStripSize64(tiff_);
    if (found != image.chunk_bytes) {
      message_ = fmt::format("to libtiff a chunk has {} bytes, not {}", found, image.chunk_bytes);
      fail_to_open();
    }
  }
  ~Handle() {
    if (tiff_ != nullptr) TIFFClose(tiff_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  bool decode(Index chunk, ConstBytes from, Bytes to) {
    message_.clear();
    return TIFFReadFromUserBuffer(tiff_, static_cast<std::uint32_t>(chunk), const_cast<std::byte*>(from.data()),
                                  static_cast<tmsize_t>(from.size()), to.data(), static_cast<tmsize_t>(to.size())) != 0;
  }
  std::string message() const { return message_.empty() ? "libtiff says no more" : message_; }

 private:
  [[noreturn]] void fail_to_open() {
    const std::string why = message();
    if (tiff_ != nullptr) TIFFClose(tiff_);
    tiff_ = nullptr;
    fail(ErrorKind::kUser, "libtiff cannot decode it: {}", why);
  }

  static int keep_message(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    char text[300];
    std::vsnprintf(text, sizeof text, format, arguments);
    if (auto& message = static_cast<Handle*>(self)->message_; message.empty()) message = text;
    return 1;
  }
  static int ignore_message(TIFF*, void*, const char*, const char*, va_list) { return 1; }

  static tmsize_t read(thandle_t self, void* to, tmsize_t bytes) {
    auto& handle = *static_cast<Handle*>(self);
    const Index left = std::max<Index>(0, handle.file_->size() - handle.at_), n = std::min<Index>(bytes, left);
    try {
      handle.file_->read_exactly(handle.at_, {static_cast<std::byte*>(to), static_cast<std::size_t>(n)});
    } catch (const Error& error) {
      handle.message_ = error.message();
      return -1;
    }
    handle.at_ += n;
    return n;
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return -1; }
  static toff_t seek(thandle_t self, toff_t offset, int whence) {
    auto& handle = *static_cast<Handle*>(self);
    const Index from = whence == SEEK_CUR ? handle.at_ : whence == SEEK_END ? handle.file_->size() : 0;
    Index to = 0;
    if (__builtin_add_overflow(from, static_cast<Index>(offset), &to) || to < 0) return static_cast<toff_t>(-1);
    handle.at_ = to;
    return static_cast<toff_t>(to);
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t self) { return static_cast<toff_t>(static_cast<Handle*>(self)->file_->size()); }
  static int map(thandle_t, void**, toff_t*) { return 0; }
  static void unmap(thandle_t, void*, toff_t) {}

  std::shared_ptr<const File> file_;
  TIFF* tiff_ = nullptr;
  Index at_ = 0;
  std::string message_;
};

class Libtiff final : public Codec {
 public:
  /// Tries a handle and lets it go: files of thousands of images have thousands of codecs.
  explicit Libtiff(const LibtiffImage& image) : image_(image) { Handle tried(image); }
  std::string_view name() const override { return image_.name; }
  // Headers of their own in each chunk, and lossless kinds that found nothing to gain.
  Index largest_encoded(Index bytes) const override { return 2 * bytes + 65536; }
  Index encode(ConstBytes, Bytes) const override { fail(ErrorKind::kInternal, "libtiff is used for reading only"); }

  Index decode(ConstBytes from, Bytes to) const override {
    std::unique_ptr<Handle> handle;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        handle = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!handle) handle = std::make_unique<Handle>(image_);
    // Which chunk it is matters for its height alone.
    const auto wanted = static_cast<Index>(to.size());
    const bool is_last = wanted != image_.chunk_bytes;
    if (is_last && wanted != image_.last_chunk_bytes) fail(ErrorKind::kData, "libtiff cannot decode {} bytes of a chunk", wanted);
    const bool done = handle->decode(is_last ? image_.last_chunk : 0, from, to);
    const std::string why = done ? "" : handle->message();
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(handle));
    }
    if (!done) fail(ErrorKind::kData, "libtiff cannot decode it: {}", why);
    return wanted;
  }

 private:
  LibtiffImage image_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace

CodecRef libtiff_codec(const LibtiffImage& image) { return std::make_shared<Libtiff>(image); }

}  // namespace freestone
