#include <blosc.h>
#include <bzlib.h>
#include <libdeflate.h>
#include <lz4.h>
#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_createDCtx_advanced: memory of our own
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "freestone/storage/codec.h"

namespace freestone {
namespace {

/// Streams by other writers may be a little larger than ours can get: small blocks, several members.
Index with_slack(Index bytes) { return bytes + bytes / 64 + 1024; }

void check_level(std::string_view codec, int level, int low, int high) {
  if (level < low || level > high) fail(ErrorKind::kUser, "{}: there is no level {}; {} to {} are.", codec, level, low, high);
}

[[noreturn]] void fail_damaged(std::string_view codec, std::string_view why) {
  fail(ErrorKind::kData, "{} cannot decode it: {}", codec, why);
}

template <class T, auto kFree>
struct Free {
  void operator()(T* context) const { kFree(context); }
};

class ZstdParts final : public PartDecoder {
 public:
  ZstdParts() : context_(ZSTD_createDCtx_advanced({take, give, this})) {
    if (!context_) fail(ErrorKind::kMemory, "zstd: the system has no memory left for its tables.");
    // Any window that `decode` takes.
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound);
  }
  ZstdParts(const ZstdParts&) = delete;
  ZstdParts& operator=(const ZstdParts&) = delete;
  Step step(ConstBytes from, Bytes to) override {
    find_back(to.size());
    ZSTD_inBuffer in{from.data(), from.size(), 0};
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(left) != 0) fail_damaged("zstd", ZSTD_getErrorName(left));
    made_ += out.pos;
    return {static_cast<Index>(in.pos), static_cast<Index>(out.pos), left == 0};
  }
  Index bytes() const override { return static_cast<Index>(ZSTD_sizeof_DCtx(context_.get())); }
  /// Anew, with the memory that it has.
  void begin() {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    made_ = 0;
  }

 private:
  static void* take(void* parts, std::size_t bytes) {
    void* memory = std::malloc(bytes);
    auto& window = static_cast<ZstdParts*>(parts)->window_;
    if (memory != nullptr && bytes > window.size()) window = {static_cast<std::byte*>(memory), bytes};
    return memory;
  }
  static void give(void* parts, void* memory) {
    auto& window = static_cast<ZstdParts*>(parts)->window_;
    if (memory == window.data()) window = {};
    std::free(memory);
  }
  /// After others have decoded on this thread what it looks back over is out of the caches: in the order in which it lies memory gives it in a
  /// fraction of the time that it takes piece by piece (docs/decisions/0046).
  void find_back(std::size_t wanted) {
    thread_local const ZstdParts* latest = nullptr;
    if (std::exchange(latest, this) == this) return;
    // Behind what it has made and the encoded block before that nothing was written: no memory lies there yet.
    constexpr std::size_t kBlock = std::size_t{128} << 10, kLine = 64, kLittle = 16;
    const std::size_t written = made_ == 0 ? 0 : std::min(window_.size(), made_ + kBlock);
    if (wanted < written / kLittle) return;
    for (std::size_t at = 0; at < written; at += kLine) static_cast<void>(*const_cast<const volatile std::byte*>(window_.data() + at));
  }

  Bytes window_;  // the largest piece of its memory
  std::size_t made_ = 0;
  std::unique_ptr<ZSTD_DCtx, Free<ZSTD_DCtx, ZSTD_freeDCtx>> context_;  // the first to go: it gives back
};

/// Bytes that a frame of Zstandard looks back over (RFC 8878, 3.1.1.1); negative: it does not begin as one.
Index zstd_window(ConstBytes head) {
  const auto at = [&](std::size_t i) { return i < head.size() ? std::to_integer<Index>(head[i]) : 0; };
  if (head.size() < 6 || at(0) != 0x28 || at(1) != 0xb5 || at(2) != 0x2f || at(3) != 0xfd) return -1;
  const Index descriptor = at(4);
  constexpr Index kDictionaryBytes[] = {0, 1, 2, 4};
  if ((descriptor & 0x20) == 0) {
    const Index base = Index{1} << (10 + (at(5) >> 3));
    return base + base / 8 * (at(5) & 7);
  }
  // One segment: it looks back over all of its content.
  const Index width = Index{1} << (descriptor >> 6);
  Index content = width == 2 ? 256 : 0;
  for (Index i = 0; i < std::min<Index>(width, 7); ++i)
    content += at(static_cast<std::size_t>(5 + kDictionaryBytes[descriptor & 3] + i)) << (8 * i);
  return content;
}

class Zstd final : public Codec {
 public:
  Zstd(int level, bool checksum) : level_(level), checksum_(checksum) { check_level("zstd", level, ZSTD_minCLevel(), ZSTD_maxCLevel()); }
  std::string_view name() const override { return "zstd"; }
  std::string numcodecs() const override { return fmt::format(R"({{"id": "zstd", "level": {}}})", level_); }
  Index largest_made(Index bytes) const override { return static_cast<Index>(ZSTD_COMPRESSBOUND(static_cast<std::size_t>(bytes))); }
  Index largest_encoded(Index bytes) const override { return with_slack(largest_made(bytes)); }
  Index encode(ConstBytes from, Bytes to) const override {
    thread_local const std::unique_ptr<ZSTD_CCtx, Free<ZSTD_CCtx, ZSTD_freeCCtx>> context(ZSTD_createCCtx());
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level_);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, checksum_ ? 1 : 0);
    const std::size_t size = ZSTD_compress2(context.get(), to.data(), to.size(), from.data(), from.size());
    if (ZSTD_isError(size) != 0) fail(ErrorKind::kInternal, "zstd cannot encode: {}", ZSTD_getErrorName(size));
    return static_cast<Index>(size);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    thread_local const std::unique_ptr<ZSTD_DCtx, Free<ZSTD_DCtx, ZSTD_freeDCtx>> context(ZSTD_createDCtx());
    const std::size_t size = ZSTD_decompressDCtx(context.get(), to.data(), to.size(), from.data(), from.size());
    if (ZSTD_isError(size) != 0) fail_damaged("zstd", ZSTD_getErrorName(size));
    return static_cast<Index>(size);
  }
  /// What lies behind the last range is left.
  bool decode_ranges(ConstBytes from, Bytes to, const std::vector<ByteRange>& ranges) const override {
    constexpr Index kLargestWindow = Index{8} << 20;  // the thread keeps its memory
    const Index end = ranges.back().end, window = zstd_window(from.first(std::min<std::size_t>(from.size(), kPartHead)));
    if (5 * end > 3 * static_cast<Index>(to.size()) || window < 0 || window > kLargestWindow) return false;
    thread_local ZstdParts parts;
    parts.begin();
    for (Index used = 0, made = 0; made < end;) {
      const ConstBytes left = from.subspan(static_cast<std::size_t>(used));
      const PartDecoder::Step done = parts.step(left, to.subspan(static_cast<std::size_t>(made), static_cast<std::size_t>(end - made)));
      if (done.made == 0 && done.used == static_cast<Index>(left.size())) fail_damaged("zstd", "it ends before its last element");
      used += done.used, made += done.made;
    }
    return true;
  }
  std::unique_ptr<PartDecoder> part_decoder() const override { return std::make_unique<ZstdParts>(); }
  Index part_decoder_bytes(ConstBytes head) const override {
    constexpr Index kTables = Index{512} << 10;  // and two blocks of 128 KiB
    const Index window = zstd_window(head);
    return window < 0 ? -1 : window + kTables;
  }

 private:
  int level_;
  bool checksum_;
};

/// gzip and zlib: the same stream in two wrappings.
class Deflate final : public Codec {
 public:
  Deflate(bool gzip, int level) : gzip_(gzip), level_(level == -1 ? 6 : level) { check_level(name(), level_, 0, 9); }
  std::string_view name() const override { return gzip_ ? "gzip" : "zlib"; }
  std::string numcodecs() const override { return fmt::format(R"({{"id": "{}", "level": {}}})", name(), level_); }
  Index largest_made(Index bytes) const override { return static_cast<Index>(libdeflate_gzip_compress_bound(nullptr, static_cast<std::size_t>(bytes))); }
  Index largest_encoded(Index bytes) const override { return with_slack(largest_made(bytes)); }
  Index encode(ConstBytes from, Bytes to) const override {
    using Compressor = std::unique_ptr<libdeflate_compressor, Free<libdeflate_compressor, libdeflate_free_compressor>>;
    thread_local Compressor compressors[10];
    Compressor& compressor = compressors[level_];
    if (!compressor) compressor.reset(libdeflate_alloc_compressor(level_));
    if (!compressor) fail(ErrorKind::kMemory, "{}: the system has no memory left for its tables.", name());
    const auto run = gzip_ ? libdeflate_gzip_compress : libdeflate_zlib_compress;
    const std::size_t size = run(compressor.get(), from.data(), from.size(), to.data(), to.size());
    ensure(size > 0, "deflate made more bytes than its bound");
    return static_cast<Index>(size);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    using Decompressor = std::unique_ptr<libdeflate_decompressor, Free<libdeflate_decompressor, libdeflate_free_decompressor>>;
    thread_local const Decompressor decompressor(libdeflate_alloc_decompressor());
    if (!decompressor) fail(ErrorKind::kMemory, "{}: the system has no memory left for its tables.", name());
    const auto run = gzip_ ? libdeflate_gzip_decompress_ex : libdeflate_zlib_decompress_ex;
    std::size_t done = 0;
    do {
      std::size_t used = 0, made = 0;
      switch (run(decompressor.get(), from.data(), from.size(), to.data() + done, to.size() - done, &used, &made)) {
        case LIBDEFLATE_SUCCESS: break;
        case LIBDEFLATE_INSUFFICIENT_SPACE: fail_damaged(name(), "it is larger than the chunk");
        default: fail_damaged(name(), "the stream is damaged or cut short");
      }
      from = from.subspan(used);
      done += made;
    } while (gzip_ && !from.empty());  // members may follow each other
    return static_cast<Index>(done);
  }

 private:
  bool gzip_;
  int level_;
};

class Lz4 final : public Codec {
 public:
  explicit Lz4(int acceleration) : acceleration_(std::max(1, acceleration)) {}
  std::string_view name() const override { return "lz4"; }
  std::string numcodecs() const override { return fmt::format(R"({{"id": "lz4", "acceleration": {}}})", acceleration_); }
  Index largest_made(Index bytes) const override { return bytes + bytes / 255 + 16 + kHeader; }
  Index largest_encoded(Index bytes) const override { return with_slack(largest_made(bytes)); }
  Index encode(ConstBytes from, Bytes to) const override {
    if (from.size() > LZ4_MAX_INPUT_SIZE) {
      fail(ErrorKind::kUser, "lz4 takes chunks of up to 2 GB, this one has {}. Smaller --chunks would do.",
           format_bytes(static_cast<Index>(from.size())));
    }
    for (int i = 0; i < kHeader; ++i) to[static_cast<std::size_t>(i)] = static_cast<std::byte>(from.size() >> (8 * i));
    const auto room = static_cast<int>(std::min<std::size_t>(to.size() - kHeader, LZ4_MAX_INPUT_SIZE));
    const int size = LZ4_compress_fast(reinterpret_cast<const char*>(from.data()), reinterpret_cast<char*>(to.data()) + kHeader,
                                       static_cast<int>(from.size()), room, acceleration_);
    ensure(size > 0 || from.empty(), "lz4 made more bytes than its bound");
    return kHeader + size;
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() < kHeader) fail_damaged("lz4", "it is cut short");
    std::uint32_t promised = 0;
    for (int i = 0; i < kHeader; ++i) promised |= std::to_integer<std::uint32_t>(from[static_cast<std::size_t>(i)]) << (8 * i);
    if (promised > to.size() || promised > LZ4_MAX_INPUT_SIZE) fail_damaged("lz4", fmt::format("it promises {} bytes", promised));
    if (from.size() - kHeader > LZ4_MAX_INPUT_SIZE) fail_damaged("lz4", "it is larger than a block can be");
    const int size = LZ4_decompress_safe(reinterpret_cast<const char*>(from.data()) + kHeader, reinterpret_cast<char*>(to.data()),
                                         static_cast<int>(from.size() - kHeader), static_cast<int>(promised));
    if (size < 0 || static_cast<std::uint32_t>(size) != promised) fail_damaged("lz4", "the block is damaged or cut short");
    return size;
  }

 private:
  static constexpr int kHeader = 4;
  int acceleration_;
};

class Bz2 final : public Codec {
 public:
  explicit Bz2(int level) : level_(level) { check_level("bz2", level, 1, 9); }
  std::string_view name() const override { return "bz2"; }
  std::string numcodecs() const override { return fmt::format(R"({{"id": "bz2", "level": {}}})", level_); }
  Index largest_made(Index bytes) const override { return bytes + bytes / 100 + 600; }
  Index largest_encoded(Index bytes) const override { return with_slack(largest_made(bytes)); }
  Index encode(ConstBytes from, Bytes to) const override {
    bz_stream stream{};
    if (BZ2_bzCompressInit(&stream, level_, 0, 0) != BZ_OK) fail(ErrorKind::kMemory, "bz2: the system has no memory left for its tables.");
    const std::unique_ptr<bz_stream, Free<bz_stream, BZ2_bzCompressEnd>> guard(&stream);
    std::size_t used = 0, made = 0;
    for (int state = BZ_RUN_OK; state != BZ_STREAM_END;) {
      Window window(stream, from.subspan(used), to.subspan(made));
      state = BZ2_bzCompress(&stream, window.takes_all() ? BZ_FINISH : BZ_RUN);
      ensure(state >= 0 && (window.used() > 0 || window.made() > 0 || state == BZ_STREAM_END), "bz2 made more bytes than its bound");
      used += window.used();
      made += window.made();
    }
    return static_cast<Index>(made);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    std::size_t made = 0;
    do {  // streams may follow each other
      bz_stream stream{};
      if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) fail(ErrorKind::kMemory, "bz2: the system has no memory left for its tables.");
      const std::unique_ptr<bz_stream, Free<bz_stream, BZ2_bzDecompressEnd>> guard(&stream);
      for (int state = BZ_OK; state != BZ_STREAM_END;) {
        Window window(stream, from, to.subspan(made));
        state = BZ2_bzDecompress(&stream);
        if (state != BZ_OK && state != BZ_STREAM_END) fail_damaged("bz2", "the stream is damaged");
        from = from.subspan(window.used());
        made += window.made();
        if (state != BZ_STREAM_END && window.used() == 0 && window.made() == 0) {
          fail_damaged("bz2", from.empty() ? "the stream is cut short" : "it is larger than the chunk");
        }
      }
    } while (!from.empty());
    return static_cast<Index>(made);
  }

 private:
  /// What one call of the library sees: its sizes are 32 bits wide.
  class Window {
   public:
    Window(bz_stream& stream, ConstBytes from, Bytes to) : stream_(stream), all_(from.size() <= kMost) {
      in_ = static_cast<unsigned>(std::min(from.size(), kMost));
      out_ = static_cast<unsigned>(std::min(to.size(), kMost));
      stream.next_in = const_cast<char*>(reinterpret_cast<const char*>(from.data()));
      stream.next_out = reinterpret_cast<char*>(to.data());
      stream.avail_in = in_;
      stream.avail_out = out_;
    }
    bool takes_all() const { return all_; }
    std::size_t used() const { return in_ - stream_.avail_in; }
    std::size_t made() const { return out_ - stream_.avail_out; }

   private:
    static constexpr std::size_t kMost = std::size_t{1} << 30;
    bz_stream& stream_;
    bool all_;
    unsigned in_, out_;
  };
  int level_;
};

class Blosc final : public Codec {
 public:
  explicit Blosc(BloscOptions options) : options_(std::move(options)) {
    check_level("blosc", options_.level, 0, 9);
    static const std::vector<std::string> kNames = {"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"};
    if (std::find(kNames.begin(), kNames.end(), options_.compressor) == kNames.end()) {
      fail(ErrorKind::kUser, "blosc has no compressor '{}'.{}", options_.compressor, suggestion(options_.compressor, kNames));
    }
    if (blosc_compname_to_compcode(options_.compressor.c_str()) < 0) {
      fail(ErrorKind::kUser, "The blosc library of this machine was built without '{}'.", options_.compressor);
    }
    // Elements wider than this are bytes to Blosc; the format has one byte for it.
    if (options_.element_bytes < 1 || options_.element_bytes > BLOSC_MAX_TYPESIZE) options_.element_bytes = 1;
  }
  std::string_view name() const override { return "blosc"; }
  std::string numcodecs() const override {
    return fmt::format(R"({{"id": "blosc", "cname": "{}", "clevel": {}, "shuffle": {}, "blocksize": {}}})", options_.compressor, options_.level,
                       static_cast<int>(options_.shuffle), options_.block_bytes);
  }
  Index largest_made(Index bytes) const override { return bytes + BLOSC_MAX_OVERHEAD; }
  Index largest_encoded(Index bytes) const override { return with_slack(largest_made(bytes)); }
  Index encode(ConstBytes from, Bytes to) const override {
    if (from.size() > BLOSC_MAX_BUFFERSIZE) {
      fail(ErrorKind::kUser, "blosc takes chunks of up to 2 GiB, this one has {}. Smaller --chunks would do.",
           format_bytes(static_cast<Index>(from.size())));
    }
    const int shuffle = options_.shuffle == BloscShuffle::kNone    ? BLOSC_NOSHUFFLE
                        : options_.shuffle == BloscShuffle::kBytes ? BLOSC_SHUFFLE
                                                                   : BLOSC_BITSHUFFLE;
    const int size =
        blosc_compress_ctx(options_.level, shuffle, static_cast<std::size_t>(options_.element_bytes), from.size(), from.data(), to.data(),
                           to.size(), options_.compressor.c_str(), static_cast<std::size_t>(options_.block_bytes), 1);
    if (size <= 0) fail(ErrorKind::kInternal, "blosc cannot encode (code {})", size);
    return size;
  }
  Index decode(ConstBytes from, Bytes to) const override {
    std::size_t promised = 0;
    if (blosc_cbuffer_validate(from.data(), from.size(), &promised) != 0)
      fail_damaged("blosc", "its header is damaged, or it is cut short");
    if (promised > to.size()) fail_damaged("blosc", fmt::format("it promises {} bytes", promised));
    if (promised == 0) return 0;
    const int size = blosc_decompress_ctx(from.data(), to.data(), to.size(), 1);
    if (size < 0 || static_cast<std::size_t>(size) != promised) fail_damaged("blosc", "a block is damaged");
    return size;
  }
  /// The blocks that hold something of them.
  bool decode_ranges(ConstBytes from, Bytes to, const std::vector<ByteRange>& ranges) const override {
    std::size_t bytes = 0, encoded = 0, block = 0, width = 0;
    int flags = 0;
    if (blosc_cbuffer_validate(from.data(), from.size(), &bytes) != 0 || bytes != to.size()) return false;  // `decode` says what is wrong
    blosc_cbuffer_sizes(from.data(), &bytes, &encoded, &block);
    blosc_cbuffer_metainfo(from.data(), &width, &flags);
    if (width == 0 || block < width || block % width != 0 || bytes % width != 0) return false;
    const auto size = static_cast<Index>(bytes), step = static_cast<Index>(block);
    std::vector<ByteRange> blocks;
    Index wanted = 0;
    for (const ByteRange& range : ranges) {
      const Index first = range.first / step * step, end = std::min(size, (range.end + step - 1) / step * step);
      if (!blocks.empty() && first <= blocks.back().end)
        blocks.back().end = std::max(blocks.back().end, end);
      else
        blocks.push_back({first, end});
    }
    for (const ByteRange& range : blocks) wanted += range.end - range.first;
    if (5 * wanted > 3 * size) return false;
    for (const ByteRange& range : blocks) {
      const int first = static_cast<int>(range.first / static_cast<Index>(width)), count = static_cast<int>((range.end - range.first) / static_cast<Index>(width));
      if (blosc_getitem(from.data(), first, count, to.data() + range.first) != range.end - range.first) fail_damaged("blosc", "a block is damaged");
    }
    return true;
  }

 private:
  BloscOptions options_;
};

}  // namespace

CodecRef zstd_codec(int level, bool checksum) { return std::make_shared<Zstd>(level, checksum); }
CodecRef gzip_codec(int level) { return std::make_shared<Deflate>(true, level); }
CodecRef zlib_codec(int level) { return std::make_shared<Deflate>(false, level); }
CodecRef lz4_codec(int acceleration) { return std::make_shared<Lz4>(acceleration); }
CodecRef bz2_codec(int level) { return std::make_shared<Bz2>(level); }
CodecRef blosc_codec(const BloscOptions& options) { return std::make_shared<Blosc>(options); }

}  // namespace freestone
