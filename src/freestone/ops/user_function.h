/// UserFunctionOp: your own function of blocks of several arrays.
///
/// A function has loop axes, which it is called along block by block, and core axes, which it sees whole. Every axis of an input runs along
/// a loop axis (with length 1 it broadcasts) or is a core axis; every axis of an output runs along a loop axis or is new, and is written
/// whole. So blocks with axes dropped and added, windows with a halo, and functions with a signature such as (i,j),(j)->(i) are one
/// operation. What user.h says of functions holds here too: without `free` the blocks are nominal, whatever the plan.
///
/// A loop axis may be walked in steps of several elements: then a position of it is a step. Outputs whose blocks have other lengths than
/// the inputs' are made so: an axis of steps, and a new one that holds what a step gives.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/window.h"

namespace freestone {

struct UserCall {
  std::span<const View> in;   ///< with the halo, core axes whole
  std::span<const View> out;  ///< without the halo
  Box block;                  ///< of the loop axes
  Dims before;                ///< how much halo stands before it, along each loop axis
};
using UserCallFunction = std::function<void(const UserCall&)>;

struct UserFunction {
  struct Output {
    DType dtype = DType::kFloat64;
    std::vector<int> axes;  ///< for each axis the loop axis that it runs along, or -1: new
    Shape shape;            ///< lengths of all axes
  };

  UserCallFunction call;
  std::string name;        ///< for messages
  std::string identity;    ///< says that functions of one identity are the same function; empty: it is itself
  Shape extents;           ///< lengths of the loop axes, in elements of the inputs
  Dims steps;              ///< elements of the inputs for a position of each loop axis, >= 1; empty: 1
  Shape block;             ///< positions of the loop axes, >= 1
  bool free = false;       ///< any part will do, not only nominal blocks
  bool contiguous = false;  ///< views lie in C order
  Dims before, after;      ///< halo along each loop axis, in elements
  std::vector<bool> open;  ///< along each loop axis: the halo ends at the array's edges; otherwise `edges` fill it
  std::vector<kernels::Edge> edges;
  double memory_factor = 1;              ///< temporary memory of the function, in parts of the inputs' bytes
  std::vector<std::vector<int>> inputs;  ///< for each axis of each input the loop axis that it runs along, or -1: core
  std::vector<Output> outputs;
  std::shared_ptr<const void> origin;  ///< what a face of the engine made this of, for itself
};

/// @returns one array an output
/// @throws Error kind user: inputs that do not fit the loop axes, a halo below 0
std::vector<Array> user_function(UserFunction function, const std::vector<Array>& arrays);

class UserFunctionOp : public Op {
 public:
  UserFunctionOp(UserFunction function, std::vector<Spec> inputs);
  std::string_view name() const override { return "user_function"; }
  nlohmann::json params() const override;
  Box input_box(int i, const Box& box, const Shape& array) const override;
  Need need(const Box& box) const override;
  ChunkGrid chunks(int output, std::span<const ChunkGrid> inputs) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  const UserFunction& function() const { return function_; }

 private:
  Box whole_blocks(const Box& box) const;
  /// The part of input i that belongs to a box of the loop axes, the halo included, which may reach beyond the array unless edges are open.
  Box around(int i, const Box& box) const;
  /// Whether input i has a halo that edges fill.
  bool is_filled(int i) const;
  /// The rules of input i's axes.
  std::vector<kernels::Edge> edges_of(int i) const;
  Box part_of_output(int o, const Box& box) const;
  void run_block(const Box& block, const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch) const;

  UserFunction function_;
  std::vector<Spec> in_;
};

}  // namespace freestone
