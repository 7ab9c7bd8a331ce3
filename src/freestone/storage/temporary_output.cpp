#include "freestone/storage/temporary_output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "freestone/base/error.h"
#include "freestone/storage/file.h"

namespace freestone {
namespace {

std::string hidden_name(const std::string& path, const char* ending) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  return folder + "." + path.substr(folder.size()) + ending;
}

}  // namespace

std::string temporary_name(const std::string& path) { return hidden_name(path, ".freestone-tmp"); }
std::string journal_name(const std::string& path) { return hidden_name(path, ".freestone-journal"); }
std::string work_folder_name(const std::string& path) { return hidden_name(path, ".freestone-work"); }

void check_folder_of(const std::string& path) {
  const std::string folder = folder_of(path);
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT) fail(ErrorKind::kIo, "{}: its folder {} does not exist.", path, folder);
    fail_errno(errno, fmt::format("{}: its folder {} cannot be looked at", path, folder));
  }
  if (!S_ISDIR(status.st_mode)) fail(ErrorKind::kIo, "{}: {} is a file, not a folder.", path, folder);
}

void fail_to_make(int error_number, const std::string& path, const std::string& temporary, const char* kind) {
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    fail(ErrorKind::kIo, "{}: no permission to write in the folder {}{}.", path, folder_of(path),
         error_number == EROFS ? " (it is read-only)" : "");
  }
  fail_errno(error_number, fmt::format("{}: the temporary {} {} cannot be made", path, kind, temporary));
}

void fail_to_resume(const std::string& path, const std::string& temporary) {
  fail(ErrorKind::kUser, "{}: there is no run to take up ({} is not there). Run without --resume.", path, temporary);
}

bool lock_temporary(int descriptor, const std::string& path, const std::string& temporary, const char* kind) {
  const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  const int error_number = errno;
  if (locked && still_named(descriptor, temporary)) return true;
  ::close(descriptor);
  if (locked || error_number == EINTR) return false;
  if (error_number == EWOULDBLOCK) {
    fail(ErrorKind::kUser, "{}: another run is writing it at this moment (it holds {}). Wait for it, or choose another name.", path, temporary);
  }
  fail_errno(error_number, fmt::format("{}: the temporary {} {} cannot be locked", path, kind, temporary));
}

std::string output_token(const std::string& path) {
  struct statx status {};
  if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0) return {};
  // A file system that does not keep the time of birth leaves zeros.
  return fmt::format("{}.{}.{}", status.stx_ino, status.stx_btime.tv_sec, status.stx_btime.tv_nsec);
}

Sink::Whereabouts find_output(const std::string& token, const std::string& temporary, const std::string& path) {
  if (token.empty()) return Sink::Whereabouts::kNowhere;
  if (token == output_token(temporary)) return Sink::Whereabouts::kTemporary;
  return token == output_token(path) ? Sink::Whereabouts::kFinal : Sink::Whereabouts::kNowhere;
}

bool still_named(int descriptor, const std::string& path) {
  struct stat held {}, named {};
  return fstat(descriptor, &held) == 0 && lstat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace freestone
