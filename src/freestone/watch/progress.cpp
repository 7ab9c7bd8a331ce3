#include "freestone/watch/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/base/error.h"

namespace freestone::watch {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kBetweenDraws = kSecond / 10;
constexpr std::int64_t kPatience = kSecond * 3 / 10;
constexpr std::int64_t kRateWindow = 3 * kSecond;
constexpr const char* kClearLine = "\r\x1b[2K";

void write_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int stderr_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text(value);
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos || text.find("UTF8") != text.npos;
  }
  return false;
}

std::string bar(double part, int cells, bool unicode) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::floor(std::clamp(part, 0.0, 1.0) * cells * 8));
  std::string text;
  for (int i = 0; i < eighths / 8; ++i) text += unicode ? "█" : "#";
  int used = eighths / 8;
  if (unicode && eighths % 8 != 0) text += kEighths[eighths % 8], ++used;
  return text + std::string(static_cast<std::size_t>(cells - used), unicode ? ' ' : '.');
}

/// The first `columns` characters of UTF-8 text.
std::string cut(std::string_view text, int columns) {
  std::size_t end = 0;
  for (int seen = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) continue;
    if (seen++ == columns) break;
  }
  return std::string(text.substr(0, end));
}

}  // namespace

ProgressMode parse_progress_mode(std::string_view text) {
  if (text == "auto") return ProgressMode::kAuto;
  if (text == "bar") return ProgressMode::kBar;
  if (text == "json") return ProgressMode::kJson;
  if (text == "none") return ProgressMode::kNone;
  fail(ErrorKind::kUser, "--progress {}: not one of auto, bar, json, none.{}", text, suggestion(text, {"auto", "bar", "json", "none"}));
}

Progress::Progress(ProgressMode mode, ProgressOutput output) : mode_(mode), output_(std::move(output)) {
  if (!output_.write) output_.write = write_stderr;
  if (!output_.columns) output_.columns = stderr_columns;
  if (!output_.clock) output_.clock = freestone::now_ns;
}

void Progress::on_event(const Event& event) {
  if (mode_ == ProgressMode::kNone) return;
  now_ns_ = output_.clock();
  if (event.kind == EventKind::kRunStart) {
    start_ns_ = drawn_ns_ = now_ns_;
    tasks_ = event.total;
    tasks_done_ = bytes_read_ = memory_ = 0;
    stage_ = -1;
    label_.clear();
    failed_ = false;
    recent_.clear();
  } else if (event.kind != EventKind::kRunEnd) {
    memory_ = event.memory;
  }
  switch (event.kind) {
    case EventKind::kStageStart:
      stage_ = event.stage;
      label_ = event.label;
      break;
    case EventKind::kRead: bytes_read_ += event.bytes; break;
    case EventKind::kTaskDone: ++tasks_done_; break;
    case EventKind::kError:
      if (!failed_) message_ = event.label;
      failed_ = true;
      break;
    default: break;
  }
  if (event.kind == EventKind::kRunEnd || (event.kind == EventKind::kError && mode_ == ProgressMode::kBar)) return draw(true);
  if (failed_) return;
  if (mode_ == ProgressMode::kAuto && now_ns_ - start_ns_ < kPatience) return;
  if (now_ns_ - drawn_ns_ >= kBetweenDraws) draw(false);
}

void Progress::draw(bool last) {
  drawn_ns_ = now_ns_;
  recent_.emplace_back(now_ns_, bytes_read_);
  while (recent_.size() > 2 && now_ns_ - recent_.front().first > kRateWindow) recent_.pop_front();
  if (mode_ == ProgressMode::kJson) {
    output_.write(json_line(!last ? "progress" : failed_ ? "error" : "done") + "\n");
  } else if (last) {
    clear();
  } else {
    output_.write(kClearLine + bar_line(output_.columns()));
    bar_shown_ = true;
  }
}

void Progress::clear() {
  if (bar_shown_) output_.write(kClearLine);
  bar_shown_ = false;
}

double Progress::fraction() const { return tasks_ > 0 ? std::min(1.0, static_cast<double>(tasks_done_) / static_cast<double>(tasks_)) : 0; }

double Progress::elapsed_seconds() const { return static_cast<double>(now_ns_ - start_ns_) / kSecond; }

double Progress::seconds_left() const {
  const double done = fraction();
  return done > 0 ? elapsed_seconds() * (1 - done) / done : std::numeric_limits<double>::quiet_NaN();
}

double Progress::bytes_per_second() const {
  const std::pair<std::int64_t, Index> from = recent_.size() > 1 ? recent_.front() : std::pair{start_ns_, Index{0}};
  const double seconds = static_cast<double>(now_ns_ - from.first) / kSecond;
  return seconds > 0 ? static_cast<double>(bytes_read_ - from.second) / seconds : 0;
}

std::string Progress::bar_line(int columns) const {
  const double left = seconds_left();
  const std::string head = fmt::format("{:3.0f} %  ", std::floor(fraction() * 100));
  std::string tail = fmt::format("  {} read, {}/s  {} held", format_bytes(bytes_read_),
                                 format_bytes(static_cast<Index>(bytes_per_second())), format_bytes(memory_));
  if (std::isfinite(left)) tail += fmt::format("  {} left", format_seconds(std::max(1.0, std::round(left))));
  // The last column stays free: a full line makes some terminals wrap.
  const int space = columns - 1 - static_cast<int>(head.size() + tail.size());
  const int cells = std::clamp(space, 0, 24);
  std::string line = head + (cells >= 4 ? bar(fraction(), cells, output_.unicode) : "") + tail;
  if (space - cells > 6 && !label_.empty()) line += "  " + cut(label_, space - cells - 2);
  return cut(line, columns - 1);
}

std::string Progress::json_line(std::string_view event) const {
  nlohmann::ordered_json line;
  line["event"] = event;
  line["fraction"] = fraction();
  line["tasks_done"] = tasks_done_;
  line["tasks"] = tasks_;
  line["bytes_read"] = bytes_read_;
  line["bytes_per_second"] = std::round(bytes_per_second());
  line["memory_bytes"] = memory_;
  line["elapsed_seconds"] = elapsed_seconds();
  const double left = seconds_left();
  line["seconds_left"] = std::isfinite(left) ? nlohmann::ordered_json(left) : nlohmann::ordered_json(nullptr);
  line["stage"] = stage_;
  line["label"] = label_;
  if (event == "error") line["message"] = message_;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::shared_ptr<Observer> make_progress(ProgressMode mode) {
  if (mode == ProgressMode::kNone || (mode == ProgressMode::kAuto && ::isatty(STDERR_FILENO) == 0)) return nullptr;
  ProgressOutput output;
  output.unicode = locale_is_utf8();
  return std::make_shared<Progress>(mode, std::move(output));
}

}  // namespace freestone::watch
