#include "freestone/exec/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <fstream>
#include <nlohmann/json.hpp>

#include "freestone/plan/graph.h"
#include "freestone/plan/plan_json.h"

namespace freestone {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 2;
constexpr auto kFlushEvery = std::chrono::seconds(30);
constexpr std::string_view kFlushed = "flushed up to ";
constexpr const char* kUnborn = ".new";  // the first line is being written: nothing to take up yet
constexpr Index kMostTiles = Index{1} << 40;

/// Changes with every start of the machine.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

std::string describe_job(const std::vector<Array>& roots, const std::vector<std::shared_ptr<Sink>>& sinks) {
  const Graph graph(roots);
  Json nodes = Json::array(), outputs = Json::array();
  for (const PlanNode& node : graph.nodes) {
    if (node.op->source() != nullptr && node.op->source()->reference() == "{}") return {};
    Json inputs = Json::array();
    for (const ValueRef& input : node.inputs) inputs.push_back({input.node, input.output});
    try {
      nodes.push_back({node.op->name(), node.op->version(), node.op->params(), inputs});
    } catch (const Error&) {
      return {};  // a user's function has no bytes
    }
  }
  for (std::size_t r = 0; r < graph.roots.size(); ++r)
    outputs.push_back({{"value", {graph.roots[r].node, graph.roots[r].output}},
                       {"to", sinks[r]->name()},
                       {"shape", sinks[r]->spec().shape.to_vector()},
                       {"dtype", name_of(sinks[r]->spec().dtype)},
                       {"unit", sinks[r]->caps().unit.to_vector()},
                       {"description", sinks[r]->description()}});
  return Json{{"nodes", nodes}, {"outputs", outputs}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Journal::Journal(std::string path, int descriptor, std::vector<std::shared_ptr<Sink>> sinks)
    : path_(std::move(path)), descriptor_(descriptor), sinks_(std::move(sinks)) {
  flusher_ = std::jthread([this](std::stop_token stop) { flush_now_and_then(std::move(stop)); });
}

Journal::Journal(std::string path, const std::string& job, const Plan& plan, std::vector<std::shared_ptr<Sink>> sinks)
    : Journal(path, ::open((path + kUnborn).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND | O_NOFOLLOW, 0666), std::move(sinks)) {
  if (descriptor_ < 0) fail_errno(errno, fmt::format("{}: cannot be made", path_));
  std::vector<std::string> tokens;
  for (const auto& sink : sinks_) tokens.push_back(sink->token());
  const Json head = {{"freestone_journal", kVersion}, {"boot", boot_id()}, {"job", job}, {"outputs", tokens}, {"plan", to_json(plan)}};
  append(head.dump() + "\n");
  if (std::rename((path_ + kUnborn).c_str(), path_.c_str()) != 0) fail_errno(errno, fmt::format("{}: cannot be given its name", path_));
}

Journal::~Journal() {
  flusher_.request_stop();
  if (flusher_.joinable()) flusher_.join();
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::unique_ptr<Journal> Journal::take_up(std::string path, std::vector<std::shared_ptr<Sink>> sinks) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_APPEND | O_NOFOLLOW);
  if (descriptor < 0) fail_errno(errno, fmt::format("{}: cannot be opened", path));
  auto journal = std::unique_ptr<Journal>(new Journal(std::move(path), descriptor, std::move(sinks)));
  journal->append("\n");  // a line that was being written when the run was killed ends here
  return journal;
}

Journal::Left Journal::read(const std::string& path, const std::string& job) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    fail(ErrorKind::kUser,
         "There is no run to take up: {} is not there. Either the run has ended, or it was never begun; run without --resume.", path);
  std::string line;
  std::getline(file, line);
  const Json head = Json::parse(line, nullptr, false);
  Left left;
  try {
    if (!head.is_object() || head.at("freestone_journal") != kVersion)
      fail(ErrorKind::kData, "{}: is not a journal of this version. Run without --resume.", path);
    if (head.at("job") != job)
      fail(ErrorKind::kUser,
           "The run that was killed is another one: its steps, its inputs (or their contents) or its outputs differ ({}). Run without "
           "--resume to begin anew.",
           path);
    left.plan = head.at("plan").dump();
    left.tokens = head.at("outputs").get<std::vector<std::string>>();
    const auto& stages = head.at("plan").at("stages");
    for (const auto& stage : stages) {
      const Index tiles = stage.at("estimate").at("tiles").get<Index>();
      if (tiles < 0 || tiles > kMostTiles) fail(ErrorKind::kData, "{}: is damaged: a stage of {} tiles.", path, tiles);
      left.finished.emplace_back(static_cast<std::size_t>(tiles), false);
    }
    struct Record {
      Index stage, tile, end;
    };
    std::vector<Record> records;
    Index safe_end = 0;
    while (std::getline(file, line)) {
      if (file.eof()) break;  // torn: the run was killed while it wrote
      if (line.starts_with(kFlushed)) {
        std::from_chars(line.data() + kFlushed.size(), line.data() + line.size(), safe_end);
        continue;
      }
      Index numbers[2] = {-1, -1};
      const char* at = line.data();
      for (Index& number : numbers) {
        const auto parsed = std::from_chars(at, line.data() + line.size(), number);
        at = parsed.ptr + (parsed.ptr != line.data() + line.size());
      }
      if (numbers[0] < 0 || numbers[0] >= static_cast<Index>(left.finished.size()) || numbers[1] < 0 ||
          numbers[1] >= static_cast<Index>(left.finished[static_cast<std::size_t>(numbers[0])].size()))
        continue;  // the torn line of an earlier taking up
      records.push_back({numbers[0], numbers[1], static_cast<Index>(file.tellg())});
    }
    const bool same_boot = head.at("boot") == boot_id();
    for (const auto& [stage, tile, end] : records)
      if (same_boot || end <= safe_end) left.finished[static_cast<std::size_t>(stage)][static_cast<std::size_t>(tile)] = true;
    for (const auto& stage : left.finished) left.tiles += std::count(stage.begin(), stage.end(), true);
  } catch (const Json::exception& error) {
    fail(ErrorKind::kData, "{}: is damaged: {}. Run without --resume.", path, error.what());
  }
  return left;
}

void Journal::append(const std::string& line) {
  std::size_t written = 0;
  while (written < line.size()) {
    const ssize_t n = ::write(descriptor_, line.data() + written, line.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno(errno, fmt::format("{}: cannot be written", path_));
    written += static_cast<std::size_t>(n);
  }
}

void Journal::finished(int stage, Index tile) {
  const std::string line = fmt::format("{} {}\n", stage, tile);
  const std::lock_guard lock(mutex_);
  append(line);
}

void Journal::flush_now_and_then(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (wake.wait_for(lock, stop, kFlushEvery, [] { return false; }) || stop.stop_requested()) return;
    try {
      // Tiles that end meanwhile are not covered.
      const off_t covered = ::lseek(descriptor_, 0, SEEK_END);
      for (const auto& sink : sinks_) sink->flush();
      const std::lock_guard guard(mutex_);
      append(fmt::format("{}{}\n", kFlushed, covered));
      ::fdatasync(descriptor_);
    } catch (const std::exception&) {
      return;  // the run itself will meet the same trouble and tell of it
    }
  }
}

void Journal::remove() noexcept { ::unlink(path_.c_str()); }

}  // namespace freestone
