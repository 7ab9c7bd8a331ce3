#include "freestone/kernels/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace freestone::kernels {
namespace {

constexpr Index kTogether = 512;  // elements of a row read as numbers at a time

void read_numbers(const std::byte* from, DType dtype, Index stride, Index n, double* to) {
  with_real_type(dtype, [&]<class T>(TypeTag<T>) {
    for (Index i = 0; i < n; ++i) {
      T value;
      std::memcpy(&value, from + i * stride, sizeof value);
      to[i] = static_cast<double>(value);
    }
  });
}

/// Walks rows of the coordinates, the weights and the state together. `place(buffers, i)` is the bin of an element, or -1.
template <class Read, class Place>
void count_rows(std::span<const View> coordinates, const View* weights, const Dims& kept_strides, Index n, Word* state, Read&& read,
                Place&& place) {
  View target{reinterpret_cast<std::byte*>(state), DType::kInt64, coordinates[0].shape, kept_strides};
  for (Index& stride : target.strides) stride *= static_cast<Index>(sizeof(Word));
  const int rank = target.rank();
  const Index length = rank == 0 ? 1 : target.shape.back();
  const auto last_stride = [&](const View& view) { return rank == 0 ? 0 : view.strides.back(); };
  // The first coordinate leads; others follow at the same position.
  const Index outer = length == 0 ? 0 : element_count(target.shape) / length;
  Dims at(std::max(0, rank - 1));
  for (Index row = 0; row < outer; ++row) {
    const auto start_of = [&](const View& view) {
      std::byte* data = view.data;
      for (int k = 0; k < at.rank(); ++k) data += at[k] * view.strides[k];
      return data;
    };
    std::byte* words = start_of(target);
    double weight[kTogether];
    for (Index first = 0; first < length; first += kTogether) {
      const Index some = std::min(kTogether, length - first);
      for (std::size_t v = 0; v < coordinates.size(); ++v)
        read(v, start_of(coordinates[v]) + first * last_stride(coordinates[v]), last_stride(coordinates[v]), some);
      if (weights) read_numbers(start_of(*weights) + first * last_stride(*weights), weights->dtype, last_stride(*weights), some, weight);
      for (Index i = 0; i < some; ++i) {
        const Index bin = place(i);
        if (bin < 0) continue;
        Word& word = reinterpret_cast<Word*>(words + (first + i) * last_stride(target))[bin * n];
        if (weights)
          word.f += weight[i];
        else
          ++word.i;
      }
    }
    for (int k = at.rank() - 1; k >= 0; --k) {
      if (++at[k] < target.shape[k]) break;
      at[k] = 0;
    }
  }
}

}  // namespace

Bins::Bins(std::vector<double> edges, bool even) : edges_(std::move(edges)), even_(even) {
  const double width = edges_.back() - edges_.front();
  per_unit_ = static_cast<double>(count()) / width;
  even_ = even_ && std::isfinite(per_unit_) && std::isfinite(width);
}

Index Bins::find(double x) const {
  if (!(x >= edges_.front() && x <= edges_.back())) return -1;
  const Index last = count() - 1;
  if (!even_) {
    const Index at = std::upper_bound(edges_.begin(), edges_.end(), x) - edges_.begin() - 1;
    return std::min(at, last);
  }
  Index at = std::clamp<Index>(static_cast<Index>((x - edges_.front()) * per_unit_), 0, last);
  while (x < edges_[static_cast<std::size_t>(at)]) --at;
  while (at < last && x >= edges_[static_cast<std::size_t>(at) + 1]) ++at;
  return at;
}

void count_into_bins(std::span<const View> coordinates, std::span<const Bins> bins, const View* weights, const Dims& kept_strides, Index n,
                     Word* state) {
  std::vector<double> numbers(coordinates.size() * kTogether);
  count_rows(
      coordinates, weights, kept_strides, n, state,
      [&](std::size_t v, const std::byte* from, Index stride, Index some) {
        read_numbers(from, coordinates[v].dtype, stride, some, numbers.data() + v * kTogether);
      },
      [&](Index i) {
        Index bin = 0;
        for (std::size_t v = 0; v < bins.size(); ++v) {
          const Index part = bins[v].find(numbers[v * kTogether + static_cast<std::size_t>(i)]);
          if (part < 0) return Index{-1};
          bin = bin * bins[v].count() + part;
        }
        return bin;
      });
}

void count_values(const View& values, Index bins, const View* weights, const Dims& kept_strides, Index n, Word* state) {
  std::int64_t numbers[kTogether];
  count_rows(
      {&values, 1}, weights, kept_strides, n, state,
      [&](std::size_t, const std::byte* from, Index stride, Index some) {
        with_real_type(values.dtype, [&]<class T>(TypeTag<T>) {
          for (Index i = 0; i < some; ++i) {
            T value;
            std::memcpy(&value, from + i * stride, sizeof value);
            numbers[i] = static_cast<std::int64_t>(value);
          }
        });
      },
      [&](Index i) {
        if (numbers[i] < 0 || numbers[i] >= bins)
          fail(ErrorKind::kData, "bincount: there is a value {}, and room for 0 to {}. Give a greater length, or none.", numbers[i],
               bins - 1);
        return Index{numbers[i]};
      });
}

}  // namespace freestone::kernels
