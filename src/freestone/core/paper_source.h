/// PaperSource: data that is not here, for plans on paper.
///
/// It has a shape, a dtype and chunks, and the costs of a real source where it stands for more of the same; it cannot be read.
#pragma once

#include <memory>

#include "freestone/core/source.h"

namespace freestone {

class PaperSource final : public Source {
 public:
  /// No `chunk`: contiguous.
  PaperSource(Shape shape, DType dtype, Shape chunk = {}, std::string name = "paper")
      : spec_{shape, dtype}, grid_(chunk.empty() ? ChunkGrid::contiguous(shape) : ChunkGrid(shape, chunk)), name_(std::move(name)) {}
  /// More of `like`: the axis `axis` is `factor` times as long, chunks stay as they are; costs are those of a part of `like`.
  PaperSource(std::shared_ptr<const Source> like, int axis, double factor);

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return grid_; }
  Identity identity() const override { return {name_, spec_.bytes(), 1, 1}; }
  std::string reference() const override;
  ReadCost cost(const Box& box) const override;
  Index encoded_bytes(const Box& box) const override;
  bool decodes_in_place() const override { return like_ == nullptr || like_->decodes_in_place(); }
  /// @throws Error kind user: there is nothing to read
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override;
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const override;

 private:
  Box within_like(const Box& box) const;
  std::shared_ptr<const Source> like_;
  Spec spec_;
  ChunkGrid grid_;
  std::string name_;
};

}  // namespace freestone
