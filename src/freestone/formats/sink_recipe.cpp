#include "freestone/formats/sink_recipe.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "freestone/base/base64.h"

namespace freestone::formats {
namespace {

using Json = nlohmann::json;

// JSON has no NaN and no infinity, and texts of headers may be of any encoding: numbers go as hexadecimal floats, texts as base64.

Json json_of(double number) { return fmt::format("{:a}", number); }
double number_of(const Json& j) { return std::strtod(j.get<std::string>().c_str(), nullptr); }
Json json_of(const std::string& text) { return base64_encoded(std::as_bytes(std::span(text))); }
std::string text_of(const Json& j) {
  const auto bytes = base64_decoded(j.get<std::string>());
  if (!bytes) fail(ErrorKind::kData, "The recipe of an output is damaged: a text is no base64.");
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

template <class T>
Json list_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(json_of(value));
  return list;
}
std::vector<std::string> texts_of(const Json& j) {
  std::vector<std::string> out;
  for (const Json& one : j) out.push_back(text_of(one));
  return out;
}
std::vector<double> numbers_of(const Json& j) {
  std::vector<double> out;
  for (const Json& one : j) out.push_back(number_of(one));
  return out;
}

Json json_of(const AttributeValue& value) {
  const Json number = value.index();
  return std::visit(
      [&]<class T>(const T& held) -> Json {
        if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::string>)
          return {number, json_of(held)};
        else if constexpr (std::is_same_v<T, std::vector<double>> || std::is_same_v<T, std::vector<std::string>>)
          return {number, list_of(held)};
        else
          return {number, held};
      },
      value);
}

AttributeValue value_of(const Json& j) {
  const Json& held = j.at(1);
  switch (j.at(0).get<int>()) {
    case 0: return held.get<bool>();
    case 1: return held.get<std::int64_t>();
    case 2: return number_of(held);
    case 3: return text_of(held);
    case 4: return held.get<std::vector<std::int64_t>>();
    case 5: return numbers_of(held);
    case 6: return texts_of(held);
    case 7: return held.get<std::uint64_t>();
    case 8: return held.get<std::vector<std::uint64_t>>();
    default: fail(ErrorKind::kData, "The recipe of an output is damaged: an attribute of no kind.");
  }
}

Json json_of(const std::vector<Attribute>& attributes) {
  Json list = Json::array();
  for (const Attribute& one : attributes) list.push_back({json_of(one.key), json_of(one.value), json_of(one.comment)});
  return list;
}

std::vector<Attribute> attributes_of(const Json& j) {
  std::vector<Attribute> out;
  for (const Json& one : j) out.push_back({text_of(one.at(0)), value_of(one.at(1)), text_of(one.at(2))});
  return out;
}

Json json_of(const Table& table) {
  Json columns = Json::array();
  for (const Table::Column& column : table.columns)
    columns.push_back({json_of(column.name), json_of(column.unit), list_of(column.numbers), list_of(column.texts), std::string(1, column.code)});
  return {{"name", json_of(table.name)}, {"rows", table.rows}, {"columns", columns}};
}

Table table_of(const Json& j) {
  Table table{text_of(j.at("name")), j.at("rows").get<Index>(), {}};
  for (const Json& c : j.at("columns"))
    table.columns.push_back({text_of(c.at(0)), text_of(c.at(1)), numbers_of(c.at(2)), texts_of(c.at(3)), c.at(4).get<std::string>().at(0)});
  return table;
}

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
template <class T>
std::optional<T> optional_of(const Json& j) {
  return j.is_null() ? std::optional<T>() : j.get<T>();
}

Json json_of(const Packing& packing) {
  const RasterPacking& raster = packing.raster;
  return {{"chunks", packing.chunks.to_vector()},
          {"shards", packing.shards.to_vector()},
          {"compressor", packing.compressor},
          {"level", json_of(packing.level)},
          {"shuffle", json_of(packing.shuffle)},
          {"fletcher32", packing.fletcher32},
          {"version", packing.version},
          {"raster", {raster.interleave, json_of(raster.predictor), raster.overviews, raster.overview_resampling, raster.bigtiff}}};
}

Packing packing_of(const Json& j) {
  Packing packing;
  packing.chunks = Shape(j.at("chunks").get<std::vector<Index>>());
  packing.shards = Shape(j.at("shards").get<std::vector<Index>>());
  packing.compressor = j.at("compressor").get<std::string>();
  packing.level = optional_of<int>(j.at("level"));
  packing.shuffle = optional_of<bool>(j.at("shuffle"));
  packing.fletcher32 = j.at("fletcher32").get<bool>();
  packing.version = j.at("version").get<int>();
  const Json& raster = j.at("raster");
  packing.raster = {raster.at(0).get<std::string>(), optional_of<int>(raster.at(1)), raster.at(2).get<std::string>(), raster.at(3).get<std::string>(),
                    raster.at(4).get<std::string>()};
  return packing;
}

}  // namespace

std::string sink_recipe(const Spec& spec, const WriteRequest& request) {
  Json tables = Json::array();
  for (const Table& table : request.tables) tables.push_back(json_of(table));
  const Json json = {{"shape", spec.shape.to_vector()},
                     {"dtype", name_of(spec.dtype)},
                     {"path", json_of(std::filesystem::absolute(request.path).string())},
                     {"name", json_of(request.name)},
                     {"format", request.format},
                     {"overwrite", request.overwrite},
                     {"attributes", json_of(request.attributes)},
                     {"plain_attributes", json_of(request.plain_attributes)},
                     {"header_cards", json_of(request.header_cards)},
                     {"tables", tables},
                     {"dims", list_of(request.dims)},
                     {"packing", json_of(request.packing)},
                     {"nominal_chunks", request.nominal_chunks.to_vector()},
                     {"chunks_are_wanted", request.chunks_are_wanted},
                     {"nominal_deflate", request.nominal_deflate ? Json{request.nominal_deflate->level, request.nominal_deflate->shuffle} : Json()},
                     {"unlimited_dims", list_of(request.unlimited_dims)},
                     {"append", json_of(request.append)}};
  return json.dump();
}

std::shared_ptr<Sink> sink_from_recipe(const std::string& recipe) {
  const Json json = Json::parse(recipe, nullptr, false);
  try {
    WriteRequest request;
    request.path = text_of(json.at("path"));
    request.name = text_of(json.at("name"));
    request.format = json.at("format").get<std::string>();
    request.overwrite = json.at("overwrite").get<bool>();
    request.attributes = attributes_of(json.at("attributes"));
    request.plain_attributes = attributes_of(json.at("plain_attributes"));
    request.header_cards = text_of(json.at("header_cards"));
    for (const Json& table : json.at("tables")) request.tables.push_back(table_of(table));
    request.dims = texts_of(json.at("dims"));
    request.packing = packing_of(json.at("packing"));
    request.nominal_chunks = Shape(json.at("nominal_chunks").get<std::vector<Index>>());
    request.chunks_are_wanted = json.at("chunks_are_wanted").get<bool>();
    if (const Json& deflate = json.at("nominal_deflate"); !deflate.is_null()) request.nominal_deflate = {deflate.at(0).get<int>(), deflate.at(1).get<bool>()};
    request.unlimited_dims = texts_of(json.at("unlimited_dims"));
    request.append = text_of(json.at("append"));
    const Spec spec{Shape(json.at("shape").get<std::vector<Index>>()), parse_dtype(json.at("dtype").get<std::string>())};
    return create_sink(spec, request);
  } catch (const Json::exception& error) {
    fail(ErrorKind::kData, "The recipe of an output is damaged: {}", error.what());
  } catch (const std::out_of_range&) {
    fail(ErrorKind::kData, "The recipe of an output is damaged: a column of no type.");
  }
}

}  // namespace freestone::formats
