/// Functions of users for plans that are read: a plan says by which identity a function goes, not what it does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/ops/user_function.h"

namespace freestone {

/// While the result lives, plans that are read in this process find `call` by `identity`. Of several of one identity the last that was lent
/// is found; operations that were made keep theirs.
[[nodiscard]] std::shared_ptr<const void> lend_function(const std::string& identity, UserCallFunction call,
                                                        std::shared_ptr<const void> origin = {});

/// UserFunctionOp of its parameters.
/// @throws Error kind data: nobody lends the function, or parameters that do not fit
std::shared_ptr<const Op> lent_function_op(const nlohmann::json& params, const std::vector<Spec>& inputs);

}  // namespace freestone
