/// The log: lines for people, on stderr, below a level that the user sets.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace freestone {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kNone };

/// @throws Error kind user: not one of debug, info, warning, error, none
LogLevel parse_log_level(std::string_view text);
void set_log_level(LogLevel level);
LogLevel log_level();

/// Writes one line, "freestone: message", when `level` is at or above the level set. Thread-safe.
void log_line(LogLevel level, std::string_view message);

template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (level >= log_level()) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace freestone
