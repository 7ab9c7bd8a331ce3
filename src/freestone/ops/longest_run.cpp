#include "freestone/ops/longest_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/kernels/columns.h"
#include "freestone/ops/along_axis.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/sort_passes.h"

namespace freestone {
namespace {

struct Run {
  std::int64_t value = 0;  ///< converted to 64 bits: runs are compared for being equal only
  std::int64_t length = 0;
};

/// What is known of a stretch of one column. One run alone is all three.
struct Runs {
  Run first, last, longest;
  std::int64_t elements = 0;
};
constexpr Index kWords = sizeof(Runs) / 8;

void longer(Run& longest, const Run& run) {
  if (run.length > longest.length) longest = run;
}

void join(Runs& a, const Runs& b) {
  if (b.elements == 0) return;
  if (a.elements == 0) {
    a = b;
    return;
  }
  if (a.last.value == b.first.value) {
    const Run across{a.last.value, a.last.length + b.first.length};
    // The run across lies before what else `b` has: of equal lengths it stays.
    longer(a.longest, across);
    if (a.first.length == a.elements) a.first = across;
    a.last = b.first.length == b.elements ? across : b.last;
  } else {
    a.last = b.last;
  }
  longer(a.longest, b.longest);
  a.elements += b.elements;
}

}  // namespace

LongestRunOp::LongestRunOp(const Spec& input, int axis, Shape leaf)
    : Op(input.shape, {{without_axes(input.shape, {axis}), input.dtype}, {without_axes(input.shape, {axis}), DType::kInt64}},
         {identity_access(input.shape.rank())}, std::vector<Access>(2, access_without_axes(input.shape.rank(), {axis}))),
      in_(input),
      axes_{axis},
      leaf_(std::move(leaf)) {}

nlohmann::json LongestRunOp::params() const { return {{"axis", axes_[0]}, {"leaf", leaf_.to_vector()}}; }

Index LongestRunOp::state_words() const { return kWords; }

void LongestRunOp::init(std::byte* state, Index outputs) const { std::fill_n(reinterpret_cast<Runs*>(state), outputs, Runs{}); }

void LongestRunOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index) const {
  const View part = in[0].part(leaf_box).view;
  const Index n = part.shape[axes_[0]];
  Runs* const all = reinterpret_cast<Runs*>(state);
  const View* const views[] = {&part};
  const kernels::Columns<1> columns(views, axes_[0]);
  with_real_type(in_.dtype, [&]<class T>(TypeTag<T>) {
    columns.for_each_outer([&](std::byte* const* data, Index first) {
      for (Index c = 0; c < columns.columns(); ++c) {
        Runs runs;
        Run run;
        const std::byte* x = data[0] + c * columns.column_stride(0);
        for (Index i = 0; i < n; ++i, x += columns.axis_stride(0)) {
          T value;
          std::memcpy(&value, x, sizeof value);
          const auto wide = static_cast<std::int64_t>(value);
          if (i > 0 && wide == run.value) {
            ++run.length;
            continue;
          }
          if (i > 0 && runs.elements == 0) runs.first = run;
          longer(runs.longest, run);
          runs.elements = i;
          run = {wide, 1};
        }
        if (runs.elements == 0) runs.first = run;
        longer(runs.longest, run);
        runs.last = run;
        runs.elements = n;
        join(all[first + c], runs);
      }
    });
  });
}

void LongestRunOp::merge(std::byte* into, const std::byte* from, Index outputs) const {
  for (Index o = 0; o < outputs; ++o) join(reinterpret_cast<Runs*>(into)[o], reinterpret_cast<const Runs*>(from)[o]);
}

void LongestRunOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  with_real_type(in_.dtype, [&]<class T>(TypeTag<T>) {
    for (Index o = 0; o < outputs; ++o) {
      const Run& longest = reinterpret_cast<const Runs*>(state)[o].longest;
      const T value = static_cast<T>(longest.value);
      std::memcpy(out[0] + o * static_cast<Index>(sizeof value), &value, sizeof value);
      std::memcpy(out[1] + o * 8, &longest.length, 8);
    }
  });
}

std::pair<Array, Array> mode_in_passes(const Array& a, int axis) {
  const Array sorted = sort_in_passes(a, axis, false, false);
  const auto both = apply_op_all(std::make_shared<LongestRunOp>(sorted.spec(), axis, leaf_extents(sorted.chunks(), {axis})), {sorted});
  return {both[0], both[1]};
}

}  // namespace freestone
