// A source for tests of graphs and plans, which look at metadata only.
#pragma once

#include <gtest/gtest.h>

#include "freestone/core/source.h"

namespace freestone {

/// A file of any size that is never read: plans look at metadata only.
class PaperSource : public Source {
 public:
  PaperSource(Shape shape, DType dtype, Shape chunk = {})
      : spec_{shape, dtype}, grid_(chunk.empty() ? ChunkGrid::contiguous(shape) : ChunkGrid(shape, chunk)) {}
  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return grid_; }
  Identity identity() const override { return {"paper.fits", spec_.bytes(), 1, 1}; }
  /// Equal references are one node: another shape or dtype is another variable.
  std::string reference() const override {
    return fmt::format(R"({{"path": "paper.fits", "variable": "{} {}"}})", to_string(spec_.shape), name_of(spec_.dtype));
  }
  ReadCost cost(const Box& box) const override {
    Index rows = 1;
    for (int k = 0; k + 1 < box.rank(); ++k) rows *= box.shape[k];
    return {box.count() * size_of(spec_.dtype), rows};
  }
  Index encoded_bytes(const Box& box) const override { return box.count() * size_of(spec_.dtype); }
  bool decodes_in_place() const override { return true; }
  void fetch(const Box&, std::span<std::byte>, const Cancel&) const override { FAIL() << "a plan read data"; }
  void decode(const Box&, std::span<std::byte>, const View&, const Cancel&) const override {}

 private:
  Spec spec_;
  ChunkGrid grid_;
};

}  // namespace freestone
