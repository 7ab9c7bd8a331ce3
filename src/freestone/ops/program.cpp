#include "freestone/ops/program.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/core/walk_order.h"

namespace freestone {
namespace {

bool holds_integer(DType t) { return is_bool(t) || is_integer(t); }

/// Writes `n` copies of the constant.
void fill(const Constant& constant, std::byte* out, Index n) {
  with_type(constant.dtype, [&]<class T>(TypeTag<T>) {
    T value;
    if constexpr (std::is_same_v<T, std::complex<float>>)
      value = {static_cast<float>(constant.number), static_cast<float>(constant.imaginary)};
    else if constexpr (std::is_same_v<T, std::complex<double>>)
      value = {constant.number, constant.imaginary};
    else if constexpr (std::is_floating_point_v<T>)
      value = static_cast<T>(constant.number);
    else
      value = static_cast<T>(constant.integer);
    std::fill_n(reinterpret_cast<T*>(out), n, value);
  });
}

// Rows of at most so many elements are computed several at a time: a call of every loop for each would cost more than the elements do.
constexpr Index kShortRow = 64;

/// Rows of a view, from one of its places on.
struct Rows {
  std::byte* data;
  Index step, apart, width;  // bytes: of an element to the next, of a row to the next, of an element

  Rows(const View& view, std::byte* row, Index first)
      : data(row + first * view.strides[view.rank() - 1]),
        step(view.strides[view.rank() - 1]),
        apart(view.rank() > 1 ? view.strides[view.rank() - 2] : 0),
        width(size_of(view.dtype)) {}

  /// Whether rows of `n` elements are contiguous, one behind the other.
  bool side_by_side(Index rows, Index n) const { return step == width && (rows == 1 || apart == n * width); }

  /// Copies `rows` rows of `columns` elements into a contiguous block.
  void gather(std::byte* block, Index rows, Index columns) const { in_pieces<true>(block, rows, columns); }
  /// Copies them out of it.
  void scatter(std::byte* block, Index rows, Index columns) const { in_pieces<false>(block, rows, columns); }

 private:
  /// A contiguous row goes in pieces as long as its length allows, another one element by element.
  template <bool kIn>
  void in_pieces(std::byte* block, Index rows, Index columns) const {
    const bool whole = step == width;
    const Index length = whole ? columns * width : width, pieces = whole ? 1 : columns;
    const auto by = [&]<Index kSize>(std::integral_constant<Index, kSize>) {
      if (length % kSize != 0) return false;
      const Index count = pieces * (length / kSize), each = whole ? kSize : step;
      for (Index r = 0; r < rows; ++r)
        for (Index i = 0; i < count; ++i, block += kSize) {
          std::byte* mine = data + r * apart + i * each;
          std::memcpy(kIn ? block : mine, kIn ? mine : block, kSize);
        }
      return true;
    };
    [&]<Index... kSize>(std::integer_sequence<Index, kSize...>) {
      (by(std::integral_constant<Index, kSize>{}) || ...);
    }(std::integer_sequence<Index, 32, 16, 8, 4, 2, 1>{});
  }
};

nlohmann::json json_of_constant(const Constant& c) {
  if (is_complex(c.dtype)) return {json_of(c.number), json_of(c.imaginary)};
  return holds_integer(c.dtype) ? nlohmann::json(c.integer) : json_of(c.number);
}

Constant constant_of(DType dtype, const nlohmann::json& value) {
  Constant c{dtype, 0, 0};
  if (is_complex(dtype))
    c.number = double_of(value.at(0)), c.imaginary = double_of(value.at(1));
  else if (holds_integer(dtype))
    c.integer = value.get<std::int64_t>();
  else
    c.number = double_of(value);
  return c;
}

}  // namespace

nlohmann::json json_of(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double double_of(const nlohmann::json& json) {
  if (json.is_number()) return json.get<double>();
  const std::string text = json.is_string() ? json.get<std::string>() : "";
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  fail(ErrorKind::kData, "'{}' is not a number.", json.dump());
}

DType Program::type_of(int number) const {
  if (number < input_count()) return inputs_[static_cast<std::size_t>(number)];
  number -= input_count();
  if (number < static_cast<int>(constants_.size())) return constants_[static_cast<std::size_t>(number)].dtype;
  return code_[static_cast<std::size_t>(number) - constants_.size()].result;
}

int Program::add_constant(Constant constant) {
  ensure(code_.empty(), "program: a constant after an instruction");
  constants_.push_back(constant);
  return last();
}

int Program::add_cast(int number, DType to) {
  const DType from = type_of(number);
  if (from == to) return number;
  code_.push_back({nullptr, from, to, {number, -1, -1, -1}});
  return last();
}

int Program::add(const kernels::ElementwiseRow& row, DType compute, std::span<const int> arguments) {
  Instruction instruction{&row, compute, kernels::result_type(row, compute), {-1, -1, -1, -1}};
  std::copy(arguments.begin(), arguments.end(), instruction.arguments);
  code_.push_back(instruction);
  return last();
}

Program Program::with_input_computed(int which, const Program& producer) const {
  std::vector<DType> inputs = inputs_;
  inputs.erase(inputs.begin() + which);
  const int own = static_cast<int>(inputs.size());
  inputs.insert(inputs.end(), producer.inputs_.begin(), producer.inputs_.end());
  Program joined(std::move(inputs));
  for (const Constant& constant : producer.constants_) joined.constants_.push_back(constant);
  for (const Constant& constant : constants_) joined.constants_.push_back(constant);
  const int constants_at = joined.input_count();
  const int code_at = constants_at + static_cast<int>(joined.constants_.size());
  const int producer_inputs = producer.input_count(), producer_constants = static_cast<int>(producer.constants_.size());
  const int constants = static_cast<int>(constants_.size());

  const auto of_producer = [&](int r) {
    if (r < producer_inputs) return own + r;
    r -= producer_inputs;
    return r < producer_constants ? constants_at + r : code_at + r - producer_constants;
  };
  const int produced = of_producer(producer.last());
  const int producer_code = static_cast<int>(producer.code_.size());
  const auto of_this = [&](int r) {
    if (r == which) return produced;
    if (r < input_count()) return r < which ? r : r - 1;
    r -= input_count();
    return r < constants ? constants_at + producer_constants + r : code_at + producer_code + r - constants;
  };
  const auto append = [&](const std::vector<Instruction>& code, const auto& renumber) {
    for (Instruction instruction : code) {
      for (int k = 0; k < instruction.arity(); ++k) instruction.arguments[k] = renumber(instruction.arguments[k]);
      joined.code_.push_back(instruction);
    }
  };
  append(producer.code_, of_producer);
  append(code_, of_this);
  return joined;
}

Program Program::with_inputs_renamed(std::span<const int> to, int count) const {
  std::vector<DType> inputs(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < to.size(); ++i) inputs[static_cast<std::size_t>(to[i])] = inputs_[i];
  Program renamed(std::move(inputs));
  renamed.constants_ = constants_;
  for (Instruction instruction : code_) {
    for (int k = 0; k < instruction.arity(); ++k) {
      int& r = instruction.arguments[k];
      r = r < input_count() ? to[static_cast<std::size_t>(r)] : r - input_count() + count;
    }
    renamed.code_.push_back(instruction);
  }
  return renamed;
}

double Program::nanoseconds_per_element() const {
  double ns = 0.05;
  for (const Instruction& instruction : code_) {
    const double one = instruction.row == nullptr ? 0.2 : instruction.row->nanoseconds;
    // Simple ones take what their vectors do, of which narrow elements need fewer; the table has those of eight bytes.
    ns += one <= 1 ? one * static_cast<double>(std::min<Index>(size_of(instruction.compute), 8)) / 8 : one;
  }
  return ns;
}

Index Program::register_bytes() const {
  Index width = 8;
  for (int r = 0; r <= last(); ++r) width = std::max(width, size_of(type_of(r)));
  return kBlock * width;
}

Index Program::scratch_bytes() const { return static_cast<Index>(inputs_.size() + constants_.size() + code_.size()) * register_bytes(); }

void Program::run(std::span<const View> in, const View& out, Scratch& scratch, const Cancel& cancel) const {
  const std::size_t inputs = inputs_.size(), constants = constants_.size(), total = inputs + constants + code_.size();
  std::vector<std::byte*> home(total);      // each register's own block
  std::vector<const std::byte*> at(total);  // where its values are now: the block, or memory of an input
  const Index block_bytes = register_bytes();
  for (auto& block : home) block = scratch.take(block_bytes);
  for (std::size_t c = 0; c < constants; ++c) {
    fill(constants_[c], home[inputs + c], kBlock);
    at[inputs + c] = home[inputs + c];
  }

  // Axes that every view runs through without a break are one axis.
  Shape shape = out.shape;
  std::vector<View> views(in.begin(), in.end());
  views.push_back(out);
  if (shape.rank() == 0) {
    shape = Shape{1};
    for (View& view : views) view.shape = shape, view.strides = Dims{size_of(view.dtype)};
  }
  for (int k = shape.rank() - 2; k >= 0; --k) {
    bool joined = true;
    for (const View& view : views) joined = joined && view.strides[k] == view.strides[k + 1] * shape[k + 1];
    if (!joined) continue;
    shape[k] *= shape[k + 1];
    shape.erase(k + 1);
    for (View& view : views) {
      view.strides[k] = view.strides[k + 1];
      view.strides.erase(k + 1);
      view.shape = shape;
    }
  }
  if (element_count(shape) == 0) return;
  sort_outer_axes(views);
  shape = views.back().shape;

  const int inner = shape.rank() - 1;
  const Index n = shape[inner], rows_in_all = inner > 0 ? shape[inner - 1] : 1;
  const Index rows_at_once = n <= kShortRow ? std::min(kBlock / n, rows_in_all) : 1;
  Dims position(inner);
  const auto place = [&](const View& view) {
    std::byte* at_row = view.data;
    for (int k = 0; k < inner; ++k) at_row += position[k] * view.strides[k];
    return at_row;
  };
  while (true) {
    cancel.check();
    const Index rows = inner > 0 ? std::min(rows_at_once, rows_in_all - position[inner - 1]) : 1;
    for (Index first = 0; first < n; first += kBlock) {
      const Index columns = std::min(kBlock, n - first), count = rows * columns;  // several rows are each within a block
      for (std::size_t i = 0; i < inputs; ++i) {
        const Rows from(views[i], place(views[i]), first);
        if (from.side_by_side(rows, n)) {
          at[i] = from.data;
        } else if (from.step != 0 || rows > 1 || first == 0) {
          from.gather(home[i], rows, from.step == 0 && rows == 1 ? std::min(kBlock, n) : columns);
          at[i] = home[i];
        }
      }
      const Rows to(views.back(), place(views.back()), first);
      const bool in_place = to.side_by_side(rows, n);
      for (std::size_t c = 0; c < code_.size(); ++c) {
        const Instruction& instruction = code_[c];
        const std::size_t number = inputs + constants + c;
        std::byte* result = c + 1 == code_.size() && in_place ? to.data : home[number];
        const std::byte* arguments[kernels::kMaxOperands] = {};
        for (int k = 0; k < instruction.arity(); ++k) arguments[k] = at[static_cast<std::size_t>(instruction.arguments[k])];
        const auto loop = instruction.row == nullptr ? kernels::cast_loop(instruction.compute, instruction.result)
                                                     : instruction.row->loops[static_cast<std::size_t>(instruction.compute)];
        loop(arguments, result, count);
        at[number] = result;
      }
      if (!in_place || code_.empty()) to.scatter(const_cast<std::byte*>(at[static_cast<std::size_t>(last())]), rows, columns);
    }
    if (inner == 0) return;
    position[inner - 1] += rows;
    int k = inner - 1;
    for (; k >= 0 && position[k] >= shape[k]; --k) {
      position[k] = 0;
      if (k > 0) ++position[k - 1];
    }
    if (k < 0) return;
  }
}

nlohmann::json Program::to_json() const {
  auto json =
      nlohmann::json{{"inputs", nlohmann::json::array()}, {"constants", nlohmann::json::array()}, {"code", nlohmann::json::array()}};
  for (const DType t : inputs_) json["inputs"].push_back(name_of(t));
  for (const Constant& c : constants_) json["constants"].push_back({name_of(c.dtype), json_of_constant(c)});
  for (const Instruction& i : code_) {
    nlohmann::json line = {i.row == nullptr ? "cast" : std::string(i.row->name), name_of(i.row == nullptr ? i.result : i.compute)};
    for (int k = 0; k < i.arity(); ++k) line.push_back(i.arguments[k]);
    json["code"].push_back(std::move(line));
  }
  return json;
}

Program Program::from_json(const nlohmann::json& json) {
  try {
    std::vector<DType> inputs;
    for (const auto& name : json.at("inputs")) inputs.push_back(parse_dtype(name.get<std::string>()));
    Program program(std::move(inputs));
    for (const auto& pair : json.at("constants")) program.add_constant(constant_of(parse_dtype(pair.at(0).get<std::string>()), pair.at(1)));
    for (const auto& line : json.at("code")) {
      const auto name = line.at(0).get<std::string>();
      const DType type = parse_dtype(line.at(1).get<std::string>());
      std::vector<int> arguments;
      for (std::size_t k = 2; k < line.size(); ++k) {
        arguments.push_back(line[k].get<int>());
        if (arguments.back() < 0 || arguments.back() > program.last())
          fail(ErrorKind::kData, "A program uses register {} before it exists.", arguments.back());
      }
      if (name == "cast") {
        if (arguments.size() != 1) fail(ErrorKind::kData, "A cast takes one register.");
        const DType from = program.type_of(arguments[0]);
        if (is_complex(from) && is_real(type) && !is_bool(type))
          fail(ErrorKind::kData, "A program casts {} to {}, which is not defined.", name_of(from), name_of(type));
        program.code_.push_back({nullptr, from, type, {arguments[0], -1, -1, -1}});
        continue;
      }
      const auto* row = kernels::find_elementwise(name);
      if (row == nullptr || static_cast<int>(arguments.size()) != row->arity || row->loops[static_cast<std::size_t>(type)] == nullptr)
        fail(ErrorKind::kData, "'{}' of {} is not a function of this version.", name, name_of(type));
      for (int k = 0; k < row->arity; ++k) {
        if (program.type_of(arguments[static_cast<std::size_t>(k)]) != kernels::operand_type(*row, type, k))
          fail(ErrorKind::kData, "'{}' gets a register of the wrong type.", name);
      }
      program.add(*row, type, arguments);
    }
    if (program.last() < 0) fail(ErrorKind::kData, "A program without registers.");
    return program;
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::kData, "Not a program: {}", error.what());
  }
}

}  // namespace freestone
