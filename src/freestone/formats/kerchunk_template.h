/// Templates of kerchunk's JSON: "{{u}}/a{{i + 1}}.nc", filled in, and references made by a formula ("gen").
///
/// Names stand for texts and numbers; numbers have + - * / // % ** and brackets; a template that takes words is called, {{f(c='x')}}. What
/// else Jinja2 can do is refused.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

namespace freestone::formats::kerchunk {

using TemplateValue = std::variant<std::int64_t, double, std::string>;
using TemplateNames = std::map<std::string, TemplateValue>;

/// Templates by name: their texts, not filled in.
class Templates {
 public:
  Templates() = default;
  explicit Templates(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}
  /// `text` with what stands between {{ and }} replaced; nothing for expressions that are not evaluated.
  std::optional<std::string> filled_in(const std::string& text, const TemplateNames& names = {}) const;

 private:
  std::map<std::string, std::string> texts_;
};

/// Calls `reference(key, value)` for each reference that the entry "gen" makes; `value` is [path] or [path, offset, length].
/// @throws Error kind data: damaged; kind user: an expression that is not evaluated, or more than `most`
void generate(const std::string& file, const nlohmann::json& gen, const Templates& templates, std::int64_t most,
              const std::function<void(const std::string& key, nlohmann::json value)>& reference);

}  // namespace freestone::formats::kerchunk
