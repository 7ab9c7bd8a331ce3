/// Program: elementwise math as a list of instructions on registers, run block by block.
///
/// Registers are numbered: first the inputs, then the constants, then the result of each instruction; the last result
/// is the output. A block (kBlock elements) of every register stays in the nearest cache, so a chain of operations costs one pass
/// over memory. Fusing two elementwise operations is joining their programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"
#include "freestone/kernels/elementwise.h"

namespace freestone {

/// A number with a type; integers are kept exactly.
struct Constant {
  DType dtype = DType::kFloat64;
  double number = 0;         ///< the value when dtype is floating; the real part when it is complex
  std::int64_t integer = 0;  ///< the value when dtype is bool or integer (uint64: its bits)
  double imaginary = 0;
};

struct Instruction {
  const kernels::ElementwiseRow* row = nullptr;  ///< null: a cast of `arguments[0]` to `result`
  DType compute = DType::kFloat64;               ///< type of the loop (of a cast: the source's type)
  DType result = DType::kFloat64;
  int arguments[kernels::kMaxOperands] = {-1, -1, -1, -1};
  int arity() const { return row == nullptr ? 1 : row->arity; }
};

class Program {
 public:
  static constexpr Index kBlock = 1024;

  explicit Program(std::vector<DType> inputs) : inputs_(std::move(inputs)) {}

  int input_count() const { return static_cast<int>(inputs_.size()); }
  const std::vector<DType>& inputs() const { return inputs_; }
  const std::vector<Instruction>& code() const { return code_; }
  /// The type of register `number`.
  DType type_of(int number) const;
  DType result() const { return type_of(last()); }
  int last() const { return input_count() + static_cast<int>(constants_.size() + code_.size()) - 1; }

  /// Adds a constant; all constants stand before the first instruction. Returns its register.
  int add_constant(Constant constant);
  /// `number` converted to `to`; itself when it has that type. Returns the register.
  int add_cast(int number, DType to);
  /// Applies `row` to registers of the types that it wants. Returns the register of the result.
  int add(const kernels::ElementwiseRow& row, DType compute, std::span<const int> arguments);

  /// This program with input `which` replaced by the result of `producer`, whose inputs come after the remaining ones.
  /// Inputs of the joined program: this program's without `which`, then the producer's.
  Program with_input_computed(int which, const Program& producer) const;
  /// This program with inputs i renamed to `to[i]`; `count` inputs in all. Joins inputs that are the same array.
  Program with_inputs_renamed(std::span<const int> to, int count) const;

  double nanoseconds_per_element() const;
  /// Bytes that a block of one register takes: by the widest type in the program.
  Index register_bytes() const;
  Index scratch_bytes() const;
  /// Computes `out` from `in`: views of one shape, broadcast axes with stride 0. `out` may be the memory of an input with the same
  /// layout.
  void run(std::span<const View> in, const View& out, Scratch& scratch, const Cancel& cancel) const;

  nlohmann::json to_json() const;
  /// @throws Error kind data: not a program
  static Program from_json(const nlohmann::json& json);

 private:
  std::vector<DType> inputs_;
  std::vector<Constant> constants_;
  std::vector<Instruction> code_;
};

/// A double as JSON, exactly: a number, or "nan", "inf", "-inf".
nlohmann::json json_of(double value);
double double_of(const nlohmann::json& json);

}  // namespace freestone
