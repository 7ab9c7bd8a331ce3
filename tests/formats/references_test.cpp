// References: templates against what Python makes of them, tables of Parquet, and what any bytes lead to. Other readers and writers are in tests/cli.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "freestone/formats/kerchunk_template.h"
#include "freestone/formats/parquet.h"
#include "storage/temporary_folder.h"

int look_at_references(const unsigned char* data, std::size_t size);

namespace freestone::formats {
namespace {

using kerchunk::TemplateNames;
using kerchunk::Templates;
using testing_files::error_of;

TEST(Templates, AreFilledInAsJinjaDoes) {
  const Templates templates({{"u", "server.domain/path"}, {"f", "{{ c }}/x"}, {"deep", "{{u}}/{{f(c='y')}}"}, {"self", "{{self}}"}});
  const TemplateNames names{{"i", std::int64_t{7}}, {"name", std::string("a")}, {"h", 0.5}};
  const auto filled = [&](const std::string& text) { return templates.filled_in(text, names); };
  EXPECT_EQ(filled("http://{{u}}_{{i}}"), "http://server.domain/path_7");
  EXPECT_EQ(filled("http://{{f(c='text')}}"), "http://text/x");
  EXPECT_EQ(filled("{{ deep }}"), "server.domain/path/y/x");
  EXPECT_EQ(filled("{{(i + 1) * 1000}}"), "8000");
  EXPECT_EQ(filled("{{-i // 2}} {{-i % 3}} {{i // 2 ** 2}} {{i / 2}} {{2 ** 3 ** 2 % 100}}"), "-4 2 1 3.5 12");
  EXPECT_EQ(filled("{{i + h}} {{i * 2.5}} {{4 / 2}} {{name + '-' + u}}"), "7.5 17.5 2.0 a-server.domain/path");
  EXPECT_EQ(filled("plain }} text"), "plain }} text");
  for (const char* wrong : {"{{", "{{}}", "{{x}}", "{{i", "{{i +}}", "{{(i}}", "{{i | upper}}", "{{'a}}", "{{i ** 65}}", "{{1 // 0}}", "{{9223372036854775807 + 1}}",
                            "{{self}}", "{{f(c=}}", "{{f('text')}}", "{{name * 2}}", "{{i if i else 2}}", "{{[1][0]}}"}) {
    EXPECT_EQ(filled(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(filled("{{" + std::string(100'000, '(') + "}}"), std::nullopt);
  EXPECT_EQ(filled("{{" + std::string(100'000, '-') + "1}}"), std::nullopt);
}

std::vector<std::pair<std::string, nlohmann::json>> generated(const std::string& gen, std::int64_t most = 1000) {
  std::vector<std::pair<std::string, nlohmann::json>> out;
  kerchunk::generate("r.json", nlohmann::json::parse(gen), Templates(std::map<std::string, std::string>{{"u", "http://h"}}), most,
                     [&](const std::string& key, nlohmann::json value) { out.emplace_back(key, std::move(value)); });
  return out;
}

TEST(Generated, ReferencesAreThoseOfTheSpecification) {
  const auto made = generated(R"([{"key": "gen_key{{i}}", "url": "{{u}}_{{i}}", "offset": "{{(i + 1) * 1000}}", "length": "1000", "dimensions": {"i": {"stop": 5}}},
                                  {"key": "x/{{a}}.{{b}}", "url": "f", "dimensions": {"a": [3, 1], "b": {"start": 4, "stop": 0, "step": -2}}}])");
  ASSERT_EQ(made.size(), 9U);
  EXPECT_EQ(made[2].first, "gen_key2");
  EXPECT_EQ(made[2].second, nlohmann::json::parse(R"(["http://h_2", 3000, 1000])"));
  EXPECT_EQ(made[5].first, "x/3.4");
  EXPECT_EQ(made[8].first, "x/1.2");
  EXPECT_EQ(made[8].second, nlohmann::json::parse(R"(["f"])"));
  EXPECT_SAYS(error_of([] { generated(R"([{"key": "k{{i}}", "url": "u", "dimensions": {"i": {"stop": 100000}, "j": {"stop": 100000000000000}}}])"); }), "more than 1000");
  EXPECT_SAYS(error_of([] { generated(R"([{"key": "k{{i}}", "url": "u", "offset": "-1", "length": "2", "dimensions": {"i": [1]}}])"); }), "no whole number from 0 on");
  EXPECT_SAYS(error_of([] { generated(R"([{"key": "k", "url": "{{x}}", "dimensions": {"i": [1]}}])"); }), "does not evaluate");
  EXPECT_SAYS(error_of([] { generated(R"([{"key": "k", "url": "u", "dimensions": {"i": {"stop": 3, "step": 0}}}])"); }), "steps of 0");
  for (const char* wrong : {"{}", "[1]", R"([{"key": "k"}])", R"([{"key": "k", "url": "u", "offset": 3, "dimensions": {}}])", R"([{"key": "k", "url": "u", "dimensions": {"i": 3}}])"}) {
    EXPECT_SAYS(error_of([&] { generated(wrong); }), "r.json: gen") << wrong;
  }
}

parquet::Table random_table(std::mt19937_64& random) {
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  parquet::Table table{.rows = static_cast<Index>(pick(3) == 0 ? pick(5) : pick(3000))};
  const auto rows = static_cast<std::size_t>(table.rows);
  for (const char* name : {"path", "raw"}) {
    parquet::Column column{.name = name, .is_text = true, .texts = std::vector<std::string>(rows), .present = std::vector<bool>(rows)};
    const std::size_t holes = pick(3);
    for (std::size_t i = 0; i < rows; ++i) {
      column.present[i] = holes == 0 || (holes == 1 && pick(3) != 0);
      if (!column.present[i]) continue;
      column.texts[i] = pick(2) == 0 ? fmt::format("s3://bucket/file{}.nc", pick(4)) : std::string(pick(40), static_cast<char>(random()));
    }
    table.columns.push_back(std::move(column));
  }
  for (const char* name : {"offset", "size"}) {
    parquet::Column column{.name = name, .numbers = std::vector<std::int64_t>(rows)};
    for (auto& number : column.numbers) number = static_cast<std::int64_t>(random());
    table.columns.push_back(std::move(column));
  }
  return table;
}

TEST(Parquet, ReadsWhatItWrites) {
  std::mt19937_64 random(20240611);
  for (int round = 0; round < 50; ++round) {
    const parquet::Table table = random_table(random);
    const auto bytes = parquet::written(table);
    const parquet::Table found = parquet::read("t.parq", bytes, {"size", "raw", "path", "offset", "none"}, 10'000);
    ASSERT_EQ(found.rows, table.rows);
    ASSERT_EQ(found.columns.size(), 4U);
    for (const auto& column : table.columns) {
      const auto* other = found.find(column.name);
      ASSERT_NE(other, nullptr);
      EXPECT_EQ(other->texts, column.texts);
      EXPECT_EQ(other->numbers, column.numbers);
      for (std::size_t i = 0; i < static_cast<std::size_t>(table.rows); ++i) ASSERT_EQ(other->has(i), column.has(i));
    }
  }
}

TEST(Parquet, RefusesWhatIsCutShortOrTooLong) {
  std::mt19937_64 random(20240612);
  parquet::Table table = random_table(random);
  while (table.rows < 100) table = random_table(random);
  const auto bytes = parquet::written(table);
  for (std::size_t n = 0; n < bytes.size(); n += 1 + bytes.size() / 200) {
    EXPECT_SAYS(error_of([&] { parquet::read("t.parq", std::span(bytes).first(n), {"path"}, 10'000); }), "t.parq");
  }
  EXPECT_SAYS(error_of([&] { parquet::read("t.parq", bytes, {"path"}, 50); }), "more than 50 rows");
}

TEST(ReferencesFuzz, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 20000;
  std::mt19937_64 random(20240613);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string json =
      std::string(1, '\0') +
      R"({"version": 1, "templates": {"u": "a.nc", "f": "{{c}}.nc"}, "gen": [{"key": "x/{{i}}.0", "url": "{{f(c='y')}}", "offset": "{{(i + 1) * 10}}", "length": "10",
"dimensions": {"i": {"stop": 3}}}], "refs": {".zgroup": "{\"zarr_format\": 2}", "x/.zarray": "{\"zarr_format\": 2, \"shape\": [6, 5], \"chunks\": [2, 5], \"dtype\": \"<i2\",
\"compressor\": null, \"fill_value\": 0, \"order\": \"C\", \"filters\": null}", "x/.zattrs": {"units": "K"}, "x/0.0": ["{{u}}", 5, 20], "x/1.0": "base64:AAAA", "x/2.0": ["b.nc"]}})";
  for (long i = 0; i < rounds; ++i) {
    std::string input = json;
    if (i % 2 == 1) {
      parquet::Table table = random_table(random);
      if (table.rows > 40) continue;
      const auto bytes = parquet::written(table);
      input = "\1" + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    for (std::size_t times = pick(5); times > 0; --times) {
      const std::size_t at = 1 + pick(input.size() - 1);
      switch (pick(5)) {
        case 0: input[at] = static_cast<char>(random()); break;
        case 1: input[at] = "0123456789-+{}[]\",:"[pick(19)]; break;
        case 2: input.resize(at + 1); break;
        case 3: input.insert(at, input.substr(1 + pick(input.size() - 1), pick(60))); break;
        default: input.erase(at, pick(10)); break;
      }
      if (input.size() < 2) input += "xx";
    }
    look_at_references(reinterpret_cast<const unsigned char*>(input.data()), input.size());
  }
}

}  // namespace
}  // namespace freestone::formats
