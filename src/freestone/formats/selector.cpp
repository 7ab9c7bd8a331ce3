#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>

#include "freestone/formats/format.h"
#include "freestone/storage/location.h"

namespace freestone::formats {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool parse_whole(const std::string& text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::int64_t version_of(const Variable& variable) {
  for (const Attribute& attribute : variable.attributes) {
    const auto* whole = std::get_if<std::int64_t>(&attribute.value);
    if (attribute.key == "EXTVER" && whole != nullptr) return *whole;
  }
  return 1;
}

/// "0: (3, 4) float32; 1 DATA: no plain image".
std::string list_of(const Contents& contents) {
  constexpr std::size_t kShown = 12;
  std::string out;
  for (std::size_t i = 0; i < contents.variables.size(); ++i) {
    if (i == kShown) return out + fmt::format("; and {} more", contents.variables.size() - kShown);
    const Variable& v = contents.variables[i];
    const std::string what = v.source   ? fmt::format("{} {}", to_string(v.source->spec().shape), name_of(v.source->spec().dtype))
                             : v.note.empty() ? "no pixels"
                                              : "no plain image";
    if (contents.is_group) {
      out += fmt::format("{}{}: {}", i == 0 ? "" : "; ", v.name, v.source ? what : "cannot be read");
      continue;
    }
    out += fmt::format("{}{}{}{}: {}", i == 0 ? "" : "; ", v.hdu, v.name.empty() ? "" : " ", v.name, what);
  }
  return out;
}

std::string_view kind_of_part(const Contents& contents) {
  if (contents.format == "casa") return "array";
  return contents.format == "geotiff" ? "image" : "HDU";
}

const Variable& readable(const Contents& contents, const Variable& variable) {
  if (variable.source) return variable;
  if (contents.is_group || contents.format == "zarr") fail(ErrorKind::kUser, "{}{}: {}.", contents.path, variable.name.empty() ? "" : ": " + variable.name, variable.note);
  const std::string_view kind = kind_of_part(contents);
  const std::string which = variable.name.empty() ? fmt::format("{} {}", kind, variable.hdu) : fmt::format("{} {} ({})", kind, variable.hdu, variable.name);
  fail(ErrorKind::kUser, "{}: {} cannot be opened as an array: {}. The file has {}.", contents.path, which,
       variable.note.empty() ? "it has no pixels" : variable.note, list_of(contents));
}

/// The variable of a group by its path in it, or the only one that is no coordinate.
const Variable& select_in_group(const Contents& contents, const std::string& selector) {
  std::vector<std::string> names;
  std::vector<const Variable*> data;
  for (const Variable& v : contents.variables) {
    if (v.name == selector) return readable(contents, v);
    names.push_back(v.name);
    const std::string last = v.name.substr(v.name.rfind('/') + 1);
    if (v.dims.size() != 1 || v.dims[0] != last) data.push_back(&v);
  }
  if (data.empty() && contents.variables.size() == 1) data.push_back(&contents.variables[0]);
  if (selector.empty() && data.size() == 1) return readable(contents, *data[0]);
  const std::string holds = names.empty() ? "The group is empty." : fmt::format("It holds {}.", list_of(contents));
  if (!selector.empty()) fail(ErrorKind::kUser, "{}: there is no '{}' in it.{} {}", contents.path, selector, suggestion(selector, names), holds);
  if (names.empty()) fail(ErrorKind::kUser, "{}: it holds no array. {}", contents.path, holds);
  fail(ErrorKind::kUser, "{}: it is a group; name one of its arrays, as in {}/{}. {}", contents.path, contents.path, names.front(), holds);
}

}  // namespace

Selected split_selector(const std::string& path) {
  const auto open = path.rfind('[');
  if (path.empty() || path.back() != ']' || open == std::string::npos || open == 0 || open + 2 >= path.size()) return {path, ""};
  std::error_code error;
  if (!is_url(path) && std::filesystem::exists(path, error)) return {path, ""};
  return {path.substr(0, open), path.substr(open + 1, path.size() - open - 2)};
}

const Variable& select_variable(const Contents& contents, const std::string& selector) {
  const auto& variables = contents.variables;
  if (contents.is_group) return select_in_group(contents, selector);
  if (selector.empty()) {
    // An overview or a page is no substitute for the image.
    if (contents.format == "geotiff" && !variables.empty()) return readable(contents, variables[0]);
    for (const bool needs_elements : {true, false}) {
      for (const Variable& v : variables) {
        if (v.source && (!needs_elements || element_count(v.source->spec().shape) > 0)) return v;
      }
    }
    if (variables.size() == 1) return readable(contents, variables[0]);
    fail(ErrorKind::kUser, "{}: it holds no image. The file has {}.", contents.path, list_of(contents));
  }
  int number = 0;
  if (parse_whole(selector, number)) {
    for (const Variable& v : variables) {
      if (v.hdu == number) return readable(contents, v);
    }
    fail(ErrorKind::kUser, "{}: there is no {} {}. The file has {}.", contents.path, kind_of_part(contents), number, list_of(contents));
  }
  std::string name = selector;
  int version = 0;
  if (const auto comma = selector.rfind(','); comma != std::string::npos) {
    std::string digits = selector.substr(comma + 1);
    std::erase(digits, ' ');
    if (parse_whole(digits, version)) name = selector.substr(0, comma);
  }
  std::vector<std::string> names;
  for (const Variable& v : variables) {
    if (!v.name.empty()) names.push_back(v.name);
    const bool is_primary = lower(name) == "primary" && v.hdu == 0 && contents.format == "fits";
    if ((is_primary || lower(v.name) == lower(name)) && (version == 0 || version_of(v) == version)) return readable(contents, v);
  }
  fail(ErrorKind::kUser, "{}: there is no '{}' in it.{} The file has {}.", contents.path, selector, suggestion(name, names), list_of(contents));
}

}  // namespace freestone::formats
