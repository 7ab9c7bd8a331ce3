/// Settings of a run: memory, threads, temporary folder.
///
/// Precedence: what the caller sets, then the environment (FREESTONE_MEMORY, FREESTONE_THREADS, FREESTONE_TEMP_DIR,
/// FREESTONE_LOG_LEVEL), then the file $XDG_CONFIG_HOME/freestone/config (lines "memory = 2GiB"), then what the machine offers.
#pragma once

#include <string>

#include "freestone/base/quantity.h"

namespace freestone {

struct Settings {
  Index memory_bytes = 0;  ///< Budget of a run; 0 means half of what the process may use.
  int threads = 0;         ///< Compute lanes; 0 means one for each core the process may use.
  std::string temp_dir;    ///< Folder of spills; empty means TMPDIR, else /var/tmp.
};

/// Settings from environment and config file, every field filled with what the machine offers where neither says.
/// @throws Error kind user: a variable or a line of the file that does not parse, by name
Settings default_settings();

/// A setting as text, from its environment variable or the config file: "" where neither says. `key` is as in the file: "remote_timeout".
std::string setting(const std::string& key);
/// "FREESTONE_REMOTE_TIMEOUT".
std::string setting_variable(const std::string& key);

/// `settings` with zero and empty fields filled from default_settings().
Settings resolved(Settings settings);

/// Bytes that the process may use: physical memory or the cgroup's limit, whichever is less.
Index memory_limit_bytes();

/// Resident memory of this process now, bytes; and its highest so far.
Index resident_bytes();
Index peak_resident_bytes();

}  // namespace freestone
