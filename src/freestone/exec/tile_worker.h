/// TileWorker: runs ranges of a plan's tiles for somebody in another process.
///
/// Whoever asked (exec/cluster_run.h) holds the outputs and keeps the journal; a worker opens the sources, joins the outputs and the stores
/// between stages, and runs `tiles` as often as it is told. What a range gives beside writes are parts of results in memory, and states of
/// reductions that other ranges go on with.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/storage/temp_store.h"

namespace freestone {

/// Takes the boxes of a result in memory, and gives them on.
class PartsSink final : public Sink {
 public:
  struct Part {
    Box box;
    Buffer memory;  ///< C order
  };
  explicit PartsSink(Spec spec);
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return "memory"; }
  void create() override {}
  Index scratch_bytes(const Box&) const override { return 0; }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  void finish() override {}
  void abort() noexcept override {}

  std::vector<Part> take();

 private:
  Spec spec_;
  SinkCaps caps_;
  std::mutex mutex_;
  std::vector<Part> parts_;
};

struct TilesDone {
  struct Part {
    int root = 0;
    Box box;
    DType dtype = DType::kFloat64;
    Buffer memory;
  };
  std::vector<Part> parts;
  std::string states;  ///< FoldStates::bytes; empty: none are left
};

class TileWorker {
 public:
  using OpenSink = std::function<std::shared_ptr<Sink>(const std::string& recipe)>;

  /// @param payload  ClusterRun::payload
  /// @throws Error kind data: it is of another version, or a source is no longer what the plan was made for; kind io: a source or an output
  ///   is not there
  TileWorker(const std::string& payload, const OpenSource& open, const OpenSink& open_sink);

  /// Runs the tiles from `first` to before `last` of a stage, after taking `states` of others of its ranges. With no tiles it merges. Several
  /// threads may call it; together they hold at most `memory` bytes, as far as each alone does.
  /// @throws Error  the first error; kind cancelled
  TilesDone tiles(int stage, Index first, Index last, const std::vector<std::string_view>& states, Index memory, const Cancel& cancel);

 private:
  Plan plan_;
  std::vector<std::shared_ptr<Sink>> sinks_;  ///< one a root; null: a result in memory
  std::vector<std::shared_ptr<const Source>> store_sources_;
  std::vector<std::shared_ptr<Sink>> store_sinks_;
};

/// What opens the sources of a plan that was sent: named stores, and what `open` knows.
OpenSource with_stores(OpenSource open);

}  // namespace freestone
