#include "freestone/storage/held_changes.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/file.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {
namespace {

constexpr std::uint64_t kMark = 0x3144'4e45'5050'4146;  // "FAPPEND1"
constexpr Index kHeaderBytes = 4096;
constexpr Index kMostPages = Index{1} << 28;

/// At the start of the log; `pages` is set when all of them are there, and their numbers behind them.
struct LogHeader {
  std::uint64_t mark = kMark;
  std::uint64_t inode = 0;  ///< of the file that is meant: another may have its name by now
  std::int64_t kept_bytes = 0, final_bytes = 0, pages = 0;
  std::uint32_t checksum = 0;  ///< of the numbers
};

std::string log_name(const std::string& path) {
  const auto slash = path.rfind('/') + 1;
  return path.substr(0, slash) + "." + path.substr(slash) + ".freestone-append";
}

bool read_whole(int descriptor, Index offset, void* out, std::size_t bytes) {
  auto* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t n = ::pread(descriptor, to, bytes, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    offset += n;
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

void sync(int descriptor, const std::string& path) {
  if (::fdatasync(descriptor) != 0) fail_errno(errno, fmt::format("{}: cannot be brought to the disk", path));
}

/// Makes the changes that a log holds; any number of times.
void replay(int descriptor, const std::string& path, int log, const LogHeader& header, const std::vector<std::int64_t>& numbers, Index page) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(page));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!read_whole(log, kHeaderBytes + static_cast<Index>(i) * page, bytes.data(), bytes.size())) {
      fail(ErrorKind::kIo, "{}: the changes to it cannot be read back from {}.", path, log_name(path));
    }
    const Index at = numbers[i] * page;
    const Index length = std::min(page, header.kept_bytes - at);
    write_exactly(descriptor, path, at, {bytes.data(), static_cast<std::size_t>(std::max<Index>(length, 0))});
  }
  set_length(descriptor, path, header.final_bytes);
  sync(descriptor, path);
}

/// What a log says when it is whole.
bool read_log(int log, LogHeader& header, std::vector<std::int64_t>& numbers, Index page) {
  if (!read_whole(log, 0, &header, sizeof header) || header.mark != kMark || header.kept_bytes < 0) return false;
  if (header.pages <= 0 || header.pages > kMostPages || header.final_bytes < header.kept_bytes) return false;
  struct stat status {};
  // Numbers are as many as the log has room for, whatever it says.
  if (fstat(log, &status) != 0 || status.st_size < kHeaderBytes + header.pages * (page + 8)) return false;
  numbers.resize(static_cast<std::size_t>(header.pages));
  if (!read_whole(log, kHeaderBytes + header.pages * page, numbers.data(), numbers.size() * 8)) return false;
  const bool is_inside = std::all_of(numbers.begin(), numbers.end(), [&](std::int64_t n) { return n >= 0 && n <= header.kept_bytes / page; });
  return is_inside && crc32c(std::as_bytes(std::span(numbers))) == header.checksum;
}

int open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  if (errno == ENOENT) fail(ErrorKind::kUser, "{}: there is no such file to append to. Write it first, with --unlimited for the dimension that is to grow.", path);
  fail_errno(errno, fmt::format("{}: cannot be opened for writing", path));
}

/// Closes a file whatever happens.
struct Closing {
  int descriptor;
  ~Closing() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

}  // namespace

bool recover_changes(const std::string& path) {
  const std::string name = log_name(path);
  const Closing log{::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (log.descriptor < 0) {
    if (errno == ENOENT) return false;
    fail_errno(errno, fmt::format("{}: a run that appended to it was killed, and {} cannot be opened to put that right", path, name));
  }
  // Somebody is at it: until all is applied the file says what it said.
  if (flock(log.descriptor, LOCK_EX | LOCK_NB) != 0 || !still_named(log.descriptor, name)) return false;
  const Closing file{open_file(path)};
  LogHeader header;
  std::vector<std::int64_t> numbers;
  constexpr Index kPage = 4096;
  struct stat status {};
  const bool is_meant = read_log(log.descriptor, header, numbers, kPage) && fstat(file.descriptor, &status) == 0 && status.st_ino == header.inode;
  if (is_meant) {
    replay(file.descriptor, path, log.descriptor, header, numbers, kPage);
  }
  // Otherwise nothing in the file has changed. What lies behind its end is nobody's, and the next to append writes over it.
  ::unlink(name.c_str());
  return true;
}

HeldChanges::~HeldChanges() { give_up(); }

void HeldChanges::open(const std::string& path) {
  ensure(descriptor_ < 0, "a file was opened for changes twice");
  recover_changes(path);
  path_ = path;
  log_path_ = log_name(path);
  descriptor_ = open_file(path);
  try {
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) fail(ErrorKind::kUser, "{}: another program has it open at this moment. Close it there, or wait.", path);
    struct stat status {};
    if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) fail(ErrorKind::kUser, "{}: is no file to append to.", path);
    kept_ = status.st_size;
    log_ = ::open(log_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log_ < 0 && errno == EEXIST) fail(ErrorKind::kUser, "{}: another run is appending to it at this moment. Wait for it.", path);
    if (log_ < 0) fail_to_make(errno, path, log_path_, "file");
    if (flock(log_, LOCK_EX | LOCK_NB) != 0) fail(ErrorKind::kUser, "{}: another run is appending to it at this moment. Wait for it.", path);
    inode_ = status.st_ino;
    const LogHeader header{.inode = inode_, .kept_bytes = kept_};
    write_exactly(log_, log_path_, 0, std::as_bytes(std::span(&header, 1)));
  } catch (...) {
    give_up();
    throw;
  }
}

void HeldChanges::end_at(Index bytes) {
  ensure(pages_.empty() || pages_.rbegin()->first * kPage < bytes, "bytes behind a file's end were written");
  kept_ = std::min(kept_, bytes);
}

Index HeldChanges::page_at(Index number) {
  const auto [found, is_new] = pages_.emplace(number, static_cast<Index>(pages_.size()));
  if (is_new) {
    std::byte page[kPage] = {};
    const Index there = std::min(kPage, kept_ - number * kPage);
    if (there > 0 && !read_whole(descriptor_, number * kPage, page, static_cast<std::size_t>(there))) fail_errno(EIO, fmt::format("{}: cannot be read", path_));
    write_exactly(log_, log_path_, kHeaderBytes + found->second * kPage, page);
  }
  return kHeaderBytes + found->second * kPage;
}

void HeldChanges::write(Index offset, std::span<const std::byte> bytes) {
  const Index end = offset + static_cast<Index>(bytes.size());
  if (end > kept_) {
    const Index behind = std::max(offset, kept_);
    write_exactly(descriptor_, path_, behind, bytes.subspan(static_cast<std::size_t>(behind - offset)));
  }
  const std::lock_guard lock(mutex_);
  for (Index at = offset; at < std::min(end, kept_);) {
    const Index number = at / kPage, length = std::min({(number + 1) * kPage, end, kept_}) - at;
    write_exactly(log_, log_path_, page_at(number) + at % kPage, bytes.subspan(static_cast<std::size_t>(at - offset), static_cast<std::size_t>(length)));
    at += length;
  }
}

void HeldChanges::read(Index offset, std::span<std::byte> out) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t done = 0; done < out.size();) {
    const Index at = offset + static_cast<Index>(done), number = at / kPage;
    std::size_t length = std::min(static_cast<std::size_t>((number + 1) * kPage - at), out.size() - done);
    const auto held = at < kept_ ? pages_.find(number) : pages_.end();
    if (held != pages_.end()) length = std::min(length, static_cast<std::size_t>(kept_ - at));
    const ssize_t n = held == pages_.end() ? ::pread(descriptor_, out.data() + done, length, at)
                                           : ::pread(log_, out.data() + done, length, kHeaderBytes + held->second * kPage + at % kPage);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno(errno, fmt::format("{}: cannot be read", path_));
    if (n == 0) {
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(done), out.end(), std::byte{0});
      return;
    }
    done += static_cast<std::size_t>(n);
  }
}

void HeldChanges::apply(Index bytes) {
  LogHeader header{.inode = inode_, .kept_bytes = kept_, .final_bytes = std::max(bytes, kept_), .pages = static_cast<Index>(pages_.size())};
  std::vector<std::int64_t> numbers(pages_.size());
  for (const auto& [number, place] : pages_) numbers[static_cast<std::size_t>(place)] = number;
  header.checksum = crc32c(std::as_bytes(std::span(numbers)));
  write_exactly(log_, log_path_, kHeaderBytes + header.pages * kPage, std::as_bytes(std::span(numbers)));
  set_length(descriptor_, path_, header.final_bytes);
  sync(descriptor_, path_);
  sync(log_, log_path_);
  // From here on there is no way back: what is not finished now the next to open the file finishes.
  const Closing log{std::exchange(log_, -1)};
  write_exactly(log.descriptor, log_path_, 0, std::as_bytes(std::span(&header, 1)));
  sync(log.descriptor, log_path_);
  replay(descriptor_, path_, log.descriptor, header, numbers, kPage);
  ::unlink(log_path_.c_str());
  ::close(std::exchange(descriptor_, -1));
}

void HeldChanges::give_up() noexcept {
  if (descriptor_ < 0) return;
  if (log_ >= 0) {
    (void)!::ftruncate(descriptor_, kept_);
    ::unlink(log_path_.c_str());
    ::close(log_);
  }
  ::close(descriptor_);
  log_ = descriptor_ = -1;
}

}  // namespace freestone
