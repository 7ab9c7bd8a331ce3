#include "freestone/storage/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "freestone/base/error.h"
#include "freestone/storage/file.h"

namespace freestone {
namespace {

/// `.NAME.freestone-tmp` and the like, in the folder of `path`.
std::string hidden_name(const std::string& path, const char* ending) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  return folder + "." + path.substr(folder.size()) + ending;
}

/// True when `descriptor` is still the file that `path` names: between open and lock another run may have removed it.
bool still_named(int descriptor, const std::string& path) {
  struct stat held {}, named {};
  return fstat(descriptor, &held) == 0 && lstat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

OutputFile::OutputFile(std::string path, bool overwrite) : path_(std::move(path)), temporary_(hidden_name(path_, ".freestone-tmp")), overwrite_(overwrite) {}

OutputFile::~OutputFile() { abort(); }

void OutputFile::check_final_name() const {
  if (path_.empty() || path_.back() == '/') fail(ErrorKind::kUser, "'{}' is not the name of a file to write.", path_);
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0) return;
  if (stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) fail(ErrorKind::kUser, "{}: is a folder; give the name of a file in it.", path_);
  if (!overwrite_) fail(ErrorKind::kUser, "{}: exists already. Choose another name, or allow it with --overwrite.", path_);
}

std::string OutputFile::journal_path() const { return hidden_name(path_, ".freestone-journal"); }

void OutputFile::check_folder() const {
  const std::string folder = folder_of(path_);
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT) fail(ErrorKind::kIo, "{}: its folder {} does not exist.", path_, folder);
    fail_errno(errno, fmt::format("{}: its folder {} cannot be looked at", path_, folder));
  }
  if (!S_ISDIR(status.st_mode)) fail(ErrorKind::kIo, "{}: {} is a file, not a folder.", path_, folder);
}

void OutputFile::open_locked(int flags, bool keep_contents) {
  ensure(descriptor_ < 0, "an output file was created twice");
  const std::string folder = folder_of(path_);
  while (descriptor_ < 0) {
    const int descriptor = ::open(temporary_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
    if (descriptor < 0) {
      if (errno == EINTR) continue;
      if (errno == ENOENT && keep_contents)
        fail(ErrorKind::kUser, "{}: there is no run to take up ({} is not there). Run without --resume.", path_, temporary_);
      if (errno == EACCES || errno == EPERM || errno == EROFS) {
        fail(ErrorKind::kIo, "{}: no permission to write in the folder {}{}.", path_, folder, errno == EROFS ? " (it is read-only)" : "");
      }
      fail_errno(errno, fmt::format("{}: the temporary file {} cannot be made", path_, temporary_));
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error_number = errno;
      ::close(descriptor);
      if (error_number == EWOULDBLOCK) {
        fail(ErrorKind::kUser, "{}: another run is writing it at this moment (it holds {}). Wait for it, or choose another name.", path_, temporary_);
      }
      if (error_number == EINTR) continue;
      fail_errno(error_number, fmt::format("{}: the temporary file {} cannot be locked", path_, temporary_));
    }
    struct stat status {};
    if (!still_named(descriptor, temporary_)) {
      ::close(descriptor);
      continue;
    }
    if (!keep_contents && fstat(descriptor, &status) == 0 && status.st_size > 0) {
      // Left by a run that was killed. A new inode, so that its blocks and permissions play no part in this output.
      ::unlink(temporary_.c_str());
      ::close(descriptor);
      continue;
    }
    descriptor_ = descriptor;
  }
}

void OutputFile::create(Index bytes) {
  check_folder();
  check_final_name();
  open_locked(O_CREAT, false);
  try {
    check_free_space(folder_of(path_), bytes, path_);
    // Reserved blocks also make the rename fast: ext4 writes a file with blocks still to be chosen to disk before it lets it
    // replace another (1.2 GB: 1.4 s).
    reserve(descriptor_, path_, bytes);
  } catch (...) {
    abort();
    throw;
  }
}

void OutputFile::resume(Index bytes) {
  check_folder();
  check_final_name();
  open_locked(0, true);
  struct stat status {};
  if (fstat(descriptor_, &status) == 0 && status.st_size == bytes) return;
  // Not ours to remove: whoever asked to resume may have meant another output.
  ::close(descriptor_);
  descriptor_ = -1;
  fail(ErrorKind::kUser, "{}: what a killed run left has {} bytes, this output has {}. Run without --resume.", path_, status.st_size, bytes);
}

void OutputFile::flush() { ::fdatasync(descriptor_); }

void OutputFile::write_at(Index offset, std::span<const std::byte> bytes) { write_exactly(descriptor_, path_, offset, bytes); }

void OutputFile::finish() {
  ensure(descriptor_ >= 0, "an output file was finished before it was created");
  check_final_name();
  // The old file's mode is kept where one is replaced, as a plain overwrite would.
  struct stat old {};
  if (stat(path_.c_str(), &old) == 0) (void)!fchmod(descriptor_, old.st_mode & 0777);
  int renamed = -1;
  if (!overwrite_) {
    renamed = renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
    if (renamed != 0 && errno == EEXIST) check_final_name();
  }
  // Not every file system knows how to rename without replacing; the check above is then all there is.
  if (renamed != 0) renamed = std::rename(temporary_.c_str(), path_.c_str());
  if (renamed != 0) fail_errno(errno, fmt::format("{}: cannot be given its name", path_));
  const std::lock_guard lock(closing_);
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 && errno != EINTR) fail_errno(errno, fmt::format("{}: cannot be closed", path_));
}

void OutputFile::abort() noexcept {
  const std::lock_guard lock(closing_);
  if (descriptor_ < 0) return;
  if (still_named(descriptor_, temporary_)) ::unlink(temporary_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace freestone
