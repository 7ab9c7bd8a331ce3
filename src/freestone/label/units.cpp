#include "freestone/label/units.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "freestone/base/error.h"
#include "freestone/label/unit_table.h"

namespace freestone {
namespace {

constexpr int kMaxPower = 16;

double times_power_of_ten(double value, int exponent) {
  // 10^n is exact up to 22: dividing by it rounds once, multiplying by 10^-n would round twice.
  return exponent >= 0 ? value * std::pow(10.0, exponent) : value / std::pow(10.0, -exponent);
}

/// 0.001 as 1 x 10^-3.
DecimalScale regular(DecimalScale s) {
  if (s.mantissa > 0 && std::isfinite(s.mantissa)) {
    const int tens = static_cast<int>(std::lround(std::log10(s.mantissa)));
    if (tens != 0 && std::abs(tens) <= 300 && times_power_of_ten(1, tens) == s.mantissa) return {1, s.exponent + tens};
  }
  return s;
}

DecimalScale power_of(const DecimalScale& s, Power p) {
  const int tens = s.exponent * p.numerator;
  const int whole = tens / p.denominator;
  const int rest = tens - whole * p.denominator;
  double mantissa = s.mantissa == 1 ? 1 : std::pow(s.mantissa, static_cast<double>(p.numerator) / p.denominator);
  if (rest != 0) mantissa *= std::pow(10.0, static_cast<double>(rest) / p.denominator);
  return regular({mantissa, whole});
}

DecimalScale product(const DecimalScale& a, const DecimalScale& b, int sign) {
  return regular({sign > 0 ? a.mantissa * b.mantissa : a.mantissa / b.mantissa, a.exponent + sign * b.exponent});
}

Power reduced(long long numerator, long long denominator) {
  if (denominator < 0) numerator = -numerator, denominator = -denominator;
  const long long divisor = std::max<long long>(1, std::gcd(numerator, denominator));
  return {static_cast<int>(numerator / divisor), static_cast<int>(denominator / divisor)};
}
Power sum(Power a, Power b, int sign) {
  return reduced(static_cast<long long>(a.numerator) * b.denominator + static_cast<long long>(sign) * b.numerator * a.denominator,
                 static_cast<long long>(a.denominator) * b.denominator);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// A unit of the table, perhaps with a prefix.
struct Known {
  std::string symbol;
  const UnitRow* row = nullptr;
  int prefix_exponent = 0;
};

std::optional<Known> find_exact(std::string_view name) {
  for (const UnitRow& row : unit_table())
    if (row.symbol == name) return Known{row.symbol, &row, 0};
  for (const PrefixRow& prefix : prefix_table()) {
    if (!name.starts_with(prefix.symbol)) continue;
    const std::string_view rest = name.substr(prefix.symbol.size());
    for (const UnitRow& row : unit_table())
      if (row.prefixes && row.symbol == rest)
        return Known{(prefix.exponent == -6 ? "u" : std::string(prefix.symbol)) + row.symbol, &row, prefix.exponent};
  }
  return std::nullopt;
}

std::optional<Known> find_in_any_case(std::string_view name) {
  const std::string wanted = lower(name);
  for (const UnitRow& row : unit_table()) {
    if (lower(row.symbol) == wanted) return Known{row.symbol, &row, 0};
    for (const std::string& other : row.other_names)
      if (lower(other) == wanted) return Known{row.symbol, &row, 0};
  }
  if (wanted.size() < 2) return std::nullopt;
  const std::string rest = wanted.substr(1);
  for (const UnitRow& row : unit_table()) {
    if (!row.prefixes || lower(row.symbol) != rest) continue;
    std::string prefix(1, wanted[0]);
    // Milli or mega, when the case says nothing: what is in use for that unit.
    if (prefix == "m" && (rest == "hz" || rest == "pc" || rest == "ev" || rest == "yr" || (rest == "jy" && name[0] == 'M'))) prefix = "M";
    if (prefix == "g" || prefix == "t") prefix[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(prefix[0])));
    if (std::string_view("kcmMunGT").find(prefix[0]) == std::string_view::npos) continue;
    return find_exact(prefix + row.symbol);
  }
  return std::nullopt;
}

std::vector<std::string> known_symbols() {
  std::vector<std::string> names;
  for (const UnitRow& row : unit_table()) {
    names.push_back(row.symbol);
    names.insert(names.end(), row.other_names.begin(), row.other_names.end());
  }
  return names;
}

}  // namespace

/// Recursive descent over: groups parted by '/', each a product of terms; a term is a number, a name or a group in parentheses, with a
/// power.
class UnitReader {
 public:
  explicit UnitReader(std::string_view text) : text_(text) {}

  Unit read() {
    Unit unit = read_quotient();
    if (at_ < text_.size()) complain(text_.substr(at_));
    if (!(unit.scale_.mantissa > 1e-200 && unit.scale_.mantissa < 1e200) || std::abs(unit.scale_.exponent) > 300) complain(text_);
    return unit;
  }

 private:
  [[noreturn]] void complain(std::string_view part) const {
    fail(ErrorKind::kUser, "'{}' is not a unit: '{}' is not understood.{} Units are written as in FITS: Jy/beam, km/s, erg s-1 cm-2.",
         text_, part, suggestion(part, known_symbols()));
  }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool digit(std::size_t ahead = 0) const { return std::isdigit(static_cast<unsigned char>(peek(ahead))) != 0; }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }

  Unit read_quotient() {
    if (++depth_ > 32) complain("(((");
    Unit unit = read_product();
    for (skip_blanks(); peek() == '/'; skip_blanks()) {
      ++at_;
      const std::size_t start = at_;
      const Unit divisor = read_product();
      if (at_ == start) complain(text_.substr(start));
      unit.multiply(divisor, -1);
    }
    --depth_;
    return unit;
  }

  Unit read_product() {
    Unit unit;
    for (bool first = true;; first = false) {
      skip_blanks();
      bool separated = false;
      if (!first && (peek() == '*' || peek() == '.')) ++at_, separated = true;
      skip_blanks();
      if (peek() == '/' || peek() == ')' || peek() == '\0') {
        if (separated) complain(text_);
        return unit;
      }
      unit.multiply(read_term(), 1);
    }
  }

  Unit read_term() {
    if (digit() || (peek() == '.' && digit(1))) return read_number();
    if (peek() == '(') {
      Unit inner = read_group();
      const Power power = read_power();
      return inner.pow(power.numerator, power.denominator);
    }
    const std::size_t start = at_;
    while (std::isalpha(static_cast<unsigned char>(peek())) || peek() == '_' || peek() == '%' || static_cast<unsigned char>(peek()) >= 0x80)
      ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (name.empty()) complain(text_.substr(start));
    if (name == "sqrt" && peek() == '(') return read_group().pow(1, 2);
    const Power power = read_power();
    return named(name).pow(power.numerator, power.denominator);
  }

  Unit read_group() {
    const std::size_t start = at_++;
    Unit inner = read_quotient();
    if (peek() != ')') complain(text_.substr(start));
    ++at_;
    return inner;
  }

  Unit named(std::string_view name) const {
    std::optional<Known> known = find_exact(name);
    if (!known) known = find_in_any_case(name);
    if (!known) complain(name);
    Unit unit;
    unit.scale_ = {known->row->mantissa, known->row->exponent + known->prefix_exponent};
    unit.factors_.push_back({known->symbol, {1, 1}});
    for (const auto& [symbol, power] : known->row->bases) unit.bases_.push_back({symbol, {power, 1}});
    std::sort(unit.bases_.begin(), unit.bases_.end(), [](const auto& a, const auto& b) { return a.symbol < b.symbol; });
    return unit;
  }

  /// "1e-20", "10**(-20)", "10^-20", "10-20", "0.001".
  Unit read_number() {
    const std::size_t start = at_;
    double mantissa = 0;
    const char* const end = text_.data() + text_.size();
    const auto [rest, code] = std::from_chars(text_.data() + at_, end, mantissa, std::chars_format::fixed);
    if (code != std::errc()) complain(text_.substr(start));
    at_ = static_cast<std::size_t>(rest - text_.data());
    int exponent = 0;
    const bool with_exponent = (peek() == 'e' || peek() == 'E') && (digit(1) || ((peek(1) == '-' || peek(1) == '+') && digit(2)));
    if (with_exponent) {
      ++at_;
      exponent = read_integer();
    }
    DecimalScale number = regular({mantissa, exponent});
    const bool power_follows = text_.substr(at_).starts_with("**") || peek() == '^';
    const bool bare_power = mantissa == 10 && !with_exponent && (peek() == '-' || peek() == '+') && digit(1);
    if (power_follows || bare_power) number = power_of(number, read_power(300));
    if (!(number.mantissa > 0) || !std::isfinite(number.mantissa) || std::abs(number.exponent) > 300)
      complain(text_.substr(start, at_ - start));
    Unit unit;
    unit.number_ = unit.scale_ = number;
    return unit;
  }

  int read_integer() {
    const std::size_t start = at_;
    if (peek() == '+') ++at_;
    int value = 0;
    const auto [rest, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (code != std::errc() || std::abs(value) > 300) complain(text_.substr(start));
    at_ = static_cast<std::size_t>(rest - text_.data());
    return value;
  }

  /// "2", "-1", "+2", "**2", "^-1", "(-1)", "(1/2)", "**0.5"; 1 when there is none.
  Power read_power(int limit = kMaxPower) {
    if (text_.substr(at_).starts_with("**"))
      at_ += 2;
    else if (peek() == '^')
      ++at_;
    else if (!digit() && !((peek() == '-' || peek() == '+') && digit(1)) &&
             !(peek() == '(' && (digit(1) || peek(1) == '-' || peek(1) == '+')))
      return {1, 1};
    const std::size_t start = at_;
    const bool parenthesis = peek() == '(';
    if (parenthesis) ++at_;
    skip_blanks();
    Power power{read_integer(), 1};
    const bool negative = text_[parenthesis ? start + 1 : start] == '-';
    if (peek() == '.' && digit(1)) {
      ++at_;
      long long value = std::abs(power.numerator), denominator = 1;
      for (; digit() && denominator < 1000000; ++at_) value = value * 10 + (peek() - '0'), denominator *= 10;
      power = reduced(negative ? -value : value, denominator);
    } else if (parenthesis && peek() == '/') {
      ++at_;
      const int denominator = read_integer();
      if (denominator == 0) complain(text_.substr(start));
      power = reduced(power.numerator, denominator);
    }
    skip_blanks();
    if (parenthesis) {
      if (peek() != ')') complain(text_.substr(start));
      ++at_;
    }
    if (std::abs(power.numerator) > limit || power.denominator > limit) complain(text_.substr(start, at_ - start));
    return power;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Unit Unit::parse(std::string_view text) { return UnitReader(text).read(); }

Unit Unit::parse_or_opaque(std::string_view text) {
  try {
    return parse(text);
  } catch (const Error&) {
    Unit unit;
    const auto first = text.find_first_not_of(' ');
    const auto last = text.find_last_not_of(' ');
    const std::string name(first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1));
    unit.factors_.push_back({name, {1, 1}});
    unit.bases_.push_back({"'" + name + "'", {1, 1}});
    return unit;
  }
}

bool Unit::is_dimensionless() const { return bases_.empty(); }
bool Unit::converts_to(const Unit& other) const { return bases_ == other.bases_; }
bool Unit::contains(std::string_view symbol) const {
  return std::any_of(factors_.begin(), factors_.end(), [&](const Factor& f) { return f.symbol == symbol; });
}

void Unit::multiply(const Unit& other, int sign) {
  number_ = product(number_, other.number_, sign);
  scale_ = product(scale_, other.scale_, sign);
  const auto add = [sign](auto& list, const auto& item) {
    const auto at = std::find_if(list.begin(), list.end(), [&](const auto& have) { return have.symbol == item.symbol; });
    if (at == list.end()) {
      list.push_back({item.symbol, {sign * item.power.numerator, item.power.denominator}});
      return;
    }
    at->power = sum(at->power, item.power, sign);
    if (at->power.numerator == 0) list.erase(at);
  };
  for (const Factor& factor : other.factors_) add(factors_, factor);
  for (const Base& base : other.bases_) add(bases_, base);
  std::sort(bases_.begin(), bases_.end(), [](const Base& a, const Base& b) { return a.symbol < b.symbol; });
}

Unit Unit::pow(int numerator, int denominator) const {
  if (denominator == 0) fail(ErrorKind::kUser, "The unit '{}' cannot be raised to the power {}/0.", to_string(), numerator);
  const Power p = reduced(numerator, denominator);
  if (p.numerator == 0) return Unit();
  Unit out = *this;
  out.number_ = power_of(number_, p);
  out.scale_ = power_of(scale_, p);
  const auto raise = [p](Power q) {
    return reduced(static_cast<long long>(q.numerator) * p.numerator, static_cast<long long>(q.denominator) * p.denominator);
  };
  for (Factor& factor : out.factors_) factor.power = raise(factor.power);
  for (Base& base : out.bases_) base.power = raise(base.power);
  return out;
}

Unit operator*(const Unit& a, const Unit& b) {
  Unit out = a;
  out.multiply(b, 1);
  return out;
}
Unit operator/(const Unit& a, const Unit& b) {
  Unit out = a;
  out.multiply(b, -1);
  return out;
}

bool operator==(const Unit& a, const Unit& b) {
  return a.converts_to(b) &&
         std::abs(times_power_of_ten(a.scale_.mantissa / b.scale_.mantissa, a.scale_.exponent - b.scale_.exponent) - 1) < 1e-14;
}

std::string Unit::to_string() const {
  std::string text;
  const auto append = [&text](const std::string& part) {
    if (!text.empty()) text += ' ';
    text += part;
  };
  if (number_.mantissa == 1 && number_.exponent != 0)
    append(fmt::format("10**{}", number_.exponent));
  else if (number_.mantissa != 1)
    append(format_number(times_power_of_ten(number_.mantissa, number_.exponent)));

  const auto negative = [](const Factor& f) { return f.power.numerator < 0; };
  std::vector<Factor> ordered = factors_;
  std::stable_partition(ordered.begin(), ordered.end(), [&](const Factor& f) { return !negative(f); });
  const auto negatives = std::count_if(ordered.begin(), ordered.end(), negative);
  const bool slash = negatives == 1 && ordered.size() > 1 && ordered.back().power == Power{-1, 1};
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const Power p = ordered[i].power;
    if (slash && i + 1 == ordered.size())
      text += "/" + ordered[i].symbol;
    else if (p.denominator != 1)
      append(fmt::format("{}({}/{})", ordered[i].symbol, p.numerator, p.denominator));
    else if (p.numerator != 1)
      append(fmt::format("{}{}", ordered[i].symbol, p.numerator));
    else
      append(ordered[i].symbol);
  }
  return text;
}

double conversion_factor(const Unit& from, const Unit& to) {
  if (!from.converts_to(to))
    fail(ErrorKind::kUser, "'{}' cannot be converted to '{}': they measure different things.", from.to_string(), to.to_string());
  return times_power_of_ten(from.scale_.mantissa / to.scale_.mantissa, from.scale_.exponent - to.scale_.exponent);
}

Quantity parse_quantity(std::string_view text) {
  std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) start = text.size();
  if (start < text.size() && text[start] == '+') ++start;
  double value = 0;
  const auto [rest, code] = std::from_chars(text.data() + start, text.data() + text.size(), value);
  if (code != std::errc() || !std::isfinite(value))
    fail(ErrorKind::kUser, "'{}' is not a quantity. Write a number and a unit, such as 115.27GHz, 100 km/s or 1.08arcsec.", text);
  const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  if (!unit.empty() && (unit[0] == '.' || std::isdigit(static_cast<unsigned char>(unit[0]))))
    fail(ErrorKind::kUser, "'{}' is not a number and a unit.", text);
  return {value, Unit::parse(unit)};
}

}  // namespace freestone
