#include "freestone/exec/cluster_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "freestone/base/base64.h"
#include "freestone/exec/cluster_run.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

using Json = nlohmann::json;

constexpr int kLookMilliseconds = 50;
constexpr std::size_t kMostLine = std::size_t{1} << 31;

ErrorKind kind_of(const std::string& name) {
  for (const ErrorKind kind : {ErrorKind::kUser, ErrorKind::kData, ErrorKind::kIo, ErrorKind::kMemory, ErrorKind::kCancelled})
    if (name == name_of(kind)) return kind;
  return ErrorKind::kInternal;
}

/// The helper and the pipes to it.
class Helper {
 public:
  explicit Helper(std::vector<std::string> words) : python_(words.front()) {
    int to[2], from[2];
    if (::pipe2(to, O_CLOEXEC) != 0) fail_errno(errno, "The helper for the cluster cannot be started");
    if (::pipe2(from, O_CLOEXEC) != 0) {
      ::close(to[0]), ::close(to[1]);
      fail_errno(errno, "The helper for the cluster cannot be started");
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    // A group of its own: Ctrl-C comes to this process, which passes it on once.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults, none;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}) sigaddset(&defaults, number);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int error = posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ::close(to[0]), ::close(from[1]);
    to_ = to[1], from_ = from[0];
    if (error != 0) {
      close_pipes();
      pid_ = -1;
      fail(ErrorKind::kUser, "{} cannot be started ({}). A cluster is reached through the Python package: FREESTONE_PYTHON names the interpreter that has it.",
           python_, std::strerror(error));
    }
  }
  ~Helper() {
    close_pipes();
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  /// The next line; nothing when the helper has ended.
  std::optional<std::string> line(const Cancel& cancel) {
    std::size_t seen = 0;  // a part of a result is one line of many reads
    while (true) {
      if (const auto end = read_.find('\n', seen); end != std::string::npos) {
        std::string out = read_.substr(0, end);
        read_.erase(0, end + 1);
        return out;
      }
      seen = read_.size();
      if (cancel.requested() && !told_) {
        told_ = true;
        ::kill(pid_, SIGINT);
      }
      pollfd descriptor{from_, POLLIN, 0};
      if (::poll(&descriptor, 1, kLookMilliseconds) <= 0) continue;
      char buffer[1 << 16];
      const ssize_t n = ::read(from_, buffer, sizeof(buffer));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return std::nullopt;
      if (read_.size() > kMostLine) fail(ErrorKind::kInternal, "The helper for the cluster writes without end.");
      read_.append(buffer, static_cast<std::size_t>(n));
    }
  }

  void send(const Json& answer) {
    const std::string text = answer.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = ::write(to_, text.data() + at, text.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;  // it has ended: the next read says so
      at += static_cast<std::size_t>(n);
    }
  }

  const std::string& python() const { return python_; }

 private:
  void close_pipes() {
    for (int* one : {&to_, &from_}) {
      if (*one >= 0) ::close(*one);
      *one = -1;
    }
  }
  std::string python_, read_;
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  bool told_ = false;
};

/// Answers what the helper asks of a run.
class Answers {
 public:
  Answers(const std::vector<Output>& outputs, const ComputeOptions& options, const ClusterAddress& where)
      : outputs_(outputs), options_(options), where_(where) {}

  /// @throws Error as ClusterRun
  Json answer(const std::string& call, const Json& words) {
    if (call == "plan") return plan(words.at(0).get<Index>(), words.at(1).get<int>());
    if (!run_) fail(ErrorKind::kInternal, "The helper for the cluster asks '{}' before it asked for a plan.", call);
    ClusterRun& run = *run_;
    if (call == "stages") return stages();
    if (call == "ranges") return ranges(words.at(0).get<int>(), words.at(1).get<Index>());
    if (call == "sources") return run.sources();
    if (call == "folders") return run.folders();
    if (call == "uses_math_library") return run.uses_math_library();
    if (call == "payload") return run.payload();
    if (call == "leave") return run.leave(words.at(0).get<std::string>());
    if (call == "begin") {
      run.begin();
    } else if (call == "stage_begins") {
      run.stage_begins(words.at(0).get<int>());
    } else if (call == "tiles_done") {
      run.tiles_done(words.at(0).get<int>(), words.at(1).get<Index>(), words.at(2).get<Index>());
    } else if (call == "stage_ends") {
      run.stage_ends(words.at(0).get<int>());
    } else if (call == "take_part") {
      take_part(words);
    } else if (call == "finish") {
      run.finish(options_.cancel);
    } else if (call == "abort") {
      run.abort(words.at(0).get<std::string>());
    } else {
      fail(ErrorKind::kInternal, "The helper for the cluster asks for '{}'. Is it of another version?", call);
    }
    return nullptr;
  }

 private:
  Json plan(Index memory, int threads) {
    run_.reset();
    ClusterOptions cluster{options_, options_.settings, where_.work_folder};
    cluster.compute.settings.memory_bytes = memory;
    cluster.compute.settings.threads = threads;
    run_ = std::make_unique<ClusterRun>(outputs_, cluster);
    return run_->plan().total.peak_bytes;
  }
  Json stages() const {
    Json out = Json::array();
    for (const ClusterRun::StageFacts& stage : run_->stages())
      out.push_back({{"number", stage.number},
                     {"what", stage.what},
                     {"tiles", stage.tiles},
                     {"seconds", stage.seconds},
                     {"bytes_read", stage.bytes_read},
                     {"bytes_written", stage.bytes_written}});
    return out;
  }
  Json ranges(int stage, Index wanted) const {
    Json out = Json::array();
    for (const ClusterRun::Range& range : run_->ranges(stage, wanted)) out.push_back({range.first, range.last, range.group, range.leaves_states});
    return out;
  }
  void take_part(const Json& words) {
    const int root = words.at(0).get<int>();
    const Box box(Dims(words.at(1).get<std::vector<Index>>()), Shape(words.at(2).get<std::vector<Index>>()));
    const auto bytes = base64_decoded(words.at(3).get<std::string>());
    if (root < 0 || root >= static_cast<int>(outputs_.size()) || !bytes) fail(ErrorKind::kInternal, "The helper for the cluster gave a part of no result.");
    const DType dtype = outputs_[static_cast<std::size_t>(root)].sink->spec().dtype;
    if (static_cast<Index>(bytes->size()) != box.count() * size_of(dtype)) fail(ErrorKind::kInternal, "The helper for the cluster gave a part of a wrong size.");
    run_->take_part(root, box, View::contiguous(const_cast<std::byte*>(bytes->data()), dtype, box.shape));
  }

  const std::vector<Output>& outputs_;
  const ComputeOptions& options_;
  const ClusterAddress& where_;
  std::unique_ptr<ClusterRun> run_;
};

}  // namespace

std::string helper_python() {
  if (const char* named = std::getenv("FREESTONE_PYTHON"); named != nullptr && *named != '\0') return named;
  if (const char* folder = std::getenv("VIRTUAL_ENV"); folder != nullptr && *folder != '\0') {
    const std::string python = std::string(folder) + "/bin/python";
    if (std::filesystem::exists(python)) return python;
  }
  return "python3";
}

void write_on_cluster(const std::vector<Output>& outputs, const ComputeOptions& given, const ClusterAddress& where) {
  ComputeOptions options = given;
  options.settings = resolved(given.settings);
  const Cancel never;
  const Cancel& cancel = options.cancel != nullptr ? *options.cancel : never;
  const std::string python = where.python.empty() ? helper_python() : where.python;
  std::vector<std::string> words = {python, "-m", "freestone.cluster", "serve"};
  if (!where.scheduler.empty()) words.insert(words.end(), {"--scheduler", where.scheduler});
  if (!where.scheduler_file.empty()) words.insert(words.end(), {"--scheduler-file", where.scheduler_file});
  Answers answers(outputs, options, where);
  Helper helper(words);
  std::exception_ptr own;  // what went wrong here: the helper only passes it on
  while (const auto line = helper.line(cancel)) {
    const Json asked = Json::parse(*line, nullptr, false);
    if (!asked.is_object()) fail(ErrorKind::kInternal, "The helper for the cluster said: {}", *line);
    if (asked.contains("done")) return;
    if (asked.contains("error")) {
      if (cancel.requested()) throw Error(ErrorKind::kCancelled, "Interrupted.");
      const Json& error = asked.at("error");
      if (own && error.value("own", false)) std::rethrow_exception(own);
      throw Error(kind_of(error.value("kind", "internal")), error.value("message", "The helper for the cluster failed."));
    }
    try {
      helper.send({{"answer", answers.answer(asked.value("call", ""), asked.value("words", Json::array()))}});
    } catch (const Error& error) {
      own = std::current_exception();
      helper.send({{"error", {{"kind", name_of(error.kind())}, {"message", error.what()}}}});
    } catch (const Json::exception& error) {
      helper.send({{"error", {{"kind", "internal"}, {"message", error.what()}}}});
    }
  }
  if (cancel.requested()) throw Error(ErrorKind::kCancelled, "Interrupted.");
  fail(ErrorKind::kUser,
       "The helper for the cluster ended without a word ({} -m freestone.cluster). It needs the Python package freestone with dask.distributed: "
       "FREESTONE_PYTHON names the interpreter that has them.",
       helper.python());
}

std::vector<Tensor> compute_on_cluster(const std::vector<Array>& arrays, const ComputeOptions& options, const ClusterAddress& where) {
  return results_of(arrays, options, [&](const std::vector<Output>& outputs, const ComputeOptions& given) { write_on_cluster(outputs, given, where); });
}

}  // namespace freestone
