#include "freestone/kernels/sort.h"

#include <limits>

#include "freestone/kernels/columns.h"
#include "freestone/kernels/sort_keys.h"

namespace freestone::kernels {
namespace {

constexpr Index kSelectShare = 8;  // fewer kept than n / so many: select before sorting

template <class Item>
void sort_first(Item* items, Item* other, Index n, Index keep) {
  if (keep * kSelectShare < n) {
    if (keep == 0) return;
    std::nth_element(items, items + keep - 1, items + n);
    std::sort(items, items + keep);
  } else {
    sort_items(items, other, n);
  }
}

template <class T, class Out, class Item, class Make, class Take>
void sort_blocks(const View& in, int axis, Index keep, const View& out, Scratch& scratch, const Cancel& cancel, Make&& make, Take&& take) {
  const Index n = in.shape[axis];
  ensure(n < std::numeric_limits<std::uint32_t>::max(), "sort: a column of 2^32 elements");
  const BlockLayout layout(n, sizeof(Item));
  const Index mark = scratch.used();
  Item* items = reinterpret_cast<Item*>(scratch.take(layout.bytes(sizeof(Item))));
  Item* other = items + layout.columns * layout.pitch;
  const View* const views[] = {&in, &out};
  const Columns<2> columns(views, axis);
  columns.for_each_outer([&](std::byte* const* data, Index) {
    for (Index c = 0; c < columns.columns(); c += layout.columns) {
      cancel.check();
      const Index some = std::min(layout.columns, columns.columns() - c);
      gather_columns<T>(data[0] + c * columns.column_stride(0), columns.column_stride(0), columns.axis_stride(0), n, some, layout.pitch,
                        items, make);
      for (Index i = 0; i < some; ++i) sort_first(items + i * layout.pitch, other, n, keep);
      scatter_columns<Out>(items, layout.pitch, keep, some, data[1] + c * columns.column_stride(1), columns.column_stride(1),
                           columns.axis_stride(1), take);
    }
  });
  scratch.release_to(mark);
}

/// A key and the position of its element in the whole axis.
template <class K>
struct Pair {
  K key;
  std::int64_t position;
  friend bool operator<(const Pair& a, const Pair& b) { return a.key != b.key ? a.key < b.key : a.position < b.position; }
};

}  // namespace

Index sort_pairs_scratch_bytes(Index length, DType dtype) {
  return with_type(dtype, [&]<class T>(TypeTag<T>) { return Scratch::rounded(length * static_cast<Index>(sizeof(Pair<SortKey<T>>))); });
}

void sort_pairs(const View& values, const View& positions, bool descending, const View& sorted_values, const View& sorted_positions,
                Scratch& scratch, const Cancel& cancel) {
  const Index n = values.shape[1];
  with_type(values.dtype, [&]<class T>(TypeTag<T>) {
    using Item = Pair<SortKey<T>>;
    const Index mark = scratch.used();
    Item* const items = reinterpret_cast<Item*>(scratch.take(n * static_cast<Index>(sizeof(Item))));
    const auto element = [](const View& view, Index line, Index i) { return view.data + line * view.strides[0] + i * view.strides[1]; };
    for (Index line = 0; line < values.shape[0]; ++line) {
      cancel.check();
      for (Index i = 0; i < n; ++i) {
        T value;
        std::memcpy(&value, element(values, line, i), sizeof value);
        items[i].key = sort_key(value, descending);
        std::memcpy(&items[i].position, element(positions, line, i), 8);
      }
      std::sort(items, items + n);
      for (Index i = 0; i < n; ++i) {
        const T value = value_of_key<T>(items[i].key, descending);
        std::memcpy(element(sorted_values, line, i), &value, sizeof value);
        std::memcpy(element(sorted_positions, line, i), &items[i].position, 8);
      }
    }
    scratch.release_to(mark);
  });
}

Index sort_scratch_bytes(Index length, DType dtype, const SortRule& rule) {
  const Index item = !rule.positions ? size_of(dtype)
                                     : with_type(dtype, []<class T>(TypeTag<T>) { return static_cast<Index>(sizeof(Placed<SortKey<T>>)); });
  return BlockLayout(length, item).bytes(item);
}

void sort_along(const View& in, int axis, const SortRule& rule, const View& out, Scratch& scratch, const Cancel& cancel) {
  const Index keep = rule.keep < 0 ? in.shape[axis] : rule.keep;
  ensure(out.shape[axis] == keep && keep <= in.shape[axis], "sort: the output has another shape");
  if (out.count() == 0) return;
  with_type(in.dtype, [&]<class T>(TypeTag<T>) {
    using K = SortKey<T>;
    const bool down = rule.descending;
    if (rule.positions)
      sort_blocks<T, std::int64_t, Placed<K>>(
          in, axis, keep, out, scratch, cancel,
          [down](T x, Index i) { return Placed<K>{sort_key(x, down), static_cast<std::uint32_t>(i)}; },
          [](const Placed<K>& item) { return static_cast<std::int64_t>(item.position); });
    else
      sort_blocks<T, T, K>(
          in, axis, keep, out, scratch, cancel, [down](T x, Index) { return sort_key(x, down); },
          [down](K key) { return value_of_key<T>(key, down); });
  });
}

void mode_along(const View& in, int axis, const View& values, const View& counts, Scratch& scratch, const Cancel& cancel) {
  const Index n = in.shape[axis];
  with_real_type(in.dtype, [&]<class T>(TypeTag<T>) {
    using K = SortKey<T>;
    const BlockLayout layout(n, sizeof(K));
    const Index mark = scratch.used();
    K* keys = reinterpret_cast<K*>(scratch.take(layout.bytes(sizeof(K))));
    K* other = keys + layout.columns * layout.pitch;
    const View* const views[] = {&in, &values, &counts};
    const Columns<3> columns(views, axis);
    columns.for_each_outer([&](std::byte* const* data, Index) {
      for (Index c = 0; c < columns.columns(); c += layout.columns) {
        cancel.check();
        const Index some = std::min(layout.columns, columns.columns() - c);
        gather_columns<T>(data[0] + c * columns.column_stride(0), columns.column_stride(0), columns.axis_stride(0), n, some, layout.pitch,
                          keys, [](T x, Index) { return sort_key(x, false); });
        for (Index i = 0; i < some; ++i) {
          K* column = keys + i * layout.pitch;
          sort_items(column, other, n);
          K best = column[0];
          std::int64_t most = 0;
          for (Index a = 0, b = 0; a < n; a = b) {
            while (b < n && column[b] == column[a]) ++b;
            if (b - a > most) most = b - a, best = column[a];
          }
          const T value = value_of_key<T>(best, false);
          std::memcpy(data[1] + (c + i) * columns.column_stride(1), &value, sizeof value);
          std::memcpy(data[2] + (c + i) * columns.column_stride(2), &most, sizeof most);
        }
      }
    });
    scratch.release_to(mark);
  });
}

}  // namespace freestone::kernels
