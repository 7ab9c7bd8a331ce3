#include "freestone/storage/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <mutex>

#include "freestone/storage/location.h"
#include "freestone/storage/remote_file.h"

namespace freestone {
namespace {

Index modified_ns(const struct stat& status) { return Index{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec; }

/// Without this, writing past `ulimit -f` ends the process instead of failing with EFBIG.
void ignore_file_size_signal() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction now {};
    if (sigaction(SIGXFSZ, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::signal(SIGXFSZ, SIG_IGN);
  });
}

[[noreturn]] void fail_short(const std::string& name, Index offset, Index wanted, Index size) {
  fail(ErrorKind::kData, "{}: {} bytes were expected at offset {}, but the file ends at {}. It was cut short.", name, wanted, offset, size);
}

/// Why a write or a change of length did not work.
[[noreturn]] void fail_write(int error_number, const std::string& name, Index offset) {
  if (error_number == ENOSPC || error_number == EDQUOT) {
    fail(ErrorKind::kIo, "{}: the disk is full (at offset {}). Free some space, or write elsewhere.", name, offset);
  }
  if (error_number == EFBIG) {
    fail(ErrorKind::kIo, "{}: the file would grow past the largest size allowed here (at offset {}): a limit of the process (ulimit -f) or of the file system.",
         name, offset);
  }
  fail_errno(error_number, fmt::format("{}: cannot write at offset {}", name, offset));
}

}  // namespace

void MemoryReader::read_exactly(Index offset, std::span<std::byte> out) const {
  const auto wanted = static_cast<Index>(out.size());
  if (offset < 0 || offset > size() || wanted > size() - offset) fail_short(name_, offset, wanted, size());
  if (wanted > 0) std::memcpy(out.data(), bytes_.data() + offset, out.size());
}

std::shared_ptr<const File> File::open(const std::string& path) {
  if (!is_url(path)) return LocalFile::open(path);
  if (path.starts_with("file://")) return LocalFile::open(path.substr(7));
  return RemoteFile::open(RemoteAddress(path, remote_options()));
}

std::shared_ptr<const File> File::adopt(int descriptor, std::string name, Index size) { return LocalFile::adopt(descriptor, std::move(name), size); }

std::shared_ptr<const File> File::adopt(int descriptor, Identity identity) { return LocalFile::adopt(descriptor, std::move(identity)); }

std::string File::location() const { return absolute_location(name()); }

void File::read_exactly(Index offset, std::span<std::byte> out) const {
  iovec piece{out.data(), out.size()};
  read_pieces(offset, {&piece, 1});
}

std::unique_ptr<ReadInFlight> File::begin_pieces(Index offset, std::span<iovec> pieces) const {
  read_pieces(offset, pieces);
  return nullptr;
}

std::shared_ptr<const LocalFile> LocalFile::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const int error_number = errno;
    if (error_number == ENOENT) fail(ErrorKind::kIo, "{}: there is no such file.", path);
    if (error_number == EACCES) fail(ErrorKind::kIo, "{}: no permission to read it.", path);
    fail_errno(error_number, fmt::format("{}: cannot be opened", path));
  }
  struct stat status {};
  const int got = fstat(descriptor, &status);
  const int error_number = errno;
  if (got != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    if (got != 0) fail_errno(error_number, fmt::format("{}: cannot be opened", path));
    if (S_ISDIR(status.st_mode)) fail(ErrorKind::kIo, "{}: is a folder, not a file.", path);
    fail(ErrorKind::kIo, "{}: is not a regular file (a pipe or a device cannot be read by position).", path);
  }
  Identity identity{path, status.st_size, modified_ns(status), static_cast<Index>(status.st_ino)};
  return std::shared_ptr<const LocalFile>(new LocalFile(descriptor, std::move(identity), true));
}

std::shared_ptr<const LocalFile> LocalFile::adopt(int descriptor, std::string name, Index size) {
  return adopt(descriptor, Identity{std::move(name), size, 0, 0});
}

std::shared_ptr<const LocalFile> LocalFile::adopt(int descriptor, Identity identity) {
  return std::shared_ptr<const LocalFile>(new LocalFile(descriptor, std::move(identity), false));
}

LocalFile::~LocalFile() { ::close(descriptor_); }

void LocalFile::read_pieces(Index offset, std::span<iovec> pieces) const {
  while (!pieces.empty()) {
    if (pieces.front().iov_len == 0) {
      pieces = pieces.subspan(1);
      continue;
    }
    const int count = static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX));
    ssize_t got = count == 1 ? ::pread(descriptor_, pieces.front().iov_base, pieces.front().iov_len, offset)
                             : ::preadv(descriptor_, pieces.data(), count, offset);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_errno(errno, fmt::format("{}: cannot read at offset {}", identity().path, offset));
    }
    if (got == 0) {
      Index wanted = 0;
      for (const iovec& piece : pieces) wanted += static_cast<Index>(piece.iov_len);
      fail_short(identity().path, offset, wanted, offset);
    }
    offset += got;
    while (got > 0) {
      const auto used = std::min<std::size_t>(pieces.front().iov_len, static_cast<std::size_t>(got));
      pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + used;
      pieces.front().iov_len -= used;
      got -= static_cast<ssize_t>(used);
      if (pieces.front().iov_len == 0) pieces = pieces.subspan(1);
    }
  }
}

void LocalFile::check_unchanged() const {
  if (!watched_) return;
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) fail_errno(errno, fmt::format("{}: cannot be looked at", identity().path));
  if (status.st_size != identity().bytes || modified_ns(status) != identity().modified_ns) {
    fail(ErrorKind::kData, "{}: changed while it was being read ({} bytes when opened, {} now). Run again when nothing writes to it.",
         identity().path, identity().bytes, static_cast<Index>(status.st_size));
  }
}

void write_exactly(int descriptor, const std::string& name, Index offset, std::span<const std::byte> bytes) {
  ignore_file_size_signal();
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (put < 0) {
      if (errno == EINTR) continue;
      fail_write(errno, name, offset);
    }
    if (put == 0) fail_write(ENOSPC, name, offset);
    offset += put;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void check_free_space(const std::string& folder, Index bytes, const std::string& what) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return;  // a file system that cannot tell: the write itself will
  const auto blocks = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (disk.f_blocks > 0 && static_cast<double>(bytes) > blocks) {
    fail(ErrorKind::kIo, "{}: needs {}, {} has {} free. Free some space, or write elsewhere.", what, format_bytes(bytes), folder,
         format_bytes(static_cast<Index>(blocks)));
  }
}

void set_length(int descriptor, const std::string& name, Index bytes) {
  ignore_file_size_signal();
  while (::ftruncate(descriptor, bytes) != 0) {
    if (errno == EINTR) continue;
    if (errno == EFBIG || errno == EINVAL) {
      fail(ErrorKind::kIo, "{}: needs {}, more than a file may have here: a limit of the process (ulimit -f) or of the file system.", name,
           format_bytes(bytes));
    }
    fail_write(errno, name, bytes);
  }
}

void reserve(int descriptor, const std::string& name, Index bytes) {
  ignore_file_size_signal();
  int result = 0;
  // fallocate and not posix_fallocate: that one writes every block where the file system cannot reserve them.
  do {
    result = bytes > 0 ? ::fallocate(descriptor, 0, 0, bytes) : 0;
  } while (result != 0 && errno == EINTR);
  if (result != 0 && (errno == ENOSPC || errno == EDQUOT)) fail_write(errno, name, 0);
  // Whatever else it was, a plain change of length works or says why not.
  if (result != 0 || bytes == 0) set_length(descriptor, name, bytes);
}

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace freestone
