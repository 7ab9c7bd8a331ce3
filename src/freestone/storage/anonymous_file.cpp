#include "freestone/storage/anonymous_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "freestone/base/error.h"
#include "freestone/storage/file.h"

namespace freestone {

int open_anonymous(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  if (errno == ENOENT || errno == ENOTDIR)
    fail(ErrorKind::kIo, "The temporary folder {} does not exist. Name another with --temp-dir.", folder);
  if (errno == EACCES || errno == EROFS)
    fail(ErrorKind::kIo, "The temporary folder {} is not writable. Name another with --temp-dir.", folder);
  std::string path = folder + "/.freestone-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named < 0) fail_errno(errno, fmt::format("No temporary file can be made in {}", folder));
  ::unlink(path.c_str());
  return named;
}

std::shared_ptr<const LocalFile> anonymous_file(const std::string& folder, std::string name, Index bytes) {
  return LocalFile::adopt(open_anonymous(folder), std::move(name), bytes);
}

std::shared_ptr<const LocalFile> file_in_memory(std::string name, std::string_view bytes) {
  const int descriptor = ::memfd_create("freestone", MFD_CLOEXEC);
  if (descriptor < 0) fail_errno(errno, fmt::format("{}: no file can be made in memory", name));
  const auto file = LocalFile::adopt(descriptor, std::move(name), static_cast<Index>(bytes.size()));
  write_exactly(descriptor, file->name(), 0, std::as_bytes(std::span(bytes)));
  return file;
}

AnonymousFile::AnonymousFile(const std::string& folder, std::string what)
    : descriptor_(open_anonymous(folder)), name_(fmt::format("{} (a temporary file beside it)", what)) {}

AnonymousFile::~AnonymousFile() { ::close(descriptor_); }

void AnonymousFile::write_at(Index offset, std::span<const std::byte> bytes) { write_exactly(descriptor_, name_, offset, bytes); }

void AnonymousFile::read_at(Index offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno(errno, fmt::format("{}: cannot be read", name_));
    if (n == 0) fail(ErrorKind::kIo, "{}: it ends at {}, where bytes were written.", name_, offset);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

void AnonymousFile::forget_before(Index offset) { (void)!::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, offset); }

}  // namespace freestone
