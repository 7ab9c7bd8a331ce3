#include "freestone/formats/zarr_json.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace freestone::formats::zarr {
namespace {

// Deeper than any metadata; JSON is taken apart again by recursion.
constexpr int kDeepest = 100;
// Starts the string that a bare number became: no text begins with it by accident.
constexpr std::string_view kMark = "\\u0001";
constexpr char kMarked = '\1';
constexpr std::string_view kWords[] = {"NaN", "Infinity", "-Infinity"};

/// The text with bare words as strings.
std::string without_bare_words(const std::string& name, std::string_view text) {
  std::string out;
  out.reserve(text.size());
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < text.size()) out += text[++i];
      if (c == '"') in_string = false;
      continue;
    }
    in_string = c == '"';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kDeepest) fail(ErrorKind::kData, "{}: it is nested more than {} deep. The file is damaged.", name, kDeepest);
    std::string_view word;
    for (const std::string_view w : kWords) {
      if (text.substr(i).starts_with(w)) word = w;
    }
    if (word.empty()) {
      out += c;
    } else {
      out += fmt::format("\"{}{}\"", kMark, word);
      i += word.size() - 1;
    }
  }
  return out;
}

}  // namespace

Json parse_json(const std::string& name, std::string_view text) {
  Json json = Json::parse(without_bare_words(name, text), nullptr, false);
  if (json.is_discarded()) fail(ErrorKind::kData, "{}: it is not JSON. The file is damaged, or was cut short.", name);
  if (!json.is_object()) fail(ErrorKind::kData, "{}: it holds no JSON object.", name);
  return json;
}

std::optional<double> number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  std::string_view text = value.get_ref<const std::string&>();
  if (!text.empty() && text.front() == kMarked) text.remove_prefix(1);
  if (text == kWords[0]) return std::numeric_limits<double>::quiet_NaN();
  if (text == kWords[1]) return std::numeric_limits<double>::infinity();
  if (text == kWords[2]) return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

namespace {


}  // namespace

namespace {

/// Bare words as plain strings, for what stays text.
Json unmarked(Json value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (!text.empty() && text.front() == kMarked) value = text.substr(1);
  } else if (value.is_structured()) {
    for (auto& part : value) part = unmarked(std::move(part));
  }
  return value;
}

}  // namespace

namespace {

bool is_marked(const Json& value) { return value.is_string() && value.get_ref<const std::string&>().starts_with(kMarked); }
bool is_whole(const Json& value) { return value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() >> 63 == 0); }
// A list with negative ones and such as int64 does not hold is one of doubles.
bool is_large(const Json& value) { return value.is_number_unsigned(); }
bool is_number(const Json& value) { return value.is_number() || is_marked(value); }
bool is_text(const Json& value) { return value.is_string() && !is_marked(value); }

template <typename T>
std::vector<T> list_of(const Json& value, T (*one)(const Json&)) {
  std::vector<T> out;
  for (const Json& part : value) out.push_back(one(part));
  return out;
}

std::int64_t whole_of(const Json& value) { return value.get<std::int64_t>(); }
std::uint64_t large_of(const Json& value) { return value.get<std::uint64_t>(); }
double double_of(const Json& value) { return *number(value); }
std::string word_of(const Json& value) { return value.get<std::string>(); }

std::optional<AttributeValue> plain_value(const Json& value) {
  const auto all = [&](bool (*is)(const Json&)) { return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is); };
  if (value.is_boolean()) return value.get<bool>();
  if (is_whole(value)) return whole_of(value);
  if (is_large(value)) return large_of(value);
  if (is_number(value)) return double_of(value);
  if (is_text(value)) return word_of(value);
  if (all(is_whole)) return list_of(value, whole_of);
  if (all(is_large)) return list_of(value, large_of);
  if (all(is_number)) return list_of(value, double_of);
  if (all(is_text)) return list_of(value, word_of);
  return std::nullopt;
}

Json json_of(double value) {
  if (std::isnan(value)) return kWords[0];
  if (std::isinf(value)) return kWords[value > 0 ? 1 : 2];
  return value;
}
template <typename T>
Json json_of(const T& value) {
  return value;
}
Json json_of(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(json_of(value));
  return out;
}

}  // namespace

std::vector<Attribute> attributes_from(const Json& object) {
  std::vector<Attribute> out;
  for (const auto& [key, value] : object.items()) {
    Attribute attribute{.key = key};
    if (auto plain = plain_value(value)) {
      attribute.value = std::move(*plain);
    } else {
      attribute.value = unmarked(value).dump(-1, ' ', false, Json::error_handler_t::replace);
      attribute.comment = "JSON";
    }
    out.push_back(std::move(attribute));
  }
  return out;
}

Json json_from(const Attribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value); text != nullptr && attribute.comment == "JSON") {
    Json parsed = Json::parse(*text, nullptr, false);
    if (!parsed.is_discarded()) return parsed;
  }
  return std::visit([](const auto& value) { return json_of(value); }, attribute.value);
}

}  // namespace freestone::formats::zarr
