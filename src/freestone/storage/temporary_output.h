/// What outputs under a temporary name share, files and folders alike: the names, and the lock that says who is writing.
#pragma once

#include <string>

#include "freestone/core/source.h"

namespace freestone {

/// `.NAME.freestone-tmp` beside `path`.
std::string temporary_name(const std::string& path);
/// `.NAME.freestone-journal` beside `path`.
std::string journal_name(const std::string& path);
/// `.NAME.freestone-work` beside `path`.
std::string work_folder_name(const std::string& path);

/// @throws Error kind io: the folder that `path` lies in is missing, is none, or cannot be looked at
void check_folder_of(const std::string& path);
/// @throws Error kind io: why nothing could be made beside `path`, by `error_number`; `kind` is "file" or "folder"
[[noreturn]] void fail_to_make(int error_number, const std::string& path, const std::string& temporary, const char* kind);
/// @throws Error kind user: there is nothing to take up
[[noreturn]] void fail_to_resume(const std::string& path, const std::string& temporary);

/// Locks `descriptor`, which was opened as `temporary`, for the writer of `path`. False: closed again, to be opened anew (a signal came, or
/// another run removed it between open and lock).
/// @throws Error kind user: another run is writing; kind io. The descriptor is closed then, too.
bool lock_temporary(int descriptor, const std::string& path, const std::string& temporary, const char* kind);

/// Names the file or folder that is at `path`, and no other that may stand there later: its inode and the time it was made. Empty: none is.
std::string output_token(const std::string& path);
/// Where the output with this token is.
Sink::Whereabouts find_output(const std::string& token, const std::string& temporary, const std::string& path);

/// True when `descriptor` is still what `path` names.
bool still_named(int descriptor, const std::string& path);

}  // namespace freestone
