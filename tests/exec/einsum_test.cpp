#include "freestone/ops/einsum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "freestone/exec/compute.h"
#include "freestone/ops/create.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

struct Operand64 {
  std::shared_ptr<std::vector<double>> values;
  Shape shape;
  Array array() const { return from_memory(View::contiguous(values->data(), DType::kFloat64, shape), values); }
};

Operand64 random_operand(Shape shape, std::mt19937& random) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  auto values = std::make_shared<std::vector<double>>(static_cast<std::size_t>(element_count(shape)));
  for (double& v : *values) v = uniform(random);
  return {values, shape};
}

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

/// Every product of every combination of letters, added where the output's letters say.
std::vector<double> naive(const std::vector<std::string>& terms, const std::string& output, const std::vector<Operand64>& operands,
                          std::map<char, Index> extents) {
  std::string letters;
  for (const auto& [letter, n] : extents) letters += letter;
  Index size = 1;
  for (const char letter : output) size *= extents[letter];
  std::vector<double> out(static_cast<std::size_t>(size));
  std::map<char, Index> at;
  const auto place = [&](const std::string& term, auto extent_of) {
    Index flat = 0;
    for (std::size_t k = 0; k < term.size(); ++k) flat = flat * extent_of(k) + at[term[k]];
    return static_cast<std::size_t>(flat);
  };
  while (true) {
    double product = 1;
    for (std::size_t t = 0; t < terms.size(); ++t)
      product *= (*operands[t].values)[place(terms[t], [&](std::size_t k) { return operands[t].shape[static_cast<int>(k)]; })];
    out[place(output, [&](std::size_t k) { return extents[output[k]]; })] += product;
    std::size_t k = letters.size();
    while (k > 0 && ++at[letters[k - 1]] == extents[letters[k - 1]]) at[letters[--k]] = 0;
    if (k == 0) return out;
  }
}

TEST(Einsum, EqualsAllCombinationsOnRandomExpressions) {
  for (unsigned seed = 1; seed <= 80; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](Index n) { return static_cast<Index>(random() % static_cast<unsigned>(n)); };
    std::map<char, Index> all{{'a', 1 + pick(5)}, {'b', 1 + pick(5)}, {'c', 1 + pick(4)}, {'i', 1 + pick(6)}, {'j', 2 + pick(4)}};
    const std::string names = "abcij";
    std::vector<std::string> terms;
    std::vector<Operand64> operands;
    std::map<char, Index> used;
    std::string text;
    for (Index t = 0, count = 1 + pick(4); t < count; ++t) {
      std::string term;
      Shape shape;
      for (Index k = 0, rank = pick(4); k < rank; ++k) {
        term += names[static_cast<std::size_t>(pick(5))];
        shape.push_back(all[term.back()]);
        used[term.back()] = all[term.back()];
      }
      terms.push_back(term);
      operands.push_back(random_operand(shape, random));
      text += (t > 0 ? "," : "") + term;
    }
    std::string output;
    for (const auto& [letter, n] : used)
      if (pick(2) == 0) output += letter;
    std::shuffle(output.begin(), output.end(), random);
    text += "->" + output;
    SCOPED_TRACE(text + ", seed " + std::to_string(seed));
    std::vector<Array> arrays;
    for (const auto& operand : operands) arrays.push_back(operand.array());
    const std::vector<double> expected = naive(terms, output, operands, used);
    const Tensor got = compute(einsum(text, arrays), with(64 << 20, 2));
    ASSERT_EQ(got.view().count(), static_cast<Index>(expected.size()));
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(got.data<double>()[i], expected[i], 1e-12) << "element " << i;
  }
}

TEST(Einsum, EllipsisBroadcastsAndOutputIsImplied) {
  std::mt19937 random(1);
  const Operand64 a = random_operand({2, 1, 3, 4}, random), b = random_operand({5, 4, 6}, random), m = random_operand({3, 3}, random);
  const Tensor product = compute(einsum("...ij,...jk", {a.array(), b.array()}), with(64 << 20, 1));
  ASSERT_EQ(product.shape(), (Shape{2, 5, 3, 6}));
  double sum = 0;
  for (std::size_t j = 0; j < 4; ++j) sum += (*a.values)[12 + 4 + j] * (*b.values)[3 * 24 + j * 6 + 2];
  EXPECT_NEAR(product.data<double>()[((1 * 5 + 3) * 3 + 1) * 6 + 2], sum, 1e-14);
  EXPECT_EQ(einsum("ji", {m.array()}).shape(), (Shape{3, 3}));
  EXPECT_EQ(compute(einsum("ji", {m.array()}), with(64 << 20, 1)).data<double>()[1], (*m.values)[3]);
  EXPECT_NEAR(compute(einsum("ii", {m.array()}), with(64 << 20, 1)).number(), (*m.values)[0] + (*m.values)[4] + (*m.values)[8], 1e-15);
  EXPECT_EQ(einsum("i...->...", {a.array()}).shape(), (Shape{1, 3, 4}));
}

TEST(Einsum, JoinsTheCheapestPairFirst) {
  std::mt19937 random(2);
  const Array a = random_operand({50, 2}, random).array(), b = random_operand({2, 60}, random).array(),
              v = random_operand({60}, random).array();
  // The matrix times the vector first: 120 products, not 6000.
  EXPECT_EQ(einsum_order("ij,jk,k->i", {a, b, v}).front(), (std::pair{1, 2}));
}

TEST(Einsum, MakesNoPartialProductLargerThanThePair) {
  // Row sums of an elementwise product: the product of 4 MB is never stored.
  std::mt19937 random(3);
  const Operand64 a = random_operand({700, 700}, random), b = random_operand({700, 700}, random);
  const Tensor rows = compute(einsum("ij,ij->i", {a.array(), b.array()}), with(Index{3} << 20, 2));
  double sum = 0;
  for (std::size_t j = 0; j < 700; ++j) sum += (*a.values)[3 * 700 + j] * (*b.values)[3 * 700 + j];
  EXPECT_NEAR(rows.data<double>()[3], sum, 1e-11);
}

TEST(Einsum, RefusesWhatItCannotRead) {
  std::mt19937 random(4);
  const Array m = random_operand({3, 4}, random).array();
  for (const char* text : {"ij,jk", "i", "ijk", "i1", "ij->ii", "ij->k", "ii", "i..j", "...i...->i"})
    EXPECT_THROW(einsum(text, {m}), Error) << text;
  EXPECT_THROW(einsum("ij,ij->i", {m, random_operand({3, 5}, random).array()}), Error);
}

TEST(Einsum, AnAxisOfOneOperandAloneIsSummedInTheTypeOfTheResult) {
  // Three times true is 3 beside floats, and 200 + 100 is 300 beside 32-bit integers.
  const Array truths = astype(full({4, 3}, 1.0, DType::kFloat64), DType::kBool);
  const Array weights = full({4}, 0.5, DType::kFloat64);
  EXPECT_EQ(*reinterpret_cast<const double*>(compute(einsum("ij,i->", {truths, weights})).view().data), 6.0);
  const Array small = full({2, 3}, 100.0, DType::kInt8), wide = full({2}, 1.0, DType::kInt32);
  EXPECT_EQ(reinterpret_cast<const std::int32_t*>(compute(einsum("ij,i->i", {small, wide})).view().data)[1], 300);
}

}  // namespace
}  // namespace freestone
