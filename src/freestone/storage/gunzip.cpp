#include "freestone/storage/gunzip.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "freestone/base/log.h"
#include "freestone/core/buffer.h"
#include "freestone/storage/anonymous_file.h"

namespace freestone {
namespace {

constexpr Index kPiece = Index{1} << 20;
// Room is looked for before as much more is written: one stream makes a thousand bytes of one.
constexpr Index kRoomAhead = Index{256} << 20;

/// zlib's state, ended whatever happens.
struct Inflater {
  z_stream stream{};
  Inflater() {
    // 16: a header and a trailer of gzip, whose checksum zlib looks at.
    if (inflateInit2(&stream, 15 + 16) != Z_OK) fail(ErrorKind::kMemory, "There is no memory to decompress a file of gzip.");
  }
  ~Inflater() { inflateEnd(&stream); }
};

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int release() { return std::exchange(number, -1); }
};

/// Writes what `file` decompresses to; returns how much it is.
Index decompress(const File& file, int to, const std::string& folder) {
  Inflater inflater;
  z_stream& z = inflater.stream;
  Buffer packed(kPiece), plain(kPiece);
  Index read = 0, written = 0, room = 0;
  bool ended = false;
  while (true) {
    if (z.avail_in == 0 && read < file.size()) {
      const Index n = std::min(kPiece, file.size() - read);
      file.read_exactly(read, packed.bytes().first(static_cast<std::size_t>(n)));
      read += n;
      z.next_in = reinterpret_cast<Bytef*>(packed.bytes().data());
      z.avail_in = static_cast<uInt>(n);
    }
    if (ended) {
      // Zeros behind a member are padding (tapes); another member goes on, and what is neither is left alone, as gzip does.
      while (z.avail_in > 0 && *z.next_in == 0) ++z.next_in, --z.avail_in;
      if (z.avail_in == 0 && read < file.size()) continue;
      if (z.avail_in == 0 || *z.next_in != 0x1f) break;
      inflateReset(&z);
      ended = false;
    }
    z.next_out = reinterpret_cast<Bytef*>(plain.bytes().data());
    z.avail_out = static_cast<uInt>(kPiece);
    const int result = inflate(&z, Z_NO_FLUSH);
    const Index made = kPiece - static_cast<Index>(z.avail_out);
    if (made > 0) {
      if (written + made > room) {
        check_free_space(folder, kRoomAhead, file.name() + ", decompressed,");
        room = written + kRoomAhead;
      }
      write_exactly(to, "the temporary copy of " + file.name(), written, plain.bytes().first(static_cast<std::size_t>(made)));
      written += made;
    }
    if (result == Z_STREAM_END) {
      ended = true;
    } else if (result == Z_MEM_ERROR) {
      fail(ErrorKind::kMemory, "{}: there is no memory to decompress it.", file.name());
    } else if (result == Z_BUF_ERROR || (result == Z_OK && z.avail_in == 0 && read == file.size() && made < kPiece)) {
      fail(ErrorKind::kData, "{}: the gzip stream does not end before the file does ({} bytes). It was cut short.", file.name(), file.size());
    } else if (result != Z_OK) {
      fail(ErrorKind::kData, "{}: the gzip stream is damaged at about offset {}: {}.", file.name(), read - static_cast<Index>(z.avail_in),
           z.msg == nullptr ? "zlib gives no reason" : z.msg);
    }
  }
  return written;
}

}  // namespace

bool is_gzip(const ByteReader& file) {
  std::byte start[2] = {};
  if (file.size() < 2) return false;
  file.read_exactly(0, start);
  return start[0] == std::byte{0x1f} && start[1] == std::byte{0x8b};
}

std::shared_ptr<const File> gunzip(const std::shared_ptr<const File>& file, const std::string& folder) {
  using Key = std::tuple<std::string, Index, Index, Index>;
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const File>> copies;
  const Identity& identity = file->identity();
  const Key key{identity.path, identity.bytes, identity.modified_ns, identity.inode};
  {
    const std::lock_guard lock(mutex);
    std::erase_if(copies, [](const auto& entry) { return entry.second.expired(); });
    if (const auto found = copies.find(key); found != copies.end()) {
      if (auto copy = found->second.lock()) return copy;
    }
  }
  Descriptor descriptor{open_anonymous(folder)};
  const Index size = decompress(*file, descriptor.number, folder);
  file->check_unchanged();
  log(LogLevel::kInfo, "{}: decompressed, {}, into a temporary file in {}.", file->name(), format_bytes(size), folder);
  Identity own = identity;
  own.bytes = size;
  auto copy = File::adopt(descriptor.release(), std::move(own));
  const std::lock_guard lock(mutex);
  copies[key] = copy;
  return copy;
}

}  // namespace freestone
