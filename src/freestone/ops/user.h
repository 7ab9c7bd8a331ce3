/// User functions: your own code on blocks, on blocks with a halo, and along an axis.
///
/// What a function needs is declared: core axes (seen whole), halo, dtype, temporary memory. Without `elementwise` it is called once for
/// each nominal chunk of the array, whatever the plan (a chunk that tiles cut is computed again), so what it gives may depend on the chunk;
/// with it, on any part. Functions are called from many threads at once. An exception becomes an Error of kind user with the function's
/// name and the region. A function is itself: two arrays made by it are never taken for one, unless both are given the same `name`. Plans
/// with user functions cannot be read back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/ops/filters.h"

namespace freestone {

/// Reads the inputs' blocks (any strides) and writes the output's.
using BlockFunction = std::function<void(std::span<const View> in, const View& out)>;
using OverlapFunction = std::function<void(const View& in, const View& out)>;
using LineFunction = std::function<void(const View& in, const View& out)>;

struct UserOptions {
  std::string name;            ///< says that functions of one name are the same function
  std::optional<DType> dtype;  ///< of the output; default: of the first input
  bool elementwise = false;    ///< every output element needs only what lies around it: any tiling will do
  std::vector<int> core_axes;  ///< seen whole
  double memory_factor = 1;    ///< temporary memory, in parts of the input's bytes
};

/// fn on blocks of arrays of one shape. @returns that shape
/// @throws Error kind user: no arrays, shapes that differ, axis out of range
Array map_blocks(BlockFunction fn, const std::vector<Array>& arrays, UserOptions options = {});

struct OverlapOptions {
  std::vector<Index> halo;  ///< on both sides of each axis
  Boundary boundary = Boundary::kReflect;
  double constant = 0;
  UserOptions user;
};
/// fn on blocks of `a` with a halo, filled beyond the array's edges; it writes the block without the halo.
/// @throws Error kind user: a halo for other axes, or below 0
Array map_overlap(const Array& a, OverlapOptions options, OverlapFunction fn);

struct AlongOptions {
  std::optional<Index> output_length;  ///< default: as long as the input
  UserOptions user;
};
/// fn on every line along `axis`: rank-1 views in and out. @returns the shape of `a` with `axis` of the output's length
Array apply_along(LineFunction fn, const Array& a, int axis, AlongOptions options = {});

class UserBlocksOp : public Op {
 public:
  struct Parts {
    BlockFunction function;
    std::string name;  ///< a name or a number: the function's identity
    Shape block;       ///< nominal; any tile will do when `free`
    bool free = false;
    Dims halo;
    Boundary boundary = Boundary::kReflect;
    double constant = 0;
    double memory_factor = 1;
    DType dtype = DType::kFloat64;
  };
  UserBlocksOp(const std::vector<Spec>& inputs, Parts parts);
  std::string_view name() const override { return "user_blocks"; }
  nlohmann::json params() const override;
  Box input_box(int i, const Box& box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Box whole_blocks(const Box& box) const;
  void run_block(const Box& block, const Box& box, std::span<const Tile> in, const Tile& out, Scratch& scratch) const;
  std::vector<Spec> in_;
  Parts parts_;
};

class UserAlongOp : public Op {
 public:
  UserAlongOp(const Spec& input, int axis, Index length, LineFunction function, std::string name, DType dtype, double memory_factor);
  std::string_view name() const override { return "user_along"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  int axis_;
  Index length_;
  LineFunction function_;
  std::string name_;
  double memory_factor_;
};

}  // namespace freestone
