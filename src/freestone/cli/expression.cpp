#include "freestone/cli/expression.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/arguments.h"
#include "freestone/kernels/elementwise.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"

namespace freestone::cli {
namespace {

/// A number (without array) or an array with the names of its dimensions. A number has no unit: it takes that of what it meets.
struct Value {
  Array array;
  double number = 0;
  bool whole = false;  ///< the number was written as an integer
  std::vector<std::string> dims;
  Unit unit;
  bool is_array() const { return static_cast<bool>(array); }
};

struct Precedence {
  std::string_view symbol;
  int level;
};
// Python's, loosest first.
constexpr Precedence kBinary[] = {{"or", 1}, {"and", 2}, {"==", 4},  {"!=", 4}, {"<=", 4}, {">=", 4}, {"<", 4},
                                  {">", 4},  {"|", 5},   {"^", 6},   {"&", 7},  {"<<", 8}, {">>", 8}, {"+", 9},
                                  {"-", 9},  {"*", 10},  {"//", 10}, {"/", 10}, {"%", 10}};
constexpr int kNotLevel = 3, kUnaryLevel = 11;

const kernels::ElementwiseRow& row_of(std::string_view symbol, int arity) {
  for (const auto& row : kernels::elementwise_table())
    if (row.symbol == symbol && row.arity == arity) return row;
  refuse("There is no operator '{}' with {} operands.", symbol, arity);
}

const std::vector<std::string>& reduction_names() {
  static const std::vector<std::string> kNames = {"sum", "mean", "median", "std",   "var",       "mad_std",
                                                  "min", "max",  "rms",    "count", "percentile"};
  return kNames;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Functions of numbers alone, which need no array.
struct OfOneNumber {
  std::string_view name;
  double (*function)(double);
  bool keeps_whole;
};
struct OfTwoNumbers {
  std::string_view name;
  double (*function)(double, double);
  bool keeps_whole;
};

constexpr double kDegree = std::numbers::pi / 180;

constexpr OfOneNumber kOfOneNumber[] = {
    {"sqrt", [](double a) { return std::sqrt(a); }, false},
    {"cbrt", [](double a) { return std::cbrt(a); }, false},
    {"exp", [](double a) { return std::exp(a); }, false},
    {"exp2", [](double a) { return std::exp2(a); }, false},
    {"expm1", [](double a) { return std::expm1(a); }, false},
    {"log", [](double a) { return std::log(a); }, false},
    {"log2", [](double a) { return std::log2(a); }, false},
    {"log10", [](double a) { return std::log10(a); }, false},
    {"log1p", [](double a) { return std::log1p(a); }, false},
    {"sin", [](double a) { return std::sin(a); }, false},
    {"cos", [](double a) { return std::cos(a); }, false},
    {"tan", [](double a) { return std::tan(a); }, false},
    {"arcsin", [](double a) { return std::asin(a); }, false},
    {"arccos", [](double a) { return std::acos(a); }, false},
    {"arctan", [](double a) { return std::atan(a); }, false},
    {"sinh", [](double a) { return std::sinh(a); }, false},
    {"cosh", [](double a) { return std::cosh(a); }, false},
    {"tanh", [](double a) { return std::tanh(a); }, false},
    {"deg2rad", [](double a) { return a * kDegree; }, false},
    {"rad2deg", [](double a) { return a / kDegree; }, false},
    {"absolute", [](double a) { return std::abs(a); }, true},
    {"square", [](double a) { return a * a; }, true},
    {"floor", [](double a) { return std::floor(a); }, true},
    {"ceil", [](double a) { return std::ceil(a); }, true},
    {"trunc", [](double a) { return std::trunc(a); }, true},
    {"round", [](double a) { return std::nearbyint(a); }, true},
    {"negative", [](double a) { return -a; }, true},
};

constexpr OfTwoNumbers kOfTwoNumbers[] = {
    {"hypot", [](double a, double b) { return std::hypot(a, b); }, false},
    {"arctan2", [](double a, double b) { return std::atan2(a, b); }, false},
    {"floor_divide", [](double a, double b) { return std::floor(a / b); }, true},
    {"remainder", [](double a, double b) { return a - b * std::floor(a / b); }, true},
    {"minimum", [](double a, double b) { return a < b || a != a ? a : b; }, true},
    {"maximum", [](double a, double b) { return a > b || a != a ? a : b; }, true},
};

template <typename Table>
constexpr auto row_of(const Table& table, std::string_view name) -> decltype(std::begin(table)) {
  const auto found = std::find_if(std::begin(table), std::end(table), [&](const auto& row) { return row.name == name; });
  return found == std::end(table) ? nullptr : found;
}

class Evaluator {
 public:
  Evaluator(const std::string& text, const astro::SkyArray& x, const std::map<std::string, astro::SkyArray>& named, bool has_x)
      : text_(text), x_(x), named_(named), has_x_(has_x) {}

  Value whole() {
    next_token();
    if (token_.empty()) refuse("The expression is empty.");
    Value value = binary(1);
    if (!token_.empty()) complain("an operator was expected");
    return value;
  }

 private:
  [[noreturn]] void complain(const std::string& what) const {
    refuse("'{}': {} at position {}{}.", text_, what, begin_ + 1, token_.empty() ? " (the end)" : ", not '" + token_ + "'");
  }

  void next_token() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    begin_ = at_;
    token_.clear();
    is_number_ = is_name_ = false;
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (std::isdigit(static_cast<unsigned char>(c)) ||
        (c == '.' && at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1])))) {
      const auto [rest, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number_);
      if (code != std::errc()) complain("a number that cannot be read");
      at_ = static_cast<std::size_t>(rest - text_.data());
      is_number_ = true;
    } else if (std::isalpha(static_cast<unsigned char>(c)) || c == '_') {
      while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
      is_name_ = true;
    } else {
      static constexpr std::string_view kTwo[] = {"**", "//", "==", "!=", "<=", ">=", "<<", ">>", "&&", "||"};
      const std::string_view two = std::string_view(text_).substr(at_, 2);
      at_ += std::find(std::begin(kTwo), std::end(kTwo), two) != std::end(kTwo) ? 2 : 1;
    }
    token_ = text_.substr(begin_, at_ - begin_);
    if (token_ == "&&" || token_ == "||")
      complain(token_ == "&&" ? "write 'and'; an operator was expected" : "write 'or'; an operator was expected");
  }

  bool take(std::string_view word) {
    if (is_number_ || token_ != word) return false;
    next_token();
    return true;
  }

  Value binary(int level) {
    const Depth depth(*this);
    if (level == kNotLevel) {
      if (token_ == "not" && is_name_) {
        next_token();
        return apply(row_of("not", 1), {binary(kNotLevel)});
      }
      return binary(level + 1);
    }
    if (level == kUnaryLevel) return unary();
    Value left = binary(level + 1);
    bool compared = false;
    while (true) {
      const auto* op =
          std::find_if(std::begin(kBinary), std::end(kBinary), [&](const Precedence& p) { return p.level == level && p.symbol == token_; });
      if (op == std::end(kBinary)) return left;
      if (level == 4 && compared) complain("a chain of comparisons: write 'a < b and b < c'; an operator was expected");
      compared = true;
      next_token();
      left = apply(row_of(op->symbol, 2), {left, binary(level + 1)});
    }
  }

  Value unary() {
    const Depth depth(*this);
    for (const std::string_view symbol : {"-", "+", "~"}) {
      if (is_number_ || token_ != symbol) continue;
      next_token();
      Value value = unary();
      if (!value.is_array() && symbol != "~") {
        if (symbol == "-") value.number = -value.number;
        return value;
      }
      return apply(row_of(symbol, 1), {value});
    }
    Value base = primary();
    if (!is_number_ && token_ == "**") {
      next_token();
      return apply(row_of("**", 2), {base, unary()});
    }
    return base;
  }

  Value primary() {
    if (is_number_) {
      Value value;
      value.number = number_;
      value.whole = token_.find_first_of(".eE") == std::string::npos;
      next_token();
      return value;
    }
    if (take("(")) {
      Value value = binary(1);
      if (!take(")")) complain("')' was expected");
      return value;
    }
    if (!is_name_) complain("a number, a name or '(' was expected");
    const std::string name = token_;
    const std::size_t name_begin = begin_;
    next_token();
    if (!is_number_ && token_ == "(") return call(name, name_begin);
    return variable(name, name_begin);
  }

  Value variable(const std::string& name, std::size_t position) {
    const auto found = named_.find(name);
    if (found != named_.end()) return value_of(found->second);
    if (name == "x" && has_x_) return value_of(x_);
    Value number;
    if (name == "nan") return number.number = std::numeric_limits<double>::quiet_NaN(), number;
    if (name == "inf") return number.number = std::numeric_limits<double>::infinity(), number;
    if (name == "pi") return number.number = 3.14159265358979323846, number;
    if (has_x_ && std::find(reduction_names().begin(), reduction_names().end(), name) != reduction_names().end())
      return reduction(name, value_of(x_), {}, 50);
    std::vector<std::string> names = {"nan", "inf", "pi"};
    if (has_x_) names.emplace_back("x");
    for (const auto& [known, array] : named_) names.push_back(known);
    for (const std::string& known : reduction_names()) names.push_back(known);
    refuse("'{}': the name '{}' at position {} is not known.{} Names are those of the input's variables and of --with, as in --with {}=FILE{}.", text_, name,
           position + 1, suggestion(name, names), name, has_x_ ? "; x is the input" : "");
  }

  Value call(const std::string& name, std::size_t position) {
    next_token();  // "("
    std::vector<Value> operands;
    std::vector<std::string> axes;
    double q = 50;
    bool has_keywords = false;
    while (!take(")")) {
      if (!operands.empty() || has_keywords) {
        if (!take(",")) complain("',' or ')' was expected");
      }
      if (is_name_ && text_.find_first_not_of(" \t", at_) != std::string::npos && text_[text_.find_first_not_of(" \t", at_)] == '=' &&
          text_.compare(text_.find_first_not_of(" \t", at_), 2, "==") != 0) {
        const std::string key = token_;
        next_token();
        next_token();
        has_keywords = true;
        if (key == "axis" || key == "dim") {
          axes = axis_names();
        } else if (key == "q") {
          const Value value = binary(1);
          if (value.is_array()) complain("q= takes a number");
          q = value.number;
        } else {
          refuse("'{}': {} takes axis= and q=, not {}=.", text_, name, key);
        }
      } else {
        if (has_keywords) complain("a plain argument after a keyword");
        operands.push_back(binary(1));
      }
    }
    if (std::find(reduction_names().begin(), reduction_names().end(), name) != reduction_names().end()) {
      if (operands.size() != 1 || !operands[0].is_array()) refuse("'{}': {} takes one array, as in {}(x, axis=0).", text_, name, name);
      return reduction(name, operands[0], axes, q);
    }
    if (has_keywords) refuse("'{}': {} takes no axis= and no q=; only reductions do.", text_, name);
    static const std::pair<std::string_view, std::string_view> kOtherNames[] = {{"min", "minimum"}, {"max", "maximum"}};
    std::string wanted = name;
    for (const auto& [other, real] : kOtherNames)
      if (name == other) wanted = real;
    const auto* row = kernels::find_elementwise(wanted);
    if (row == nullptr) {
      std::vector<std::string> names = reduction_names();
      for (const auto& r : kernels::elementwise_table()) names.emplace_back(r.name);
      for (const auto& r : kernels::elementwise_aliases()) names.emplace_back(r.alias);
      const std::string near = suggestion(name, names);
      refuse("'{}': there is no function '{}' (position {}).{}", text_, name, position + 1,
             near.empty() ? " 'freestone steps calc' lists them." : near);
    }
    const int given = static_cast<int>(operands.size()), least = row->arity - static_cast<int>(row->defaults.size());
    if (given < least || given > row->arity)
      refuse("'{}': {} takes {}{} argument{}, not {}.", text_, name, least == row->arity ? "" : fmt::format("{} to ", least), row->arity,
             row->arity == 1 ? "" : "s", given);
    return apply(*row, operands);
  }

  std::vector<std::string> axis_names() {
    std::vector<std::string> names;
    const bool several = take("(");
    do {
      std::string sign;
      if (take("-")) sign = "-";
      if (token_.empty() || (!is_number_ && !is_name_)) complain("the name or number of an axis was expected");
      names.push_back(sign + token_);
      next_token();
    } while (several && take(","));
    if (several && !take(")")) complain("')' was expected");
    return names;
  }

  Value value_of(const astro::SkyArray& array) const {
    Value value;
    value.array = array.data;
    value.dims = array.dims;
    value.unit = array.unit;
    return value;
  }

  Value reduction(const std::string& name, const Value& operand, const std::vector<std::string>& axes, double q) {
    astro::SkyArray plain;
    plain.data = operand.array;
    plain.dims = operand.dims;
    plain.unit = operand.unit;
    std::vector<int> numbers;
    for (const std::string& axis : axes) numbers.push_back(plain.axis(axis));
    numbers = normal_axes(numbers, operand.array.rank());
    Value value;
    if (name == "median")
      value.array = median(operand.array, numbers);
    else if (name == "percentile")
      value.array = percentile(operand.array, q, numbers);
    else if (name == "mad_std")
      value.array = mad_std(operand.array, numbers);
    else
      value.array = reduce(name == "var" ? "variance" : name, operand.array, numbers, {.skip_nan = true});
    for (int k = 0; k < operand.array.rank(); ++k)
      if (std::find(numbers.begin(), numbers.end(), k) == numbers.end()) value.dims.push_back(operand.dims[static_cast<std::size_t>(k)]);
    if (name == "var")
      value.unit = operand.unit.pow(2);
    else if (name != "count")
      value.unit = operand.unit;
    return value;
  }

  /// All dimensions of the operands: those of x in its order, then the others.
  std::vector<std::string> joined_dims(const std::vector<Value>& operands) const {
    std::vector<std::string> dims;
    const auto used = [&](const std::string& dim) {
      return std::any_of(operands.begin(), operands.end(),
                         [&](const Value& v) { return std::find(v.dims.begin(), v.dims.end(), dim) != v.dims.end(); });
    };
    for (const std::string& dim : x_.dims)
      if (used(dim)) dims.push_back(dim);
    for (const Value& value : operands)
      for (const std::string& dim : value.dims)
        if (std::find(dims.begin(), dims.end(), dim) == dims.end()) dims.push_back(dim);
    return dims;
  }

  static Array with_dims(const Value& value, const std::vector<std::string>& dims) {
    Array array = value.array;
    std::vector<int> order;
    for (const std::string& dim : dims) {
      const auto found = std::find(value.dims.begin(), value.dims.end(), dim);
      if (found != value.dims.end()) order.push_back(static_cast<int>(found - value.dims.begin()));
    }
    if (!std::is_sorted(order.begin(), order.end())) array = transpose(array, order);
    // Leading axes that are missing are no matter: NumPy's rule adds them.
    for (std::size_t k = 0, seen = 0; k < dims.size(); ++k) {
      const bool has = std::find(value.dims.begin(), value.dims.end(), dims[k]) != value.dims.end();
      if (!has && seen > 0) array = expand_dims(array, static_cast<int>(seen));
      if (has || seen > 0) ++seen;
    }
    return array;
  }

  /// The unit of the result; operands that are added or compared are brought to one unit.
  Unit meet_units(const kernels::ElementwiseRow& row, std::vector<Value>& operands) const {
    const std::string_view name = row.name;
    if (name == "multiply") return operands[0].unit * operands[1].unit;
    if (name == "divide" || name == "floor_divide") return operands[0].unit / operands[1].unit;
    if (name == "square") return operands[0].unit.pow(2);
    if (name == "sqrt") return operands[0].unit.pow(1, 2);
    if (name == "cbrt") return operands[0].unit.pow(1, 3);
    if (name == "reciprocal") return Unit() / operands[0].unit;
    if (name == "power") {
      if (!operands[1].is_array() && operands[1].number == std::floor(operands[1].number) && std::abs(operands[1].number) <= 32)
        return operands[0].unit.pow(static_cast<int>(operands[1].number));
      return {};
    }
    const bool alike = is_one_of(
        name, {"add", "subtract", "minimum", "maximum", "fmin", "fmax", "hypot", "remainder", "fmod", "nextafter", "clip", "where"});
    const bool compares = is_one_of(name, {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isclose"});
    if (alike || compares) {
      std::optional<Unit> unit;
      for (std::size_t k = name == "where" ? 1 : 0; k < operands.size(); ++k) {
        Value& value = operands[k];
        if (!value.is_array()) continue;
        if (!unit) {
          unit = value.unit;
        } else if (!(value.unit == *unit)) {
          if (!value.unit.converts_to(*unit))
            fail(ErrorKind::kUser,
                 "'{}': {} of '{}' and '{}': these units do not convert to each other. Convert one with the step to-units, or give --unit.",
                 text_, name, unit->to_string(), value.unit.to_string());
          value.array = elementwise("multiply", {value.array, conversion_factor(value.unit, *unit)});
        }
      }
      return alike && unit ? *unit : Unit();
    }
    if (is_one_of(name, {"negative", "positive", "absolute", "fabs", "conjugate", "real", "imag", "copysign", "floor", "ceil", "trunc",
                         "round", "rint", "nan_to_num", "modf_fraction", "modf_whole", "ldexp", "frexp_mantissa"}))
      return operands[0].unit;
    return {};
  }

  Value apply(const kernels::ElementwiseRow& row, std::vector<Value> operands) {
    Value result;
    if (std::none_of(operands.begin(), operands.end(), [](const Value& v) { return v.is_array(); })) return constant(row, operands);
    result.unit = meet_units(row, operands);
    result.dims = joined_dims(operands);
    std::vector<Operand> arguments;
    for (const Value& value : operands) {
      if (value.is_array())
        arguments.emplace_back(with_dims(value, result.dims));
      else if (value.whole && std::abs(value.number) < 9e15)
        arguments.emplace_back(static_cast<std::int64_t>(value.number));
      else
        arguments.emplace_back(value.number);
    }
    result.array = elementwise(row.name, arguments);
    return result;
  }

  /// Numbers alone are computed here; what is no plain arithmetic waits for an array.
  Value constant(const kernels::ElementwiseRow& row, const std::vector<Value>& operands) const {
    Value result;
    const double a = operands[0].number, b = operands.size() > 1 ? operands[1].number : 0;
    result.whole = operands[0].whole && (operands.size() < 2 || operands[1].whole) && row.name != "divide";
    if (row.name == "add")
      result.number = a + b;
    else if (row.name == "subtract")
      result.number = a - b;
    else if (row.name == "multiply")
      result.number = a * b;
    else if (row.name == "divide")
      result.number = a / b;
    else if (row.name == "power")
      result.number = std::pow(a, b), result.whole = result.whole && b >= 0;
    else if (const auto* one = row_of(kOfOneNumber, row.name); one != nullptr && operands.size() == 1)
      result.number = one->function(a), result.whole = result.whole && one->keeps_whole;
    else if (const auto* two = row_of(kOfTwoNumbers, row.name); two != nullptr && operands.size() == 2)
      result.number = two->function(a, b), result.whole = result.whole && two->keeps_whole;
    else
      refuse("'{}': {} of numbers alone is not available; at least one operand must be an array.", text_, row.name);
    return result;
  }

  /// Brackets a thousand deep would overrun the stack.
  struct Depth {
    explicit Depth(Evaluator& of) : evaluator(of) {
      if (++evaluator.depth_ > 2000) refuse("The expression is nested too deeply.");
    }
    ~Depth() { --evaluator.depth_; }
    Depth(const Depth&) = delete;
    Evaluator& evaluator;
  };

  const std::string& text_;
  const astro::SkyArray& x_;
  const std::map<std::string, astro::SkyArray>& named_;
  bool has_x_;
  std::size_t at_ = 0, begin_ = 0;
  std::string token_;
  bool is_number_ = false, is_name_ = false;
  double number_ = 0;
  int depth_ = 0;
};

}  // namespace

ExpressionResult evaluate(const std::string& text, const astro::SkyArray& x, const std::map<std::string, astro::SkyArray>& named, bool has_x) {
  Value value = Evaluator(text, x, named, has_x).whole();
  if (!value.is_array()) refuse("'{}' is a number: an expression needs an array, such as x.", text);
  return {value.array, value.dims, value.unit};
}

}  // namespace freestone::cli
