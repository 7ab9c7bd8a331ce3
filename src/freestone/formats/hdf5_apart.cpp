#include "freestone/formats/hdf5_apart.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <map>
#include <thread>

#include "freestone/base/fork.h"
#include "freestone/formats/hdf5.h"
#include "freestone/formats/hdf5_archive.h"
#include "freestone/formats/hdf5_source.h"

extern char** environ;

namespace freestone::formats::hdf5 {
namespace {

// Of one core, for a file of no size, and how fast it must get through a large one: a chunk takes some 24 bytes of index.
constexpr double kSeconds = 3.5, kBytesASecond = 4e6;
constexpr rlim_t kMostMemory = rlim_t{1} << 30;
constexpr std::uint64_t kLongestAnswer = std::uint64_t{1} << 30;
// What is larger is read here: the other process has not the memory.
constexpr Index kLargestBox = Index{256} << 20;
constexpr int kSocket = 3;  // in the other process

double seconds_for(Index file_bytes) { return kSeconds + static_cast<double>(file_bytes) / kBytesASecond; }

/// Ends this process when it has worked so long from now on: not by the clock, for a slow disk says nothing about a file. 0: no more.
void limit_work(double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6);
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

bool send_all(int socket, const void* bytes, std::size_t count) {
  const auto* at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t n = ::send(socket, at, count, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    count -= static_cast<std::size_t>(n);
  }
  return true;
}

bool receive_all(int socket, void* bytes, std::size_t count) {
  auto* at = static_cast<char*>(bytes);
  while (count > 0) {
    const ssize_t n = ::recv(socket, at, count, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    count -= static_cast<std::size_t>(n);
  }
  return true;
}

/// Goes before each message; a request carries the file's descriptor with it.
struct Heading {
  std::uint64_t bytes = 0;
  std::int32_t error = -1;  ///< ErrorKind of an answer that is an error
};

/// What a request says, archived.
struct Request {
  std::string name;  ///< of the file
  Index file_bytes = 0;
  std::optional<ReadByLibrary> read;  ///< none: the file is to be described
  Shape start, shape;                 ///< of the box to read
  Index box_bytes = 0;
};
template <class A>
void members(A& archive, Request& r) {
  archive(r.name, r.file_bytes, r.read, r.start, r.shape, r.box_bytes);
}

bool send_request(int socket, const LocalFile& file, const std::string& request) {
  Heading heading{.bytes = request.size()};
  iovec piece{&heading, sizeof heading};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int descriptor = file.descriptor();
  std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  ssize_t n = 0;
  do n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof heading) && send_all(socket, request.data(), request.size());
}

/// -1: nobody asks any more.
int receive_request(int socket, std::string& request) {
  Heading heading;
  iovec piece{&heading, sizeof heading};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = 0;
  do n = ::recvmsg(socket, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  const cmsghdr* part = CMSG_FIRSTHDR(&message);
  if (n != static_cast<ssize_t>(sizeof heading) || part == nullptr || part->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(part), sizeof descriptor);
  request.resize(heading.bytes);
  return receive_all(socket, request.data(), request.size()) ? descriptor : -1;
}

/// Whether what is made of an answer may go by it: a process that a file has led astray could say anything.
bool hangs_together(const Dataset& d) {
  if (d.is_unlimited.size() != d.shape.size()) return false;
  if (std::any_of(d.chunks.begin(), d.chunks.end(), [](const ListedChunk& c) { return c.file != 0 && c.file != ListedChunk::kAbsent; })) return false;
  if (d.texts && static_cast<Index>(d.texts->size()) != element_count(d.shape)) return false;
  if (!d.note.empty()) return true;
  if (d.layout == Dataset::kChunked) {
    const bool has_grid = d.chunk.rank() == d.shape.rank() && std::none_of(d.chunk.begin(), d.chunk.end(), [](Index n) { return n < 1; });
    if (!has_grid || static_cast<Index>(d.chunks.size()) != ChunkGrid(d.shape, d.chunk).count()) return false;
  }
  const auto fits = [&](const ElementType& type, const std::vector<std::byte>& fill, const std::vector<std::byte>& values) {
    const Index width = size_of(type.transform.dtype), count = element_count(d.shape) * element_count(type.inner);
    return static_cast<Index>(fill.size()) == width && (d.layout != Dataset::kCompact || static_cast<Index>(values.size()) == count * width);
  };
  if (!d.type.is_record()) return fits(d.type, d.fill, d.values);
  if (d.field_fills.size() != d.type.fields.size() || (d.layout == Dataset::kCompact && d.field_values.size() != d.type.fields.size())) return false;
  static const std::vector<std::byte> kNothing;
  for (std::size_t i = 0; i < d.type.fields.size(); ++i) {
    const ElementType& type = d.type.fields[i].type;
    if (type.note.empty() && !fits(type, d.field_fills[i], d.layout == Dataset::kCompact ? d.field_values[i] : kNothing)) return false;
  }
  return true;
}

/// One other process.
class Helper {
 public:
  explicit Helper(const std::vector<std::string>& command) {
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) fail_errno(errno, "no sockets for the process that reads HDF5");
    socket_ = sockets[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sockets[1], kSocket);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A group of its own: Ctrl-C is for us to hear.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int error = ::posix_spawn(&process_, words[0], &actions, &attributes, words.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    ::close(sockets[1]);
    if (error != 0) {
      ::close(socket_);
      fail_errno(error, fmt::format("the process that reads HDF5 ({}) cannot be started", command.front()));
    }
  }
  ~Helper() {
    ::close(socket_);
    if (process_ < 0) return;
    if (is_broken_) ::kill(process_, SIGKILL);
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  bool is_broken() const { return is_broken_; }

  FileDescription describe(const LocalFile& file) {
    const std::string answer = ask(file, {.name = file.name(), .file_bytes = file.size(), .read = {}, .start = {}, .shape = {}, .box_bytes = 0});
    is_broken_ = true;
    FileDescription out;
    ArchiveReader{answer}(out);
    if (!std::all_of(out.datasets.begin(), out.datasets.end(), hangs_together)) fail_ended(file, 0);
    is_broken_ = false;
    return out;
  }

  void read(const LocalFile& file, const ReadByLibrary& what, const Box& box, Bytes out) {
    const auto bytes = static_cast<Index>(out.size());
    const std::string answer =
        ask(file, {.name = file.name(), .file_bytes = file.size(), .read = what, .start = Shape(box.start.to_vector()), .shape = box.shape, .box_bytes = bytes});
    if (answer.size() != out.size()) fail_ended(file, bytes);
    if (!out.empty()) std::memcpy(out.data(), answer.data(), out.size());
  }

 private:
  std::string ask(const LocalFile& file, const Request& request) {
    ArchiveWriter archive;
    archive(request);
    is_broken_ = true;  // until the answer is here, whole
    if (!send_request(socket_, file, archive.take())) fail_ended(file, request.box_bytes);
    Heading heading;
    if (!receive_all(socket_, &heading, sizeof heading) || heading.bytes > kLongestAnswer) fail_ended(file, request.box_bytes);
    std::string answer(heading.bytes, '\0');
    if (!receive_all(socket_, answer.data(), answer.size())) fail_ended(file, request.box_bytes);
    if (heading.error > static_cast<std::int32_t>(ErrorKind::kInternal)) fail_ended(file, request.box_bytes);
    is_broken_ = false;
    if (heading.error >= 0) fail(static_cast<ErrorKind>(heading.error), "{}", answer);
    return answer;
  }
  [[noreturn]] void fail_ended(const File& file, Index box_bytes) {
    int status = 0;
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
    process_ = -1;
    const bool took_too_long = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
    fail(ErrorKind::kData, "{}: HDF5's library {}. The file is damaged.", file.name(),
         took_too_long ? fmt::format("is not done with it after {:.0f} s", seconds_for(file.size() + box_bytes)) : "does not survive it");
  }

  pid_t process_ = -1;
  int socket_ = -1;
  bool is_broken_ = false;
};

/// Those that wait for a file.
class Helpers {
 public:
  Helpers() { hold_across_forks(mutex_); }
  void set_command(std::vector<std::string> command) {
    const std::lock_guard lock(mutex_);
    command_ = std::move(command);
    idle_.clear();
  }
  bool has_command() {
    const std::lock_guard lock(mutex_);
    return !command_.empty();
  }
  /// Calls `f` with one that nobody else has meanwhile.
  template <class F>
  auto with_one(F&& f) {
    std::unique_ptr<Helper> helper = take();
    const Back back{*this, helper};
    return f(*helper);
  }

 private:
  struct Back {
    Helpers& all;
    std::unique_ptr<Helper>& helper;
    ~Back() { all.give_back(std::move(helper)); }
  };
  std::unique_ptr<Helper> take() {
    std::unique_lock lock(mutex_);
    // A process that was forked from ours has its own; it cannot share an answer.
    if (owner_ != ::getpid()) {
      for (auto& helper : idle_) static_cast<void>(helper.release());
      idle_.clear();
      owner_ = ::getpid();
      busy_ = 0;
    }
    freed_.wait(lock, [&] { return busy_ < most_; });
    ++busy_;
    if (!idle_.empty()) {
      auto out = std::move(idle_.back());
      idle_.pop_back();
      return out;
    }
    try {
      return std::make_unique<Helper>(command_);
    } catch (...) {
      --busy_;
      throw;
    }
  }
  void give_back(std::unique_ptr<Helper> helper) {
    if (helper->is_broken()) helper.reset();
    const std::lock_guard lock(mutex_);
    --busy_;
    if (helper) idle_.push_back(std::move(helper));
    freed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::string> command_;
  std::vector<std::unique_ptr<Helper>> idle_;
  pid_t owner_ = ::getpid();
  int busy_ = 0;
  const int most_ = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
};

Helpers& helpers() {
  static Helpers& all = *new Helpers;  // outlives whatever runs at exit; the processes end with their sockets
  return all;
}

/// The answer to a request, in the other process.
class Server {
 public:
  std::string answer(int descriptor, const std::string& bytes) {
    Request request;
    // Closed with the file, whatever comes.
    std::shared_ptr<const File> file = File::adopt(descriptor, "", 0);
    ArchiveReader{bytes}(request);
    limit_work(seconds_for(request.file_bytes + request.box_bytes));
    struct stat status {};
    ::fstat(descriptor, &status);
    const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0) fail_errno(errno, request.name);
    file = File::adopt(own, request.name, request.file_bytes);
    if (!request.read) {
      ArchiveWriter archive;
      archive(describe(file));
      return archive.take();
    }
    const ReadByLibrary& read = *request.read;
    const std::string key =
        fmt::format("{}.{}.{}.{} {} {}", status.st_dev, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, read.path, read.field);
    std::string out(static_cast<std::size_t>(request.box_bytes), '\0');
    const LibraryLane lane;
    if (readers_.size() >= kMostOpen && !readers_.contains(key)) readers_.clear();
    auto& reader = readers_[key];
    if (!reader) reader = std::make_unique<LibraryReader>(file, read.path, read.field, read.element, read.rank);
    Box box(request.shape);
    box.start = Dims(request.start.to_vector());
    reader->read(box, std::as_writable_bytes(std::span(out)));
    return out;
  }

 private:
  static constexpr std::size_t kMostOpen = 8;
  std::map<std::string, std::unique_ptr<LibraryReader>> readers_;
};

}  // namespace

FileDescription describe_apart(const std::shared_ptr<const File>& file) {
  const auto* local = dynamic_cast<const LocalFile*>(file.get());
  if (local == nullptr || !helpers().has_command()) return describe(file);
  return helpers().with_one([&](Helper& helper) { return helper.describe(*local); });
}

bool read_apart(const File& file, const ReadByLibrary& what, const Box& box, Bytes out) {
  const auto* local = dynamic_cast<const LocalFile*>(&file);
  if (local == nullptr || !helpers().has_command() || static_cast<Index>(out.size()) > kLargestBox) return false;
  helpers().with_one([&](Helper& helper) { helper.read(*local, what, box, out); });
  return true;
}

void describe_in_process(std::vector<std::string> command) { helpers().set_command(std::move(command)); }

int serve_descriptions() {
  // Inherited from who asks: here the default is meant.
  std::signal(SIGPROF, SIG_DFL);
#ifndef __SANITIZE_THREAD__  // whose shadow counts as data
  const rlimit memory{kMostMemory, kMostMemory};
  ::setrlimit(RLIMIT_DATA, &memory);
#endif
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  Server server;
  std::string request;
  for (int descriptor = -1; (descriptor = receive_request(kSocket, request)) >= 0;) {
    Heading heading;
    std::string answer;
    try {
      answer = server.answer(descriptor, request);
    } catch (const Error& error) {
      heading.error = static_cast<std::int32_t>(error.kind());
      answer = error.what();
    } catch (const std::exception& error) {
      heading.error = static_cast<std::int32_t>(ErrorKind::kData);
      answer = fmt::format("HDF5's library wants more memory than a file can need ({}). The file is damaged.", error.what());
    }
    limit_work(0);
    heading.bytes = answer.size();
    if (!send_all(kSocket, &heading, sizeof heading) || !send_all(kSocket, answer.data(), answer.size())) return 1;
  }
  return 0;
}

}  // namespace freestone::formats::hdf5
