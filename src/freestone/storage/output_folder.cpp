#include "freestone/storage/output_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "freestone/base/error.h"
#include "freestone/storage/file.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {
namespace {

namespace stdfs = std::filesystem;

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void remove_all(const std::string& path) noexcept {
  std::error_code ignored;
  stdfs::remove_all(path, ignored);
}

bool is_empty_folder(const std::string& path) {
  std::error_code error;
  return stdfs::is_empty(path, error) && !error;
}

}  // namespace

OutputFolder::OutputFolder(std::string path, bool overwrite, std::vector<std::string> marks)
    : path_(without_slashes(std::move(path))),
      temporary_(temporary_name(path_)),
      overwrite_(overwrite),
      marks_(std::move(marks)) {}

OutputFolder::~OutputFolder() { abort(); }

void OutputFolder::check_final_name() const {
  if (path_.empty() || path_ == "/" || path_.ends_with("/..") || path_ == "." || path_ == "..") {
    fail(ErrorKind::kUser, "'{}' is not the name of an output to write.", path_);
  }
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0) return;
  if (!overwrite_) fail(ErrorKind::kUser, "{}: exists already. Choose another name, or allow it with --overwrite.", path_);
  if (stat(path_.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || is_empty_folder(path_)) return;
  for (const std::string& mark : marks_) {
    if (stat((path_ + "/" + mark).c_str(), &status) == 0) return;
  }
  fail(ErrorKind::kUser, "{}: is a folder that holds other things; it is not replaced. Choose another name, or remove it yourself.", path_);
}

std::string OutputFolder::journal_path() const { return journal_name(path_); }

void OutputFolder::open_locked(bool keep_contents) {
  ensure(descriptor_ < 0, "an output folder was created twice");
  struct stat status {};
  while (descriptor_ < 0) {
    const bool is_new = !keep_contents && ::mkdir(temporary_.c_str(), 0777) == 0;
    if (!keep_contents && !is_new && errno != EEXIST) fail_to_make(errno, path_, temporary_, "folder");
    const int descriptor = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
      if (errno == ENOENT && keep_contents) fail_to_resume(path_, temporary_);
      if (errno == EINTR || errno == ENOENT) continue;
      fail_errno(errno, fmt::format("{}: the temporary folder {} cannot be opened", path_, temporary_));
    }
    if (!lock_temporary(descriptor, path_, temporary_, "folder")) continue;
    // Whatever a journal tells of is about to go: no run may take it for what is written from now on.
    if (!keep_contents) ::unlink(journal_path().c_str());
    if (!is_new && !keep_contents && !(fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode) && is_empty_folder(temporary_))) {
      // Left by a run that was killed.
      std::error_code error;
      stdfs::remove_all(temporary_, error);
      ::close(descriptor);
      if (error) fail(ErrorKind::kIo, "{}: {}, left by a run that was killed, cannot be removed: {}", path_, temporary_, error.message());
      continue;
    }
    descriptor_ = descriptor;
  }
  folders_.clear();
  untouched_ = false;
}

void OutputFolder::create(Index bytes) {
  check_folder_of(path_);
  check_final_name();
  check_free_space(folder_of(path_), bytes, path_);
  open_locked(false);
}

void OutputFolder::resume() {
  check_folder_of(path_);
  check_final_name();
  open_locked(true);
  untouched_ = true;
}

void OutputFolder::join() {
  struct stat status {};
  if (stat(temporary_.c_str(), &status) != 0)
    fail_errno(errno, fmt::format("{}: {}, which another process has made, cannot be looked at", path_, temporary_));
}

void OutputFolder::flush() {
  if (descriptor_ >= 0) ::syncfs(descriptor_);
}

bool OutputFolder::has_file(const std::string& name) const {
  struct stat status {};
  return lstat((temporary_ + "/" + name).c_str(), &status) == 0;
}

void OutputFolder::leave() noexcept {
  const std::lock_guard lock(mutex_);
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void OutputFolder::remove_file(const std::string& name) {
  untouched_ = false;
  ::unlink((temporary_ + "/" + name).c_str());
}

void OutputFolder::make_folders(const std::string& name) {
  const auto slash = name.rfind('/');
  if (slash == std::string::npos) return;
  const std::string folder = name.substr(0, slash);
  const std::lock_guard lock(mutex_);
  if (folders_.contains(folder)) return;
  for (std::size_t at = 0; at != std::string::npos;) {
    at = folder.find('/', at + 1);
    const std::string part = folder.substr(0, at);
    if (!folders_.insert(part).second) continue;
    if (::mkdir((temporary_ + "/" + part).c_str(), 0777) != 0 && errno != EEXIST) {
      const int error_number = errno;
      folders_.erase(part);
      if (error_number == ENOSPC || error_number == EDQUOT)
        fail(ErrorKind::kIo, "{}: the disk is full. Free some space, or write elsewhere.", path_);
      fail_errno(error_number, fmt::format("{}: the folder {} cannot be made", path_, part));
    }
  }
}

int OutputFolder::open_file(const std::string& name) {
  untouched_ = false;
  make_folders(name);
  const std::string path = temporary_ + "/" + name;
  while (true) {
    // Not cut short: on a cluster a range of tiles may be written twice, and who does it the second time may be killed meanwhile. It writes
    // the same bytes, so that the file is whole all the time.
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor >= 0) return descriptor;
    if (errno == EINTR) continue;
    if (errno == ENOSPC || errno == EDQUOT) fail(ErrorKind::kIo, "{}: the disk is full. Free some space, or write elsewhere.", path_);
    fail_errno(errno, fmt::format("{}: {} cannot be made", path_, name));
  }
}

void OutputFolder::write_file(const std::string& name, std::span<const std::byte> bytes) {
  const int descriptor = open_file(name);
  try {
    write_exactly(descriptor, path_ + "/" + name, 0, bytes);
    if (::ftruncate(descriptor, static_cast<off_t>(bytes.size())) != 0) fail_errno(errno, fmt::format("{}: {} cannot be given its length", path_, name));
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  if (::close(descriptor) != 0 && errno != EINTR) fail_errno(errno, fmt::format("{}: {} cannot be closed", path_, name));
}

void OutputFolder::finish() {
  ensure(descriptor_ >= 0, "an output folder was finished before it was created");
  check_final_name();
  int renamed = renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
  if (renamed != 0 && errno == EEXIST) {
    check_final_name();
    renamed = renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE);
    if (renamed == 0) {
      remove_all(temporary_);
    } else if (errno == EINVAL || errno == ENOSYS) {
      // A file system that cannot exchange: for a moment there is neither, and what was there comes back if the second step fails.
      const std::string old = temporary_ + ".old";
      renamed = std::rename(path_.c_str(), old.c_str());
      if (renamed == 0 && (renamed = std::rename(temporary_.c_str(), path_.c_str())) != 0) {
        const int error_number = errno;
        (void)!std::rename(old.c_str(), path_.c_str());
        errno = error_number;
      } else if (renamed == 0) {
        remove_all(old);
      }
    }
  } else if (renamed != 0 && (errno == EINVAL || errno == ENOSYS)) {
    renamed = std::rename(temporary_.c_str(), path_.c_str());
  }
  if (renamed != 0) fail_errno(errno, fmt::format("{}: cannot be given its name", path_));
  const std::lock_guard lock(mutex_);
  ::close(descriptor_);
  descriptor_ = -1;
}

void OutputFolder::clean_up() {
  if (!exists(temporary_)) return;
  open_locked(true);
  abort();
}

void OutputFolder::abort() noexcept {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  if (!untouched_ && still_named(descriptor_, temporary_)) remove_all(temporary_);
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace freestone
