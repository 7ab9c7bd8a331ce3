#include "freestone/cli/arguments.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace freestone::cli {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\n") - first + 1));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0;;) {
    const auto end = text.find(separator, at);
    parts.push_back(trimmed(text.substr(at, end == std::string_view::npos ? end : end - at)));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

Index parse_integer(std::string_view text, const std::string& what) {
  Index value = 0;
  const auto digits = !text.empty() && text.front() == '+' ? text.substr(1) : text;
  const auto [rest, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || rest != digits.data() + digits.size()) refuse("{} must be a whole number, not '{}'.", what, text);
  return value;
}

double parse_number(std::string_view text, const std::string& what) {
  double value = 0;
  const auto digits = !text.empty() && text.front() == '+' ? text.substr(1) : text;
  const auto [rest, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || rest != digits.data() + digits.size() || !std::isfinite(value))
    refuse("{} must be a number, not '{}'.", what, text);
  return value;
}

Arguments::Arguments(std::span<const std::string> words, const std::vector<OptionRow>& rows, std::string where) : where_(std::move(where)) {
  bool options_ended = false;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    const bool looks_like_option =
        word.size() > 1 && word[0] == '-' && (word[1] == '-' || std::isalpha(static_cast<unsigned char>(word[1])));
    if (options_ended || !looks_like_option) {
      words_.push_back(word);
      continue;
    }
    if (word == "--") {
      options_ended = true;
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    auto row = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& r) { return !r.is_any_name && "--" + r.name == name; });
    if (row == rows.end() && name.starts_with("--")) row = std::find_if(rows.begin(), rows.end(), [](const OptionRow& r) { return r.is_any_name; });
    if (row == rows.end()) {
      std::vector<std::string> names;
      for (const OptionRow& r : rows) names.push_back("--" + r.name);
      const std::string near = suggestion(name, names);
      refuse("{}there is no option {}.{}", where_, name,
             !near.empty()   ? near
             : names.empty() ? " It takes none."
                             : fmt::format(" It takes {}.", fmt::join(names, ", ")));
    }
    std::string value;
    if (row->value.empty()) {
      if (equals != std::string::npos) refuse("{}{} takes no value.", where_, name);
    } else if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else {
      if (at + 1 >= words.size()) refuse("{}{} needs a value: {} {}.", where_, name, name, row->value);
      value = words[++at];
    }
    if (!row->choices.empty() && std::find(row->choices.begin(), row->choices.end(), value) == row->choices.end())
      refuse("{}{} is one of {}, not '{}'.{}", where_, name, fmt::join(row->choices, ", "), value, suggestion(value, row->choices));
    if (row->is_any_name) {
      const auto twice = std::find_if(others_.begin(), others_.end(), [&](const auto& other) { return other.first == name.substr(2); });
      if (twice != others_.end()) refuse("{}{} is given twice.", where_, name);
      others_.emplace_back(name.substr(2), value);
      continue;
    }
    auto& held = values_[row->name];
    if (!held.empty() && !row->repeats) refuse("{}{} is given twice.", where_, name);
    held.push_back(value);
  }
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second.front();
}

std::vector<std::string> Arguments::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Index Arguments::integer(const std::string& name, Index otherwise, Index least) const {
  if (!has(name)) return otherwise;
  const Index value = parse_integer(text(name), where_ + "--" + name);
  if (value < least) refuse("{}--{} must be at least {}, not {}.", where_, name, least, value);
  return value;
}

double Arguments::number(const std::string& name, double otherwise) const {
  return has(name) ? parse_number(text(name), where_ + "--" + name) : otherwise;
}

std::vector<std::string> Arguments::list(const std::string& name, std::vector<std::string> otherwise) const {
  if (!has(name)) return otherwise;
  auto parts = split(text(name), ',');
  if (std::find(parts.begin(), parts.end(), "") != parts.end()) refuse("{}--{} '{}': a name is missing.", where_, name, text(name));
  return parts;
}

std::string option_help(const std::vector<OptionRow>& rows) {
  std::size_t width = 0;
  const auto left = [](const OptionRow& row) { return "--" + row.name + (row.value.empty() ? "" : " " + row.value); };
  for (const OptionRow& row : rows) width = std::max(width, left(row).size());
  std::string text;
  for (const OptionRow& row : rows) text += fmt::format("  {:<{}}  {}\n", left(row), width, row.help);
  return text;
}

}  // namespace freestone::cli
