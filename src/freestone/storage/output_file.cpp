#include "freestone/storage/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "freestone/base/error.h"
#include "freestone/storage/file.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {

OutputFile::OutputFile(std::string path, bool overwrite) : path_(std::move(path)), temporary_(temporary_name(path_)), overwrite_(overwrite) {}

OutputFile::~OutputFile() { abort(); }

void OutputFile::check_final_name() const {
  if (path_.empty() || path_.back() == '/') fail(ErrorKind::kUser, "'{}' is not the name of a file to write.", path_);
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0) return;
  if (stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) fail(ErrorKind::kUser, "{}: is a folder; give the name of a file in it.", path_);
  if (!overwrite_) fail(ErrorKind::kUser, "{}: exists already. Choose another name, or allow it with --overwrite.", path_);
}

std::string OutputFile::journal_path() const { return journal_name(path_); }

void OutputFile::open_locked(int flags, bool keep_contents) {
  ensure(descriptor_ < 0, "an output file was created twice");
  while (descriptor_ < 0) {
    const int descriptor = ::open(temporary_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
    if (descriptor < 0) {
      if (errno == EINTR) continue;
      if (errno == ENOENT && keep_contents) fail_to_resume(path_, temporary_);
      fail_to_make(errno, path_, temporary_, "file");
    }
    if (!lock_temporary(descriptor, path_, temporary_, "file")) continue;
    struct stat status {};
    // Whatever a journal tells of is about to go: no run may take it for what is written from now on.
    if (!keep_contents) ::unlink(journal_path().c_str());
    if (!keep_contents && fstat(descriptor, &status) == 0 && status.st_size > 0) {
      // Left by a run that was killed. A new inode, so that its blocks and permissions play no part in this output.
      ::unlink(temporary_.c_str());
      ::close(descriptor);
      continue;
    }
    descriptor_ = descriptor;
  }
  untouched_ = false;
}

void OutputFile::create(Index bytes) {
  check_folder_of(path_);
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
  check_folder_of(path_);
  check_final_name();
  open_locked(0, true);
  struct stat status {};
  if (fstat(descriptor_, &status) == 0 && status.st_size == bytes) {
    untouched_ = true;
    return;
  }
  // Not ours to remove: whoever asked to resume may have meant another output.
  ::close(descriptor_);
  descriptor_ = -1;
  fail(ErrorKind::kUser, "{}: what a killed run left has {} bytes, this output has {}. Run without --resume.", path_, status.st_size, bytes);
}

void OutputFile::join() {
  ensure(descriptor_ < 0, "an output file was joined twice");
  descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor_ < 0) fail_errno(errno, fmt::format("{}: {}, which another process has made, cannot be opened", path_, temporary_));
  is_joined_ = true;
}

void OutputFile::leave() noexcept {
  is_joined_ = true;
  abort();
}

void OutputFile::flush() { ::fdatasync(descriptor_); }

void OutputFile::write_at(Index offset, std::span<const std::byte> bytes) { write_exactly(descriptor(), path_, offset, bytes); }

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
  if (!untouched_ && !is_joined_ && still_named(descriptor_, temporary_)) ::unlink(temporary_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace freestone
