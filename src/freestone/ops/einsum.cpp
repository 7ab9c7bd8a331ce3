#include "freestone/ops/einsum.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>

#include "freestone/ops/contract.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

/// An operand and the letter of each axis. The axes of `...` get the letters below 'A', counted from the last: chars 32 and down.
struct Term {
  Array array;
  std::string letters;

  bool has(char letter) const { return letters.find(letter) != std::string::npos; }
  int axis(char letter) const { return static_cast<int>(letters.find(letter)); }
};

constexpr char kLastEllipsisAxis = 32;
constexpr std::string_view kEllipsis = "...";

struct Expression {
  std::vector<Term> terms;
  std::string output;
};

[[noreturn]] void refuse(std::string_view subscripts, std::string_view why) {
  fail(ErrorKind::kUser, "einsum \"{}\": {}.", subscripts, why);
}

/// Letters with `...` replaced by `ellipsis_axes` letters of its own.
std::string expanded(std::string_view subscripts, std::string_view part, int ellipsis_axes) {
  std::string letters;
  bool seen = false;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part.substr(i, kEllipsis.size()) == kEllipsis && !seen) {
      for (int k = ellipsis_axes - 1; k >= 0; --k) letters += static_cast<char>(kLastEllipsisAxis - k);
      seen = true;
      i += kEllipsis.size() - 1;
    } else if (std::isalpha(static_cast<unsigned char>(part[i]))) {
      letters += part[i];
    } else {
      refuse(subscripts, fmt::format("'{}' is not a letter", part[i]));
    }
  }
  return letters;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

Expression parse(std::string_view subscripts, const std::vector<Array>& operands) {
  std::string text;
  for (const char c : subscripts)
    if (c != ' ') text += c;
  const std::size_t arrow = text.find("->");
  const std::vector<std::string> inputs = split(text.substr(0, arrow), ',');
  if (inputs.size() != operands.size() || operands.empty())
    refuse(subscripts, fmt::format("{} terms for {} operands", inputs.size(), operands.size()));
  Expression e;
  int most_ellipsis = 0;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const bool open = inputs[i].find(kEllipsis) != std::string::npos;
    const int named = static_cast<int>(inputs[i].size()) - (open ? 3 : 0), rest = operands[i].rank() - named;
    if (rest < 0 || (!open && rest > 0))
      refuse(subscripts, fmt::format("\"{}\" names {} axes of an operand of {}", inputs[i], named, operands[i].rank()));
    e.terms.push_back({operands[i], expanded(subscripts, inputs[i], rest)});
    most_ellipsis = std::max(most_ellipsis, rest);
  }
  std::map<char, int> times;
  for (const Term& term : e.terms)
    for (const char letter : term.letters) ++times[letter];
  if (arrow == std::string::npos) {
    for (const auto& [letter, count] : times)
      if (count == 1 || letter <= kLastEllipsisAxis) e.output += letter;
  } else {
    e.output = expanded(subscripts, text.substr(arrow + 2), most_ellipsis);
  }
  for (const char letter : e.output) {
    if (!times.count(letter)) refuse(subscripts, fmt::format("'{}' of the output is in no operand", letter));
    if (std::count(e.output.begin(), e.output.end(), letter) > 1)
      refuse(subscripts, fmt::format("'{}' stands twice in the output", letter));
  }
  return e;
}

/// One axis a letter: repeated letters become diagonals.
Term without_repeats(Term term, std::string_view subscripts) {
  for (std::size_t k = 0; k < term.letters.size(); ++k) {
    const std::size_t again = term.letters.find(term.letters[k], k + 1);
    if (again == std::string::npos) continue;
    const char letter = term.letters[k];
    if (term.array.shape()[static_cast<int>(k)] != term.array.shape()[static_cast<int>(again)])
      refuse(subscripts, fmt::format("the axes of '{}' differ: {} and {} elements", letter, term.array.shape()[static_cast<int>(k)],
                                     term.array.shape()[static_cast<int>(again)]));
    term.array = diagonal(term.array, 0, static_cast<int>(k), static_cast<int>(again));
    term.letters.erase(again, 1);
    term.letters.erase(k, 1);
    term.letters += letter;
    k = static_cast<std::size_t>(-1);
  }
  return term;
}

Array summed(const Array& a, const std::vector<int>& axes, DType dtype) {
  const Array total = sum(a, axes);
  return total.dtype() == dtype ? total : astype(total, dtype);
}

/// Letters that only this operand has, and the output has not, are summed before anything is multiplied: in the type of the result, for
/// true and true are 2 where the other operand is a number.
Term without_lone(Term term, const std::set<char>& elsewhere, DType dtype) {
  std::vector<int> axes;
  std::string kept;
  for (std::size_t k = 0; k < term.letters.size(); ++k) {
    if (elsewhere.count(term.letters[k]))
      kept += term.letters[k];
    else
      axes.push_back(static_cast<int>(k));
  }
  if (!axes.empty()) term = {summed(term.array.dtype() == dtype ? term.array : astype(term.array, dtype), axes, dtype), kept};
  return term;
}

/// Axes in the order of `letters`; letters that the term lacks become axes of length 1.
Array arranged(const Term& term, const std::string& letters) {
  std::vector<int> order;
  for (const char letter : letters)
    if (term.has(letter)) order.push_back(term.axis(letter));
  Array a = transpose(term.array, order);
  if (order.empty()) a = term.array;
  for (std::size_t k = 0; k < letters.size(); ++k)
    if (!term.has(letters[k])) a = expand_dims(a, static_cast<int>(k));
  return a;
}

/// The letters of two terms by what becomes of them.
struct Roles {
  std::string batches, rows, columns, sums;

  Roles(const Term& a, const Term& b, const std::set<char>& wanted) {
    for (const char letter : a.letters) (b.has(letter) ? (wanted.count(letter) ? batches : sums) : rows) += letter;
    for (const char letter : b.letters)
      if (!a.has(letter)) columns += letter;
  }
  std::string kept() const { return batches + rows + columns; }
};

Term joined(const Term& a, const Term& b, const std::set<char>& wanted, DType dtype) {
  const Roles roles(a, b, wanted);
  const bool no_matrix = roles.sums.empty() || (roles.rows.empty() && roles.columns.empty());
  if (no_matrix && !is_complex(dtype) && !is_bool(dtype)) {
    const std::string all = roles.kept() + roles.sums;
    const Array product = elementwise("multiply", {arranged(a, all), arranged(b, all)});
    std::vector<int> axes;
    for (std::size_t k = roles.kept().size(); k < all.size(); ++k) axes.push_back(static_cast<int>(k));
    return {axes.empty() ? product : summed(product, axes, product.dtype()), roles.kept()};
  }
  Contraction c;
  c.batches = static_cast<int>(roles.batches.size());
  c.rows = static_cast<int>(roles.rows.size());
  c.kept = static_cast<int>(roles.kept().size());
  c.dtype = promote(a.array.dtype(), b.array.dtype());
  const std::string all = roles.kept() + roles.sums;
  for (const char letter : a.letters) c.a.push_back(static_cast<int>(all.find(letter)));
  for (const char letter : b.letters) c.b.push_back(static_cast<int>(all.find(letter)));
  return {contract(a.array, b.array, c), roles.kept()};
}

/// Letters of the output and of all terms but two.
std::set<char> wanted_beside(const Expression& e, std::size_t i, std::size_t j) {
  std::set<char> letters(e.output.begin(), e.output.end());
  for (std::size_t t = 0; t < e.terms.size(); ++t)
    if (t != i && t != j) letters.insert(e.terms[t].letters.begin(), e.terms[t].letters.end());
  return letters;
}

/// Extents of letters; an axis of length 1 of `...` goes with any.
std::map<char, Index> extents_of(const Expression& e, std::string_view subscripts) {
  std::map<char, Index> extents;
  for (const Term& term : e.terms)
    for (std::size_t k = 0; k < term.letters.size(); ++k) {
      const Index n = term.array.shape()[static_cast<int>(k)];
      const auto [known, is_new] = extents.insert({term.letters[k], n});
      if (is_new || known->second == n || n == 1) continue;
      if (known->second != 1) {
        const bool ellipsis = term.letters[k] <= kLastEllipsisAxis;
        refuse(subscripts, fmt::format("the axes of {} differ: {} and {} elements", ellipsis ? "..." : fmt::format("'{}'", term.letters[k]),
                                       known->second, n));
      }
      known->second = n;
    }
  return extents;
}

/// The pair that costs least: multiplications, then elements of the result less those of the operands.
std::pair<std::size_t, std::size_t> cheapest_pair(const Expression& e, const std::map<char, Index>& extents) {
  const auto count = [&](const std::string& letters) {
    double n = 1;
    for (const char letter : letters) n *= static_cast<double>(extents.at(letter));
    return n;
  };
  std::pair<std::size_t, std::size_t> best{0, 1};
  std::pair<double, double> least{-1, 0};
  for (std::size_t i = 0; i < e.terms.size(); ++i)
    for (std::size_t j = i + 1; j < e.terms.size(); ++j) {
      const Roles roles(e.terms[i], e.terms[j], wanted_beside(e, i, j));
      const double growth = count(roles.kept()) - count(e.terms[i].letters) - count(e.terms[j].letters);
      const std::pair<double, double> cost{count(roles.kept() + roles.sums), growth};
      if (least.first >= 0 && !(cost < least)) continue;
      least = cost;
      best = {i, j};
    }
  return best;
}

Term evaluated(std::string_view subscripts, const std::vector<Array>& operands, std::vector<std::pair<int, int>>& steps) {
  Expression e = parse(subscripts, operands);
  for (Term& term : e.terms) term = without_repeats(std::move(term), subscripts);
  const auto extents = extents_of(e, subscripts);
  DType dtype = operands[0].dtype();
  for (const Array& operand : operands) dtype = promote(dtype, operand.dtype());
  // An axis of length 1 that others repeat has nothing to sum over: it is dropped, and the others bring the letter.
  for (Term& term : e.terms)
    for (std::size_t k = term.letters.size(); k-- > 0;) {
      if (term.array.shape()[static_cast<int>(k)] != 1 || extents.at(term.letters[k]) == 1) continue;
      term.array = squeeze(term.array, static_cast<int>(k));
      term.letters.erase(k, 1);
    }
  for (std::size_t t = 0; t < e.terms.size(); ++t) e.terms[t] = without_lone(e.terms[t], wanted_beside(e, t, t), dtype);
  while (e.terms.size() > 1) {
    const auto [i, j] = cheapest_pair(e, extents);
    steps.emplace_back(static_cast<int>(i), static_cast<int>(j));
    Term pair = joined(e.terms[i], e.terms[j], wanted_beside(e, i, j), dtype);
    e.terms.erase(e.terms.begin() + static_cast<std::ptrdiff_t>(j));
    e.terms.erase(e.terms.begin() + static_cast<std::ptrdiff_t>(i));
    e.terms.push_back(std::move(pair));
  }
  Term result{arranged(e.terms[0], e.output), e.output};
  if (result.array.dtype() != dtype) result.array = astype(result.array, dtype);
  return result;
}

}  // namespace

Array einsum(std::string_view subscripts, const std::vector<Array>& operands) {
  std::vector<std::pair<int, int>> steps;
  return evaluated(subscripts, operands, steps).array;
}

std::vector<std::pair<int, int>> einsum_order(std::string_view subscripts, const std::vector<Array>& operands) {
  std::vector<std::pair<int, int>> steps;
  evaluated(subscripts, operands, steps);
  return steps;
}

}  // namespace freestone
