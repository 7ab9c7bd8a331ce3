#include "freestone/exec/counted.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <mutex>

#include "freestone/exec/boolean_index.h"
#include "freestone/kernels/sort_keys.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/search.h"
#include "freestone/ops/sort.h"

namespace freestone {
namespace {

/// A value, as its key, how often it occurred and where first.
struct Entry {
  unsigned __int128 key;
  Index count, first;
};
using Entries = std::vector<Entry>;  // by rising key, each once

constexpr Index kHeldBytes = 3 * static_cast<Index>(sizeof(Entry));  // an entry, while lists are merged

Entries merged(const Entries& a, const Entries& b) {
  Entries out;
  out.reserve(a.size() + b.size());
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i].key < b[j].key)) {
      out.push_back(a[i++]);
    } else if (i == a.size() || b[j].key < a[i].key) {
      out.push_back(b[j++]);
    } else {
      out.push_back({a[i].key, a[i].count + b[j].count, std::min(a[i].first, b[j].first)});
      ++i, ++j;
    }
  }
  return out;
}

/// Takes the boxes of an array in any order and keeps its different values.
class UniqueSink final : public Sink {
 public:
  UniqueSink(Spec spec, Index most) : spec_(spec), most_(most) {
    caps_.unit = Shape(spec.shape.rank(), 1);
    caps_.reserve_bytes = most * kHeldBytes;
    caps_.on_disk = false;
  }
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return "unique"; }
  void create() override {}
  void finish() override {}
  void abort() noexcept override {}
  Index scratch_bytes(const Box& box) const override {
    return with_type(spec_.dtype, [&]<class T>(TypeTag<T>) {
      return 2 * Scratch::rounded(box.count() * static_cast<Index>(sizeof(kernels::Placed<kernels::SortKey<T>>)));
    });
  }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override {
    Entries found = entries_of(box, data, scratch, cancel);
    std::unique_lock lock(mutex_);
    lists_.push_back(std::move(found));
    // Lists of about one length are merged, so that every entry moves a few times only.
    while (lists_.size() > 1 && lists_[lists_.size() - 2].size() <= 2 * lists_.back().size()) {
      Entries b = std::move(lists_.back());
      lists_.pop_back();
      lists_.back() = merged(lists_.back(), b);
    }
    if (static_cast<Index>(lists_.front().size()) > most_)
      fail(ErrorKind::kMemory,
           "unique: more than {} different values, which is what fits. Raise the memory, or max_values; or round, or take a histogram.",
           most_);
  }
  Entries take() {
    Entries all;
    for (const Entries& list : lists_) all = merged(all, list);
    return all;
  }

 private:
  Entries entries_of(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) const {
    Entries out;
    with_type(spec_.dtype, [&]<class T>(TypeTag<T>) {
      using Item = kernels::Placed<kernels::SortKey<T>>;
      const Index n = data.count();
      Item* items = reinterpret_cast<Item*>(scratch.take(n * static_cast<Index>(sizeof(Item))));
      Item* other = reinterpret_cast<Item*>(scratch.take(n * static_cast<Index>(sizeof(Item))));
      const Index length = data.rank() == 0 ? 1 : data.shape.back(), step = data.rank() == 0 ? 0 : data.strides.back();
      Index at = 0;
      for_each_row(data.shape, {&data}, [&](std::byte** row) {
        cancel.check();
        for (Index i = 0; i < length; ++i, ++at) {
          T value;
          std::memcpy(&value, row[0] + i * step, sizeof value);
          // Whichever part of a complex number is NaN: all NaN are one.
          items[at] = {value != value ? kernels::kLastKey<T> : kernels::sort_key(value, false), static_cast<std::uint32_t>(at)};
        }
      });
      kernels::sort_items(items, other, n);
      for (Index a = 0, b = 0; a < n; a = b) {
        while (b < n && items[b].key == items[a].key) ++b;
        out.push_back({items[a].key, b - a, flat_position(box, items[a].position)});
      }
    });
    return out;
  }
  Index flat_position(const Box& box, Index within) const {
    Index flat = 0, step = 1;
    for (int k = box.rank() - 1; k >= 0; --k) {
      flat += (box.start[k] + within % box.shape[k]) * step;
      within /= box.shape[k];
      step *= spec_.shape[k];
    }
    return flat;
  }

  Spec spec_;
  Index most_;
  SinkCaps caps_;
  std::mutex mutex_;
  std::vector<Entries> lists_;
};

Tensor tensor_of(DType dtype, Index n, const std::function<void(Index, std::byte*)>& element) {
  auto memory = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(std::max<Index>(1, n * size_of(dtype))));
  for (Index i = 0; i < n; ++i) element(i, memory->data() + i * size_of(dtype));
  return {View::contiguous(memory->data(), dtype, {n}), memory};
}

Entries unique_entries(const Array& a, const UniqueOptions& options) {
  const Index budget = resolved(options.compute.settings).memory_bytes;
  const Index fits = std::min(budget / 4 / kHeldBytes, std::max<Index>(1, a.size()));
  auto sink = std::make_shared<UniqueSink>(a.spec(), options.max_values > 0 ? options.max_values : fits);
  write_outputs({{a, sink}}, options.compute);
  return sink->take();
}

void write_value(DType dtype, unsigned __int128 key, std::byte* to) {
  with_type(dtype, [&]<class T>(TypeTag<T>) {
    const T value = kernels::value_of_key<T>(static_cast<kernels::SortKey<T>>(key), false);
    std::memcpy(to, &value, sizeof value);
  });
}

}  // namespace

UniqueResult unique(const Array& a, UniqueOptions options) {
  const Entries entries = unique_entries(a, options);
  const Index n = static_cast<Index>(entries.size());
  const auto entry = [&](Index i) -> const Entry& { return entries[static_cast<std::size_t>(i)]; };
  UniqueResult result;
  result.values = tensor_of(a.dtype(), n, [&](Index i, std::byte* to) { write_value(a.dtype(), entry(i).key, to); });
  result.counts = tensor_of(DType::kInt64, n, [&](Index i, std::byte* to) { std::memcpy(to, &entry(i).count, 8); });
  result.first = tensor_of(DType::kInt64, n, [&](Index i, std::byte* to) { std::memcpy(to, &entry(i).first, 8); });
  result.inverse = searchsorted(from_memory(result.values.view(), result.values.owner()), a);
  return result;
}

namespace {

Array held(const Tensor& tensor) { return from_memory(tensor.view(), tensor.owner()); }

/// Of the different values of `a` those that are, or are not, among those of `b`, which is of the same dtype.
Tensor chosen(const Array& a, const Array& b, bool among, const UniqueOptions& options) {
  const Array values = held(unique(a, options).values), others = held(unique(b, options).values);
  return compute(boolean_index(values, isin(values, others, !among), options.compute), options.compute);
}

std::pair<Array, Array> of_one_dtype(const Array& a, const Array& b) {
  const DType dtype = promote(a.dtype(), b.dtype());
  return {astype(a, dtype), astype(b, dtype)};
}

}  // namespace

Tensor union1d(const Array& a, const Array& b, UniqueOptions options) {
  const auto [x, y] = of_one_dtype(a, b);
  return unique(concat({ravel(x), ravel(y)}, 0), std::move(options)).values;
}

Tensor intersect1d(const Array& a, const Array& b, UniqueOptions options) {
  const auto [x, y] = of_one_dtype(a, b);
  return chosen(x, y, true, options);
}

Tensor setdiff1d(const Array& a, const Array& b, UniqueOptions options) {
  const auto [x, y] = of_one_dtype(a, b);
  return chosen(x, y, false, options);
}

Tensor setxor1d(const Array& a, const Array& b, UniqueOptions options) {
  const auto [x, y] = of_one_dtype(a, b);
  return compute(sort(concat({held(chosen(x, y, false, options)), held(chosen(y, x, false, options))}, 0)), options.compute);
}

ModeResult mode_of_all(const Array& a, UniqueOptions options) {
  if (a.size() == 0) fail(ErrorKind::kUser, "mode of an array without elements.");
  const Entries entries = unique_entries(a, options);
  const auto best = std::max_element(entries.begin(), entries.end(), [](const Entry& x, const Entry& y) { return x.count < y.count; });
  const Tensor one = tensor_of(a.dtype(), 1, [&](Index, std::byte* to) { write_value(a.dtype(), best->key, to); });
  return {Tensor(View::contiguous(one.view().data, a.dtype(), {}), one.owner()), best->count};
}

Array bincount(const Array& a, const Array& weights, Index min_length, const ComputeOptions& options) {
  if (!is_integer(a.dtype()) && !is_bool(a.dtype()))
    fail(ErrorKind::kUser, "bincount: the array is {}; give integers.", name_of(a.dtype()));
  Index length = min_length;
  if (a.size() > 0) length = std::max(length, static_cast<Index>(compute(max(a), options).number()) + 1);
  return bincount(a, length, weights);
}

}  // namespace freestone
