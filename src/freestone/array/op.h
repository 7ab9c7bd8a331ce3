/// Op: the contract of an operation.
///
/// An operation says where its output comes from (axis maps) and how one tile is made (`run`). It is immutable and
/// holds no threads, no I/O and no planning. A reduction has a `Fold` instead of `run`; elementwise math has a
/// `Program`; views of memory (slices, transposes) have `view`. Name, version and parameters have one canonical form,
/// JSON with sorted keys, which serves interning, plan files, resume and Dask tokens.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freestone/array/axis_map.h"
#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/source.h"

namespace freestone {

/// What one tile takes beside its inputs and outputs.
struct Need {
  Index scratch_bytes = 0;
  double nanoseconds = 0;  ///< of one core
};

/// A reduction: leaves fold into states, states merge in a fixed tree, a merged state finishes into outputs.
///
/// The leaf grid belongs to the node, not to a plan: it is what makes every tiling, thread count and budget give the
/// same bits. States are `state_words()` planes of one 8-byte word for each kept element of the piece.
class Fold {
 public:
  virtual ~Fold() = default;
  /// Reduced axes of the domain, ascending.
  virtual const std::vector<int>& axes() const = 0;
  /// Leaf extents on every domain axis (kept axes: 1, not used).
  virtual const Shape& leaf() const = 0;
  virtual Index state_words() const = 0;
  virtual void init(std::byte* state, Index outputs) const = 0;
  /// Folds `in`, the inputs' parts for `leaf_box` of the domain (one leaf on the reduced axes), into a fresh state.
  virtual void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const = 0;
  /// `from` follows `into` in leaf order.
  virtual void merge(std::byte* into, const std::byte* from, Index outputs) const = 0;
  /// Writes to each output, in C order, the box that belongs to the piece: its kept elements, times the whole of axes that the output's
  /// access calls whole (bins, groups).
  virtual void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const = 0;
};

class Op {
 public:
  virtual ~Op() = default;

  virtual std::string_view name() const = 0;
  virtual int version() const { return 1; }
  /// Everything that distinguishes this operation from others of its name; shapes and dtypes of inputs are not in it.
  virtual nlohmann::json params() const = 0;
  /// What stands for `params` where equal operations are found: the same text, or a digest where the parameters are long.
  virtual std::string key() const;

  /// The iteration domain.
  const Shape& domain() const { return domain_; }
  const std::vector<Spec>& outputs() const { return outputs_; }
  /// Maps from the domain to an input's or output's axes. Outputs: points without halo, or whole.
  const Access& input(int i) const { return input_access_[static_cast<std::size_t>(i)]; }
  const Access& output(int i) const { return output_access_[static_cast<std::size_t>(i)]; }
  int input_count() const { return static_cast<int>(input_access_.size()); }

  /// The part of input i, which has shape `array`, that `domain_box` needs. Operations with gathered axes answer for themselves: quickly,
  /// the planner and every task ask.
  virtual Box input_box(int i, const Box& domain_box, const Shape& array) const { return map_box(input(i), domain_box, array); }

  virtual Need need(const Box& domain_box) const = 0;

  /// Makes the outputs of `domain_box`. Inputs hold at least, outputs exactly, what the access maps say (inputs may
  /// hold more); views may have any strides; an output may be the memory of input i when `may_overwrite(i)`.
  /// @throws Error kind data, cancelled
  virtual void run(const Box& domain_box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch,
                   const Cancel& cancel) const;

  virtual bool may_overwrite(int) const { return false; }
  /// The nominal chunks of an output: what blocks and leaf grids of later operations follow.
  virtual ChunkGrid chunks(int output, std::span<const ChunkGrid> inputs) const;

  /// Non-null for reductions.
  virtual const Fold* fold() const { return nullptr; }
  /// True when the output is only another way to look at the input's memory: `view` gives it.
  virtual bool is_view() const { return false; }
  /// The part `out_box` of the output, as a view on `in`.
  virtual Tile view(const Tile& in, const Box& out_box) const;
  /// Non-null for stored data.
  virtual const std::shared_ptr<const Source>& source() const;

 protected:
  Op(Shape domain, std::vector<Spec> outputs, std::vector<Access> input_access, std::vector<Access> output_access)
      : domain_(domain), outputs_(std::move(outputs)), input_access_(std::move(input_access)), output_access_(std::move(output_access)) {}

 private:
  Shape domain_;
  std::vector<Spec> outputs_;
  std::vector<Access> input_access_, output_access_;
};

}  // namespace freestone
