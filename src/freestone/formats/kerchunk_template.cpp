#include "freestone/formats/kerchunk_template.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "freestone/base/error.h"

namespace freestone::formats::kerchunk {
namespace {

constexpr int kDeepest = 32;

/// What is thrown where an expression is none that is evaluated; it never leaves this file.
struct NotEvaluated {};

std::string text_of(const TemplateValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&value)) {
    // As Python writes it: 2.0, not 2.
    std::string text = fmt::format("{}", *number);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  return std::get<std::string>(value);
}

class Expression {
 public:
  Expression(std::string_view text, const std::map<std::string, std::string>& templates, const TemplateNames& names, int depth)
      : text_(text), templates_(templates), names_(names), depth_(depth) {
    if (depth > kDeepest) throw NotEvaluated();
  }

  TemplateValue value() {
    const TemplateValue out = sum();
    skip();
    if (at_ != text_.size()) throw NotEvaluated();
    return out;
  }

  static std::string filled_in(const std::string& text, const std::map<std::string, std::string>& templates, const TemplateNames& names, int depth) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t open; (open = text.find("{{", at)) != std::string::npos;) {
      const std::size_t close = text.find("}}", open);
      if (close == std::string::npos) throw NotEvaluated();
      out += text.substr(at, open - at) + text_of(Expression(std::string_view(text).substr(open + 2, close - open - 2), templates, names, depth + 1).value());
      at = close + 2;
    }
    return out + text.substr(at);
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(std::string_view word) {
    skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  static bool is_letter(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  TemplateValue sum() {
    TemplateValue left = product();
    while (true) {
      if (take("+")) {
        left = calculated('+', left, product());
      } else if (take("-")) {
        left = calculated('-', left, product());
      } else {
        return left;
      }
    }
  }
  TemplateValue product() {
    TemplateValue left = power();
    while (true) {
      skip();
      if (text_.substr(at_).starts_with("**")) return left;
      if (take("//")) {
        left = calculated('f', left, power());
      } else if (take("*")) {
        left = calculated('*', left, power());
      } else if (take("/")) {
        left = calculated('/', left, power());
      } else if (take("%")) {
        left = calculated('%', left, power());
      } else {
        return left;
      }
    }
  }
  TemplateValue power() {
    if (++depth_ > kDeepest) throw NotEvaluated();
    TemplateValue out = take("-") ? calculated('-', std::int64_t{0}, power()) : operand();
    if (take("**")) out = calculated('p', out, power());
    --depth_;
    return out;
  }
  TemplateValue operand() {
    skip();
    if (take("(")) {
      if (++depth_ > kDeepest) throw NotEvaluated();
      const TemplateValue out = sum();
      --depth_;
      if (!take(")")) throw NotEvaluated();
      return out;
    }
    if (at_ >= text_.size()) throw NotEvaluated();
    const char first = text_[at_];
    if (first == '\'' || first == '"') {
      const auto end = text_.find(first, at_ + 1);
      if (end == std::string_view::npos) throw NotEvaluated();
      const std::string out(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      return out;
    }
    const std::size_t from = at_;
    if (is_digit(first)) {
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
      std::int64_t whole = 0;
      if (std::from_chars(text_.data() + from, text_.data() + at_, whole).ec != std::errc()) throw NotEvaluated();
      if (at_ >= text_.size() || text_[at_] != '.') return whole;
      double number = 0;
      const auto [end, error] = std::from_chars(text_.data() + from, text_.data() + text_.size(), number, std::chars_format::fixed);
      if (error != std::errc()) throw NotEvaluated();
      at_ = static_cast<std::size_t>(end - text_.data());
      return number;
    }
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string name(text_.substr(from, at_ - from));
    if (name.empty()) throw NotEvaluated();
    TemplateNames given = names_;
    const bool is_called = take("(");
    while (is_called && !take(")")) {
      skip();
      const std::size_t start = at_;
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
      const std::string word(text_.substr(start, at_ - start));
      if (word.empty() || !take("=")) throw NotEvaluated();
      given[word] = sum();
      if (!take(",") && !text_.substr(at_).starts_with(")")) {
        skip();
        if (!text_.substr(at_).starts_with(")")) throw NotEvaluated();
      }
    }
    if (!is_called) {
      if (const auto found = names_.find(name); found != names_.end()) return found->second;
    }
    const auto found = templates_.find(name);
    if (found == templates_.end()) throw NotEvaluated();
    return filled_in(found->second, templates_, given, depth_);
  }

  static TemplateValue calculated(char sign, const TemplateValue& a, const TemplateValue& b) {
    const auto *m = std::get_if<std::int64_t>(&a), *n = std::get_if<std::int64_t>(&b);
    if (std::holds_alternative<std::string>(a) || std::holds_alternative<std::string>(b)) {
      if (sign == '+' && a.index() == b.index()) return std::get<std::string>(a) + std::get<std::string>(b);
      throw NotEvaluated();
    }
    if (m != nullptr && n != nullptr && sign != '/') {
      std::int64_t out = 0;
      bool is_over = false;
      switch (sign) {
        case '+': is_over = __builtin_add_overflow(*m, *n, &out); break;
        case '-': is_over = __builtin_sub_overflow(*m, *n, &out); break;
        case '*': is_over = __builtin_mul_overflow(*m, *n, &out); break;
        case 'p':
          out = 1;
          if (*n < 0 || *n > 64) throw NotEvaluated();
          for (std::int64_t i = 0; i < *n; ++i) is_over = __builtin_mul_overflow(out, *m, &out) || is_over;
          break;
        default: {
          if (*n == 0 || (*m == INT64_MIN && *n == -1)) throw NotEvaluated();
          // As Python has them: downward, and with the sign of the divisor.
          const std::int64_t rest = *m % *n, down = *m / *n - (rest != 0 && (rest < 0) != (*n < 0));
          out = sign == 'f' ? down : *m - down * *n;
        }
      }
      if (is_over) throw NotEvaluated();
      return out;
    }
    const auto number = [](const TemplateValue& v) { return v.index() == 0 ? static_cast<double>(std::get<std::int64_t>(v)) : std::get<double>(v); };
    const double x = number(a), y = number(b);
    switch (sign) {
      case '+': return x + y;
      case '-': return x - y;
      case '*': return x * y;
      case '/':
        if (y == 0) throw NotEvaluated();
        return x / y;
      default: throw NotEvaluated();
    }
  }

  std::string_view text_;
  const std::map<std::string, std::string>& templates_;
  const TemplateNames& names_;
  int depth_;
  std::size_t at_ = 0;
};

struct Axis {
  std::string name;
  std::vector<TemplateValue> values;
  std::int64_t start = 0, step = 1, count = 0;
  bool is_listed = false;
  TemplateValue value(std::int64_t i) const { return is_listed ? values[static_cast<std::size_t>(i)] : TemplateValue(start + i * step); }
};

Axis axis_from(const std::string& file, const std::string& name, const nlohmann::json& value) {
  Axis out{.name = name};
  if (value.is_array()) {
    out.is_listed = true;
    for (const auto& one : value) {
      if (one.is_number_integer()) {
        out.values.emplace_back(one.get<std::int64_t>());
      } else if (one.is_number()) {
        out.values.emplace_back(one.get<double>());
      } else if (one.is_string()) {
        out.values.emplace_back(one.get<std::string>());
      } else {
        fail(ErrorKind::kData, "{}: gen: dimensions: '{}' holds what is neither a number nor a text.", file, name);
      }
    }
    out.count = static_cast<std::int64_t>(out.values.size());
    return out;
  }
  const auto whole = [&](const char* key, std::int64_t otherwise) {
    const auto found = value.find(key);
    if (found == value.end()) return otherwise;
    if (!found->is_number_integer() || std::abs(found->get<double>()) > 1e15) fail(ErrorKind::kData, "{}: gen: dimensions: '{}': {} is no whole number.", file, name, key);
    return found->get<std::int64_t>();
  };
  if (!value.is_object() || !value.contains("stop")) fail(ErrorKind::kData, "{}: gen: dimensions: '{}' is neither a list nor has it a 'stop'.", file, name);
  out.start = whole("start", 0);
  out.step = whole("step", 1);
  const std::int64_t stop = whole("stop", 0);
  if (out.step == 0) fail(ErrorKind::kData, "{}: gen: dimensions: '{}' has steps of 0.", file, name);
  const std::int64_t way = out.step > 0 ? stop - out.start : out.start - stop, step = std::abs(out.step);
  out.count = way <= 0 ? 0 : (way + step - 1) / step;
  return out;
}

}  // namespace

std::optional<std::string> Templates::filled_in(const std::string& text, const TemplateNames& names) const {
  try {
    return Expression::filled_in(text, texts_, names, 0);
  } catch (const NotEvaluated&) {
    return std::nullopt;
  }
}

void generate(const std::string& file, const nlohmann::json& gen, const Templates& templates, std::int64_t most,
              const std::function<void(const std::string& key, nlohmann::json value)>& reference) {
  if (!gen.is_array()) fail(ErrorKind::kData, "{}: gen is no list.", file);
  std::int64_t made = 0;
  for (const auto& one : gen) {
    const auto text = [&](const char* key) -> std::string {
      const auto found = one.find(key);
      if (found == one.end()) return "";
      if (found->is_string()) return found->get<std::string>();
      if (found->is_number_integer()) return std::to_string(found->get<std::int64_t>());
      fail(ErrorKind::kData, "{}: gen: '{}' is no text.", file, key);
    };
    if (!one.is_object()) fail(ErrorKind::kData, "{}: gen holds what is no object.", file);
    const std::string key = text("key"), url = text("url"), offset = text("offset"), length = text("length");
    if (key.empty() || url.empty() || offset.empty() != length.empty()) {
      fail(ErrorKind::kData, "{}: gen: an entry needs 'key' and 'url', and 'offset' and 'length' both or neither.", file);
    }
    std::vector<Axis> axes;
    std::int64_t count = 1;
    const auto dimensions = one.find("dimensions");
    if (dimensions == one.end() || !dimensions->is_object()) fail(ErrorKind::kData, "{}: gen: an entry has no 'dimensions'.", file);
    for (const auto& [name, value] : dimensions->items()) {
      axes.push_back(axis_from(file, name, value));
      if (__builtin_mul_overflow(count, axes.back().count, &count)) count = most + 1;
      if (count > most - made) fail(ErrorKind::kUser, "{}: gen makes more than {} references.", file, most);
    }
    made += count;
    for (std::int64_t i = 0; i < count; ++i) {
      TemplateNames names;
      std::int64_t rest = i;
      for (std::size_t k = axes.size(); k-- > 0;) {
        names[axes[k].name] = axes[k].value(rest % axes[k].count);
        rest /= axes[k].count;
      }
      const auto filled = [&](const std::string& template_text) {
        auto out = templates.filled_in(template_text, names);
        if (!out) fail(ErrorKind::kUser, "{}: gen: '{}' is an expression that Freestone does not evaluate.", file, template_text);
        return *out;
      };
      const auto whole = [&](const std::string& template_text) {
        const std::string number = filled(template_text);
        std::uint64_t out = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out);
        if (error != std::errc() || end != number.data() + number.size()) {
          fail(ErrorKind::kData, "{}: gen: '{}' gives '{}', which is no whole number from 0 on.", file, template_text, number);
        }
        return out;
      };
      nlohmann::json value = nlohmann::json::array({filled(url)});
      if (!offset.empty()) value.insert(value.end(), {whole(offset), whole(length)});
      reference(filled(key), std::move(value));
    }
  }
}

}  // namespace freestone::formats::kerchunk
