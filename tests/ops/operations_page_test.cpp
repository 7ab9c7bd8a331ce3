// docs/operations.md against the headers: the same operations on both sides.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "freestone/kernels/elementwise.h"

namespace freestone {
namespace {

using Names = std::set<std::string>;

std::string read(const std::string& path) {
  std::ifstream file(std::string(FREESTONE_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// First groups of all matches, line by line.
Names matches(const std::string& text, const std::string& pattern) {
  Names out;
  const std::regex regex(pattern);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, regex)) out.insert(match[1]);
  }
  return out;
}

/// The first column of the page's tables: of that of elementwise functions, or of all others.
Names listed(const std::string& page, bool elementwise) {
  Names out;
  std::istringstream lines(page);
  bool in_table = false;
  const std::regex row("^\\| `([A-Za-z0-9_:]+)` \\|");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| function |")) in_table = true;
    if (line.starts_with("| C++ |")) in_table = false;
    std::smatch match;
    if (in_table != elementwise || !std::regex_search(line, match, row)) continue;
    EXPECT_TRUE(out.insert(match[1]).second) << match[1] << " stands twice";
  }
  return out;
}

/// Functions that give arrays, of the headers that freestone.h includes from ops, and of what computes in exec.
Names declared() {
  const std::string function =
      "^(?:inline )?(?:Array|Tensor|std::vector<Array>|std::pair<Array, Array>|[A-Z][a-z]+Result|Histogram) ([a-z_0-9]+)\\(";
  Names out;
  for (const std::string& header : matches(read("src/freestone/freestone.h"), "#include \"freestone/(ops/[a-z_]+\\.h)\""))
    out.merge(matches(read("src/freestone/" + header), function));
  for (const char* header : {"exec/boolean_index.h", "exec/counted.h"})
    out.merge(matches(read(std::string("src/freestone/") + header), function));
  const std::string generator = read("src/freestone/ops/random.h");
  for (const std::string& name :
       matches(generator.substr(0, generator.find("\n private:")), "^  (?:Array|std::vector<Index>) ([a-z_]+)\\(const"))
    out.insert("random::Generator::" + name);
  return out;
}

Names without(const Names& a, const Names& b) {
  Names out;
  for (const std::string& name : a)
    if (!b.contains(name)) out.insert(name);
  return out;
}

TEST(OperationsPage, NamesWhatTheHeadersDeclare) {
  const Names page = listed(read("docs/operations.md"), false), code = declared();
  EXPECT_GT(code.size(), 150u);
  EXPECT_EQ(without(code, page), Names()) << "are in the headers, not on the page";
  EXPECT_EQ(without(page, code), Names()) << "are on the page, not in the headers";
}

TEST(OperationsPage, HasTheElementwiseTable) {
  const std::string page = read("docs/operations.md");
  Names code;
  for (const auto& row : kernels::elementwise_table()) code.emplace(row.name);
  const Names names = listed(page, true);
  EXPECT_EQ(without(code, names), Names()) << "are in the table, not on the page";
  EXPECT_EQ(without(names, code), Names()) << "are on the page, not in the table";
  for (const auto& [alias, name] : kernels::elementwise_aliases())
    EXPECT_TRUE(std::regex_search(page, std::regex("\\| `" + std::string(name) + "` \\|[^\\n]*`" + std::string(alias) + "`"))) << alias;
}

}  // namespace
}  // namespace freestone
