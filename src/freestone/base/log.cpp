#include "freestone/base/log.h"

#include <unistd.h>

#include <atomic>

#include "freestone/base/error.h"

namespace freestone {
namespace {
std::atomic<LogLevel> g_level{LogLevel::kWarning};
}

LogLevel parse_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  if (text == "none") return LogLevel::kNone;
  fail(ErrorKind::kUser, "'{}' is not a log level. It is one of debug, info, warning, error, none.", text);
}

void set_log_level(LogLevel level) { g_level = level; }
LogLevel log_level() { return g_level; }

void log_line(LogLevel level, std::string_view message) {
  if (level < log_level()) return;
  const std::string line = fmt::format("freestone: {}\n", message);
  // One write a line keeps lines of several threads whole.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace freestone
