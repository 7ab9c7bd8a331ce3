// Runs on a cluster without one: this process asks, and is the worker; schedulers and processes are in tests/python/test_cluster_run.py.
#include "freestone/exec/cluster_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "freestone/array/array.h"
#include "freestone/exec/tile_worker.h"
#include "freestone/formats/format.h"
#include "freestone/formats/sink_recipe.h"
#include "freestone/label/open.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

constexpr Index kTaskMemory = Index{3} << 20;

/// Runs the ranges of a run, as many as `most`; says whether all were.
bool run_ranges(ClusterRun& run, int most) {
  TileWorker worker(run.payload(), open_reference, formats::sink_from_recipe);
  const auto tiles = [&](int stage, const ClusterRun::Range& range, const std::vector<std::string>& states) {
    TilesDone done = worker.tiles(stage, range.first, range.last, {states.begin(), states.end()}, kTaskMemory, Cancel());
    for (auto& part : done.parts) run.take_part(part.root, part.box, View::contiguous(part.memory.bytes().data(), part.dtype, part.box.shape));
    return done.states;
  };
  for (const ClusterRun::StageFacts& stage : run.stages()) {
    run.stage_begins(stage.number);
    std::map<int, std::vector<std::string>> groups;
    for (const ClusterRun::Range& range : run.ranges(stage.number, 3)) {
      if (--most < 0) return false;
      std::string states = tiles(stage.number, range, {});
      if (range.leaves_states) groups[range.group].push_back(std::move(states));
      run.tiles_done(stage.number, range.first, range.last);
    }
    for (const auto& [group, states] : groups) tiles(stage.number, {}, states);
    run.stage_ends(stage.number);
  }
  return true;
}

class ClusterRuns : public testing::Test {
 protected:
  ClusterRuns() : folder_(std::filesystem::temp_directory_path() / ("freestone-cluster-run-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    std::vector<float> values(60 * 128 * 96);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1013);
    auto owner = std::make_shared<std::vector<float>>(std::move(values));
    const Array x = from_memory(View::contiguous(owner->data(), DType::kFloat32, {60, 128, 96}), owner);
    write_outputs({output("in.npy", x)});
  }
  ~ClusterRuns() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Output output(const std::string& name, const Array& array) const {
    formats::WriteRequest request{.path = path(name)};
    if (!name.ends_with(".npy") && !name.ends_with(".fits")) request.packing.chunks = {8, 16, 20};
    return {array, formats::create_sink(array.spec(), request), [spec = array.spec(), request] { return formats::sink_recipe(spec, request); }};
  }
  Array job() const { return transpose(from_source(formats::open_file(path("in.npy")).variables.at(0).source)) * 2.0; }
  ClusterOptions options(bool resume = false) const {
    ClusterOptions out;
    out.compute.settings = out.here = {kTaskMemory, 2, folder_.string()};
    out.compute.open = open_reference;
    out.compute.resume = resume;
    return out;
  }
  /// True when the file holds the elements of the job.
  bool is_right(const std::string& name) const {
    const Tensor got = compute(open(path(name)).array()), want = compute(job());
    return got.view().shape == want.view().shape && got.view().dtype == want.view().dtype &&
           std::memcmp(got.view().data, want.view().data, static_cast<std::size_t>(job().spec().bytes())) == 0;
  }
  int hidden() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) count += entry.path().filename().string().front() == '.';
    return count;
  }

  std::filesystem::path folder_;
};

TEST_F(ClusterRuns, WriteWhatAThreadWrites) {
  for (const std::string name : {"out.npy", "out.fits", "out.zarr", "out.image", "out.nc"}) {
    ClusterRun run({output(name, job())}, options());
    run.begin();
    ASSERT_TRUE(run_ranges(run, 1000));
    run.finish();
    EXPECT_TRUE(is_right(name)) << name;
    EXPECT_EQ(hidden(), 0) << name;
  }
}

TEST_F(ClusterRuns, StatesOfRangesMergeInOrder) {
  const Array x = from_source(formats::open_file(path("in.npy")).variables.at(0).source);
  const Array whole = mean(x * 0.1);
  const MemoryStore store(whole.spec());
  ClusterRun run({{whole, store.sink()}}, options());
  run.begin();
  ASSERT_TRUE(run_ranges(run, 1000));
  run.finish();
  const Tensor want = compute(whole);
  EXPECT_EQ(std::memcmp(store.view().data, want.view().data, static_cast<std::size_t>(whole.spec().bytes())), 0);
}

TEST_F(ClusterRuns, WhatWasLeftIsTakenUp) {
  for (const std::string name : {"out.npy", "out.fits", "out.zarr", "out.image"}) {
    {
      ClusterRun run({output(name, job())}, options());
      run.begin();
      ASSERT_FALSE(run_ranges(run, 2)) << name << " has no ranges that could be left";
      EXPECT_TRUE(run.leave("the scheduler has gone")) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(path(name))) << name;
    // By a cluster that goes as well, by another, and what is left then by threads.
    {
      ClusterRun run({output(name, job())}, options(true));
      run.begin();
      ASSERT_FALSE(run_ranges(run, 1)) << name;
      EXPECT_TRUE(run.leave("the scheduler has gone")) << name;
    }
    if (name == "out.npy") {
      ComputeOptions here = options(true).compute;
      write_outputs({output(name, job())}, here);
    } else {
      ClusterRun run({output(name, job())}, options(true));
      run.begin();
      ASSERT_TRUE(run_ranges(run, 1000)) << name;
      run.finish();
    }
    EXPECT_TRUE(is_right(name)) << name;
    EXPECT_EQ(hidden(), 0) << name;
  }
}

TEST_F(ClusterRuns, AnOutputThatHasItsNameIsLetAlone) {
  const std::vector<std::string> names{"a.npy", "b.npy"};
  const auto outputs = [&] { return std::vector<Output>{output(names[0], job()), output(names[1], job())}; };
  // As a kill between the two names leaves it: both are written, the journal stays, one has its name.
  {
    const std::vector<Output> both = outputs();
    ClusterRun run(both, options());
    run.begin();
    ASSERT_TRUE(run_ranges(run, 1000));
    both[0].sink->finish();
    EXPECT_TRUE(run.leave("killed"));
  }
  ASSERT_TRUE(std::filesystem::exists(path("a.npy")));
  ASSERT_FALSE(std::filesystem::exists(path("b.npy")));
  const auto written = std::filesystem::last_write_time(path("a.npy"));
  ClusterRun run(outputs(), options(true));
  run.begin();
  ASSERT_TRUE(run_ranges(run, 1000));
  run.finish();
  EXPECT_EQ(std::filesystem::last_write_time(path("a.npy")), written);
  for (const std::string& name : names) EXPECT_TRUE(is_right(name)) << name;
  EXPECT_EQ(hidden(), 0);
}

}  // namespace
}  // namespace freestone
