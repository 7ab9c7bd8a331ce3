#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "freestone/exec/compute.h"
#include "freestone/formats/format.h"
#include "freestone/label/open.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

Array numbers(Shape shape) {
  auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] = static_cast<float>(i % 1013);
  return from_memory(View::contiguous(values->data(), DType::kFloat32, shape), values);
}

/// A file of numbers, and a job over it: transposed, in a new file.
class Resume : public testing::Test {
 protected:
  Resume() : folder_(std::filesystem::temp_directory_path() / ("freestone-resume-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    const Array x = numbers({60, 128, 96});
    write_outputs({{x, sink("in.npy", x)}}, with(Index{1} << 26, 2));
  }
  ~Resume() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::shared_ptr<Sink> sink(const std::string& name, const Array& array) const {
    return formats::create_sink(array.spec(), {.path = path(name), .overwrite = true});
  }
  Array job(double scale = 2.0) const {
    const Array x = from_source(formats::open_file(path("in.npy")).variables.at(0).source);
    return transpose(x) * scale;
  }
  std::string bytes(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::filesystem::path folder_;
};

/// Kills the process when so many tiles have been done.
class KillAfter final : public Observer {
 public:
  explicit KillAfter(int tiles) : left_(tiles) {}
  void on_event(const Event& event) override {
    if (event.kind == EventKind::kTaskDone && --left_ <= 0) ::kill(::getpid(), SIGKILL);
  }

 private:
  int left_;
};

class CountRuns final : public Observer {
 public:
  void on_event(const Event& event) override { tiles += event.kind == EventKind::kTaskDone; }
  int tiles = 0;
};

TEST_F(Resume, AfterKillsTheSameBytesAndFinishedTilesAreNotRedone) {
  ComputeOptions options = with(Index{300} << 10, 2);
  options.open = open_reference;
  write_outputs({{job(), sink("whole.npy", job())}}, options);
  std::mt19937 random(7);
  for (int trial = 0; trial < 5; ++trial) {
    const int kill_after = 1 + static_cast<int>(random() % 8);
    const pid_t child = ::fork();
    if (child == 0) {
      EventStream events;
      events.subscribe(std::make_shared<KillAfter>(kill_after));
      options.events = &events;
      write_outputs({{job(), sink("out.npy", job())}}, options);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended before " << kill_after << " tiles";
    EXPECT_FALSE(std::filesystem::exists(path("out.npy")));

    EventStream events;
    const auto count = std::make_shared<CountRuns>();
    events.subscribe(count);
    ComputeOptions again = options;
    again.events = &events;
    again.resume = true;
    // Another job is refused, and leaves what is there for the right one.
    EXPECT_THROW(write_outputs({{job(3.0), sink("out.npy", job())}}, again), Error);
    write_outputs({{job(), sink("out.npy", job())}}, again);
    EXPECT_EQ(bytes("out.npy"), bytes("whole.npy"));
    const Plan plan = plan_outputs({{job(), sink("x.npy", job())}}, options);
    EXPECT_LE(count->tiles, plan.total.tiles - kill_after + 2);
    EXPECT_GT(plan.total.tiles, 8);
    int left = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) left += entry.path().filename().string().front() == '.';
    EXPECT_EQ(left, 0) << "journal and temporary file are gone";
    std::filesystem::remove(path("out.npy"));
  }
}

TEST_F(Resume, OutputsThatWereTakenUpStayWhenAnotherIsRefused) {
  ComputeOptions options = with(Index{500} << 10, 2);
  options.open = open_reference;
  const Array a = job(), b = job(3.0);
  write_outputs({{a, sink("a-whole.npy", a)}, {b, sink("b-whole.npy", b)}}, options);
  const pid_t child = ::fork();
  if (child == 0) {
    EventStream events;
    events.subscribe(std::make_shared<KillAfter>(4));
    options.events = &events;
    write_outputs({{a, sink("a.npy", a)}, {b, sink("b.npy", b)}}, options);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));

  // The second output has another length for a while: refused, and the first one is as it was.
  options.resume = true;
  const auto length = std::filesystem::file_size(path(".b.npy.freestone-tmp"));
  std::filesystem::resize_file(path(".b.npy.freestone-tmp"), length + 1);
  try {
    write_outputs({{a, sink("a.npy", a)}, {b, sink("b.npy", b)}}, options);
    FAIL() << "it took up a file of another length";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("b.npy"), std::string::npos) << error.what();
  }
  EXPECT_TRUE(std::filesystem::exists(path(".a.npy.freestone-tmp")));
  EXPECT_TRUE(std::filesystem::exists(path(".a.npy.freestone-journal")));

  std::filesystem::resize_file(path(".b.npy.freestone-tmp"), length);
  EventStream events;
  const auto count = std::make_shared<CountRuns>();
  events.subscribe(count);
  options.events = &events;
  write_outputs({{a, sink("a.npy", a)}, {b, sink("b.npy", b)}}, options);
  EXPECT_EQ(bytes("a.npy"), bytes("a-whole.npy"));
  EXPECT_EQ(bytes("b.npy"), bytes("b-whole.npy"));
  ComputeOptions anew = with(Index{500} << 10, 2);
  anew.open = open_reference;
  const Plan plan = plan_outputs({{a, sink("x.npy", a)}, {b, sink("y.npy", b)}}, anew);
  EXPECT_LT(count->tiles, plan.total.tiles - 1) << "finished tiles were not made again";
}

TEST_F(Resume, WithoutAKilledRunItSaysSo) {
  ComputeOptions options = with(Index{1} << 22, 1);
  options.open = open_reference;
  options.resume = true;
  try {
    write_outputs({{job(), sink("out.npy", job())}}, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUser);
    EXPECT_NE(std::string(error.what()).find("no run to take up"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace freestone
