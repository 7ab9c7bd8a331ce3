/// Gatherer: the elements of a view in C order, a span at a time, as they are stored.
#pragma once

#include <algorithm>

#include "freestone/core/view.h"
#include "freestone/storage/element_transform.h"

namespace freestone {

/// The view and the transform outlive it.
class Gatherer {
 public:
  Gatherer(const View& view, const ElementTransform& transform)
      : view_(view), transform_(transform), width_(size_of(view.dtype)), whole_(view.is_contiguous()),
        row_(whole_ ? view.count() : view.shape.back()), step_(whole_ ? width_ : view.strides.back()), at_(std::max(0, view.rank() - 1)),
        data_(view.data) {}

  /// Encodes the next `count` elements into `to`.
  void next(std::byte* to, Index count) {
    while (count > 0) {
      const Index n = std::min(count, row_ - used_);
      encode_row(data_ + used_ * step_, to, n);
      to += n * width_;
      count -= n;
      used_ += n;
      if (used_ == row_) advance();
    }
  }

 private:
  void encode_row(const std::byte* from, std::byte* to, Index n) const {
    if (step_ == width_) return transform_.encode(from, to, n);
    constexpr Index kPiece = 512;
    alignas(64) std::byte piece[kPiece * 16];
    for (Index done = 0; done < n; done += kPiece) {
      const Index m = std::min(kPiece, n - done);
      copy(View{const_cast<std::byte*>(from) + done * step_, view_.dtype, {m}, {step_}}, View::contiguous(piece, view_.dtype, {m}));
      transform_.encode(piece, to + done * width_, m);
    }
  }
  void advance() {
    used_ = 0;
    if (whole_) return;
    for (int k = at_.rank() - 1; k >= 0; --k) {
      data_ += view_.strides[k];
      if (++at_[k] < view_.shape[k]) return;
      data_ -= view_.strides[k] * view_.shape[k];
      at_[k] = 0;
    }
  }

  const View& view_;
  const ElementTransform& transform_;
  Index width_;
  bool whole_;
  Index row_, step_;
  Dims at_;
  const std::byte* data_;
  Index used_ = 0;
};

}  // namespace freestone
