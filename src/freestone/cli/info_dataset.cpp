#include "freestone/cli/info_dataset.h"

#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "freestone/label/coordinate.h"

namespace freestone::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// The labels, where they are some: what cannot be read is no reason to say nothing of the rest.
std::optional<CoordinateValues> labels_of(const DatasetVariable& coordinate) {
  if (coordinate.array.rank() != 1 || coordinate.array.size() == 0) return std::nullopt;
  try {
    return CoordinateValues::read(coordinate);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const Index n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "one number" : text;
}

}  // namespace

bool is_invented(const std::string& dim) { return dim.starts_with("phony_dim_"); }

std::string dims_text(const Dataset& dataset) {
  std::string out;
  for (const auto& [name, length] : dataset.dims())
    if (!is_invented(name)) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, length);
  return out;
}

std::vector<std::pair<std::string, std::string>> coordinate_lines(const std::vector<DatasetVariable>& coordinates) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const DatasetVariable& coordinate : coordinates) {
    const auto labels = labels_of(coordinate);
    const std::string unit = coordinate.text("units");
    std::string text = shape_text(coordinate.array.shape());
    if (labels) text += fmt::format(": {} to {}", labels->text(0), labels->text(labels->size() - 1));
    if (labels && labels->is_time()) {
      text += fmt::format(" ({}, calendar {})", unit, name_of(labels->calendar()));
    } else {
      text += unit.empty() ? "" : " " + unit;
    }
    if (!labels && !coordinate.dims.empty()) text += fmt::format(" ({})", fmt::join(coordinate.dims, ", "));
    out.emplace_back(coordinate.name, text);
  }
  return out;
}

Json coordinates_json(const std::vector<DatasetVariable>& coordinates) {
  Json out = Json::array();
  for (const DatasetVariable& coordinate : coordinates) {
    Json one = {{"name", coordinate.name},
                {"dims", coordinate.dims},
                {"shape", coordinate.array.shape().to_vector()},
                {"dtype", name_of(coordinate.array.dtype())},
                {"unit", coordinate.text("units")}};
    if (const auto labels = labels_of(coordinate)) {
      one["first"] = json_number(labels->numbers().front());
      one["last"] = json_number(labels->numbers().back());
      if (labels->is_time()) {
        one["first_date"] = labels->text(0);
        one["last_date"] = labels->text(labels->size() - 1);
        one["calendar"] = name_of(labels->calendar());
      }
    }
    out.push_back(one);
  }
  return out;
}

namespace {

std::vector<DatasetVariable> chosen(const Dataset& dataset, const std::vector<std::string>& names) {
  std::vector<DatasetVariable> out;
  for (const std::string& name : names) out.push_back(dataset[name]);
  return out;
}

}  // namespace

std::string dataset_text(const Dataset& dataset, std::size_t files) {
  std::string text = fmt::format("{} files as one dataset, first {}\n", files, dataset.path());
  text += fmt::format("  dims      {}\n  coordinates\n", dims_text(dataset));
  for (const auto& [name, line] : coordinate_lines(chosen(dataset, dataset.coordinate_names()))) text += fmt::format("    {:<16} {}\n", name, line);
  text += "  holds\n";
  for (const DatasetVariable& variable : chosen(dataset, dataset.data_names())) {
    const std::string unit = variable.text("units");
    text += fmt::format("    {:<16} {} ({}) {}{}\n", variable.name, shape_text(variable.array.shape()), fmt::join(variable.dims, ", "),
                        name_of(variable.array.dtype()), unit.empty() ? "" : ", " + unit);
  }
  return text;
}

Json dataset_json(const Dataset& dataset, std::size_t files) {
  Json json = {{"files", files}, {"path", dataset.path()}};
  json["dims"] = Json::object();
  for (const auto& [name, length] : dataset.dims()) json["dims"][name] = length;
  json["coordinates"] = coordinates_json(chosen(dataset, dataset.coordinate_names()));
  json["variables"] = Json::array();
  for (const DatasetVariable& variable : chosen(dataset, dataset.data_names()))
    json["variables"].push_back({{"name", variable.name},
                                 {"dims", variable.dims},
                                 {"shape", variable.array.shape().to_vector()},
                                 {"dtype", name_of(variable.array.dtype())},
                                 {"unit", variable.text("units")}});
  return json;
}

}  // namespace freestone::cli
