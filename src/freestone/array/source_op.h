/// SourceOp: stored data as the leaf of a graph.
#pragma once

#include "freestone/array/op.h"

namespace freestone {

class SourceOp : public Op {
 public:
  explicit SourceOp(std::shared_ptr<const Source> source);
  std::string_view name() const override { return "source"; }
  nlohmann::json params() const override;
  /// Memory is itself, whatever it holds now: its owner may change it later.
  std::string key() const override;
  Need need(const Box& box) const override;
  ChunkGrid chunks(int, std::span<const ChunkGrid>) const override { return source_->chunks(); }
  const std::shared_ptr<const Source>& source() const override { return source_; }

 private:
  std::shared_ptr<const Source> source_;
};

}  // namespace freestone
