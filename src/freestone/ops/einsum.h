/// einsum: sums of products written with one letter an axis, as NumPy's.
#pragma once

#include <string_view>
#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// "ij,jk->ik" multiplies matrices. A letter that stands in no output is summed; one that an operand repeats takes the diagonal; `...`
/// stands for the axes that have no letter and broadcast. Without "->" the output has the letters that occur once, in alphabetical order,
/// after the axes of `...`. Operands are joined two at a time, cheapest pair first, each pair as a matrix product over tiles or, where
/// there is no matrix in it, as a product summed while it is made: no partial product is larger than the result of its pair.
/// @returns     the promoted dtype
/// @throws Error kind user: subscripts that are not of this form or do not fit the operands
Array einsum(std::string_view subscripts, const std::vector<Array>& operands);

/// Where the pairs are joined: for each step the two operands' places in the list (the joined one goes to the end), for tests and the
/// curious.
std::vector<std::pair<int, int>> einsum_order(std::string_view subscripts, const std::vector<Array>& operands);

}  // namespace freestone
