/// Shape and Box: sizes, and half-open rectangles of indices.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"

namespace freestone {

inline constexpr int kMaxRank = 16;

/// A short list of indices, one an axis, without allocation. Value type.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<Index> values) { assign(values.begin(), values.end()); }
  explicit Dims(int rank, Index value = 0) { resize(rank, value); }
  template <std::input_iterator Iterator>
  Dims(Iterator first, Iterator last) {
    assign(first, last);
  }
  explicit Dims(const std::vector<Index>& values) { assign(values.begin(), values.end()); }

  int rank() const { return rank_; }
  std::size_t size() const { return static_cast<std::size_t>(rank_); }
  bool empty() const { return rank_ == 0; }
  Index& operator[](int axis) { return values_[axis]; }
  Index operator[](int axis) const { return values_[axis]; }
  Index* begin() { return values_; }
  Index* end() { return values_ + rank_; }
  const Index* begin() const { return values_; }
  const Index* end() const { return values_ + rank_; }
  Index back() const { return values_[rank_ - 1]; }

  /// @throws Error kind user: more than kMaxRank axes
  void push_back(Index value) { resize(rank_ + 1, value); }
  void resize(int rank, Index value = 0) {
    if (rank > kMaxRank) fail(ErrorKind::kUser, "An array of {} axes: Freestone handles up to {}.", rank, kMaxRank);
    for (int axis = rank_; axis < rank; ++axis) values_[axis] = value;
    rank_ = rank;
  }
  void erase(int axis) {
    std::copy(values_ + axis + 1, values_ + rank_, values_ + axis);
    --rank_;
  }
  void insert(int axis, Index value) {
    resize(rank_ + 1);
    std::copy_backward(values_ + axis, values_ + rank_ - 1, values_ + rank_);
    values_[axis] = value;
  }
  std::vector<Index> to_vector() const { return {begin(), end()}; }

  friend bool operator==(const Dims& a, const Dims& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }
  friend auto operator<=>(const Dims& a, const Dims& b) {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  template <class Iterator>
  void assign(Iterator first, Iterator last) {
    resize(static_cast<int>(std::distance(first, last)));
    std::copy(first, last, values_);
  }
  int rank_ = 0;
  Index values_[kMaxRank] = {};
};

using Shape = Dims;

/// Elements in all: 1 for rank 0, 0 when any axis is empty.
Index element_count(const Shape& shape);

/// "(512, 768, 768)".
std::string to_string(const Shape& shape);

/// Half-open: axis k covers [start[k], start[k] + shape[k]).
struct Box {
  Dims start;
  Dims shape;

  Box() = default;
  Box(Dims start_, Dims shape_) : start(start_), shape(shape_) {}
  /// The box of a whole array.
  explicit Box(const Shape& whole) : start(whole.rank(), 0), shape(whole) {}

  int rank() const { return shape.rank(); }
  Index end(int axis) const { return start[axis] + shape[axis]; }
  Index count() const { return element_count(shape); }
  bool empty() const { return count() == 0; }
  friend bool operator==(const Box&, const Box&) = default;
};

Box intersection(const Box& a, const Box& b);
/// The smallest box that holds both; an empty box counts for nothing.
Box hull(const Box& a, const Box& b);
bool contains(const Box& outer, const Box& inner);
/// `inner` as seen from the corner of `outer`.
Box relative_to(const Box& inner, const Box& outer);
/// "[0:512, 16:32, 0:768]".
std::string to_string(const Box& box);

/// `axis` with negative numbers counted from the end.
/// @throws Error kind user: out of range
int normal_axis(Index axis, int rank);

}  // namespace freestone
