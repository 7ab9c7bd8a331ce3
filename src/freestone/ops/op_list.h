/// The list of operations: what makes an operation again from its name and parameters, for saved plans.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "freestone/array/op.h"

namespace freestone {

/// @param inputs  what the operation's inputs are; their nominal chunks do not matter, the parameters hold what follows from them
/// @throws Error  kind data: unknown name or version, parameters that do not fit
std::shared_ptr<const Op> make_op(std::string_view name, int version, const nlohmann::json& params, const std::vector<Spec>& inputs);

}  // namespace freestone
