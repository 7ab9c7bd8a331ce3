// Saved plans in which one value is damaged: refused or read, never trusted.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "freestone/plan/plan_json.h"

namespace freestone {

/// Reads the plan `good` again and again, each time with another of its values changed (`within`: only where this is part of the value's
/// path); an error or a plan may come of it, never a crash. `open` as plan_from_json has it.
template <class Open>
void read_with_damaged_values(const nlohmann::json& good, Open&& open, std::string_view within = "") {
  const auto flat = good.flatten();
  for (const auto& [path, value] : flat.items()) {
    if (path.find(within) == std::string::npos) continue;
    for (const nlohmann::json& other : {nlohmann::json(-7), nlohmann::json(1000000), nlohmann::json("x"), nlohmann::json(nullptr)}) {
      auto damaged = good;
      damaged[nlohmann::json::json_pointer(path)] = other;
      try {
        plan_from_json(damaged, open);
      } catch (const Error&) {
      }
    }
  }
}

}  // namespace freestone
