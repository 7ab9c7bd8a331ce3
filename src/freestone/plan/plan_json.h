/// Plans as JSON: saved, looked at, run elsewhere.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "freestone/plan/plan.h"

namespace freestone {

/// Everything that the plan says. Sources stand as references and identities.
/// @throws Error kind user: the plan reads data that lies in this process's memory
nlohmann::json to_json(const Plan& plan);

/// @param open  finds the source for a reference (Source::reference)
/// @throws Error kind data: not a plan, of another version, or a source that is no longer the file that the plan was made for
Plan plan_from_json(const nlohmann::json& json, const std::function<std::shared_ptr<const Source>(const std::string& reference)>& open);

}  // namespace freestone
