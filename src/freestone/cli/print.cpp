#include "freestone/cli/print.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/label/coordinate.h"

namespace freestone::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

constexpr const char* kKeys[] = {"npts", "min", "max", "sum", "sumsq", "mean", "sigma", "rms"};
double field(const astro::Statistics& s, int key) {
  const double values[] = {s.npts, s.min, s.max, s.sum, s.sumsq, s.mean, s.sigma, s.rms};
  return values[key];
}
Json json_field(const astro::Statistics& s, int key) { return key == 0 ? Json(static_cast<Index>(s.npts)) : json_number(field(s, key)); }
std::string text_field(const astro::Statistics& s, int key) {
  return key == 0 ? fmt::format("{}", static_cast<Index>(s.npts)) : format_number(field(s, key));
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// Elements as the text of their own type: integers whole, float32 in its fewest digits.
std::vector<std::string> texts_of(const Tensor& tensor) {
  std::vector<std::string> texts;
  with_real_type(tensor.dtype(), [&]<class T>(TypeTag<T>) {
    for (Index k = 0; k < tensor.view().count(); ++k) {
      const T value = tensor.view().as<T>()[k];
      if constexpr (std::is_floating_point_v<T>)
        texts.push_back(std::isnan(value) ? "nan" : fmt::format("{}", value));
      else if constexpr (std::is_same_v<T, bool>)
        texts.push_back(value ? "true" : "false");
      else
        texts.push_back(fmt::format("{}", static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(value)));
    }
  });
  return texts;
}

Json nested(const std::vector<Json>& values, const Shape& shape, int axis, std::size_t& at) {
  if (axis == shape.rank()) return values[at++];
  Json list = Json::array();
  for (Index k = 0; k < shape[axis]; ++k) list.push_back(nested(values, shape, axis + 1, at));
  return list;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t k = 0; k < row.size(); ++k) {
      if (widths.size() <= k) widths.push_back(0);
      widths[k] = std::max(widths[k], row[k].size());
    }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) text += fmt::format("{}{:>{}}", k == 0 ? "" : "  ", row[k], widths[k]);
    text += "\n";
  }
  return text;
}

std::string comma_separated(const std::vector<std::vector<std::string>>& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) text += (k == 0 ? "" : ",") + csv_field(row[k]);
    text += "\n";
  }
  return text;
}

/// The labels of an array of one axis: dates, numbers; none without a coordinate.
std::vector<std::string> labels_of(const astro::SkyArray& array) {
  for (const DatasetVariable& coordinate : array.coordinates) {
    if (!coordinate.is_dimension_coordinate() || coordinate.dims[0] != array.dims[0]) continue;
    const CoordinateValues values = CoordinateValues::read(coordinate);
    std::vector<std::string> out;
    for (Index k = 0; k < values.size(); ++k) out.push_back(values.text(k));
    return out;
  }
  return {};
}

std::string with_unit(const std::string& name, const Unit& unit) {
  const std::string text = unit.to_string();
  return text.empty() ? name : fmt::format("{} ({})", name, text);
}

}  // namespace

std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers(static_cast<std::size_t>(tensor.view().count()));
  with_real_type(tensor.dtype(), [&]<class T>(TypeTag<T>) {
    for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = static_cast<double>(tensor.view().as<T>()[k]);
  });
  return numbers;
}

std::string print_statistics(const astro::Statistics& s, const std::string& format) {
  if (format == "json") {
    Json json;
    for (int k = 0; k < 8; ++k) json[kKeys[k]] = json_field(s, k);
    json["unit"] = s.unit.to_string();
    return json.dump() + "\n";
  }
  if (format == "csv") {
    std::vector<std::vector<std::string>> rows(2);
    for (int k = 0; k < 8; ++k) rows[0].emplace_back(kKeys[k]), rows[1].push_back(text_field(s, k));
    rows[0].emplace_back("unit"), rows[1].push_back(s.unit.to_string());
    return comma_separated(rows);
  }
  const std::string unit = s.unit.to_string(), square = unit.empty() ? "" : s.unit.pow(2).to_string();
  std::string text;
  for (int k = 0; k < 8; ++k) {
    const std::string& of = k == 0 ? "" : k == 4 ? square : unit;
    text += fmt::format("{:<6} {}{}{}\n", kKeys[k], text_field(s, k), of.empty() ? "" : " ", of);
  }
  return text;
}

std::string print_statistics(const std::vector<astro::Statistics>& rows, const std::string& format) {
  const std::string unit = rows.empty() ? "" : rows.front().unit.to_string();
  if (format == "json") {
    Json json;
    for (int k = 0; k < 8; ++k) {
      json[kKeys[k]] = Json::array();
      for (const auto& row : rows) json[kKeys[k]].push_back(json_field(row, k));
    }
    json["unit"] = unit;
    return json.dump() + "\n";
  }
  std::vector<std::vector<std::string>> table = {{"index"}};
  for (const char* key : kKeys) table[0].emplace_back(key);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    table.push_back({std::to_string(r)});
    for (int k = 0; k < 8; ++k) table.back().push_back(text_field(rows[r], k));
  }
  return format == "csv" ? comma_separated(table) : aligned(table);
}

std::string print_statistics(const std::vector<std::string>& titles, const std::vector<astro::Statistics>& rows, const std::string& format) {
  if (format == "json") {
    Json json = Json::object();
    for (std::size_t r = 0; r < rows.size(); ++r) json[titles[r]] = Json::parse(print_statistics(rows[r], "json"));
    return json.dump() + "\n";
  }
  std::vector<std::vector<std::string>> table = {{"variable"}};
  for (const char* key : kKeys) table[0].emplace_back(key);
  table[0].emplace_back("unit");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    table.push_back({titles[r]});
    for (int k = 0; k < 8; ++k) table.back().push_back(text_field(rows[r], k));
    table.back().push_back(rows[r].unit.to_string());
  }
  return format == "csv" ? comma_separated(table) : aligned(table);
}

std::string print_arrays(const std::vector<astro::SkyArray>& arrays, const std::vector<std::shared_ptr<const Tensor>>& tensors, const std::string& format) {
  Json all = Json::object();
  std::string text;
  for (std::size_t k = 0; k < arrays.size(); ++k) {
    const std::string one = print_array(arrays[k], arrays[k].name, *tensors[k], format);
    if (format == "json")
      all[arrays[k].name] = Json::parse(one);
    else
      text += (format == "csv" || arrays[k].rank() > 1 ? "" : arrays[k].name + (arrays[k].rank() == 1 ? "\n" : ": ")) + one;
  }
  return format == "json" ? all.dump() + "\n" : text;
}

std::string print_array(const astro::SkyArray& array, const std::string& label, const Tensor& tensor, const std::string& format) {
  const std::vector<std::string> texts = texts_of(tensor);
  const std::string unit = array.unit.to_string();
  const int rank = tensor.shape().rank();
  if (format == "json") {
    const std::vector<double> numbers = numbers_of(tensor);
    std::vector<Json> values;
    for (std::size_t k = 0; k < numbers.size(); ++k) values.push_back(std::isfinite(numbers[k]) ? Json::parse(texts[k]) : Json(nullptr));
    std::size_t at = 0;
    Json json = {{"name", label}, {"unit", unit}, {"dtype", name_of(tensor.dtype())}};
    if (rank == 0) {
      json["value"] = values.at(0);
    } else {
      json["dims"] = array.dims;
      if (rank == 1)
        if (const auto labels = labels_of(array); !labels.empty()) json["labels"] = labels;
      json["shape"] = tensor.shape().to_vector();
      json["values"] = nested(values, tensor.shape(), 0, at);
    }
    return json.dump() + "\n";
  }
  const bool csv = format == "csv";
  if (rank == 0) {
    if (csv) return comma_separated({{"name", "value", "unit"}, {label, texts.at(0), unit}});
    return fmt::format("{}{}{}\n", texts.at(0), unit.empty() ? "" : " ", unit);
  }
  std::vector<std::vector<std::string>> table;
  if (rank == 1) {
    std::vector<double> world;
    std::string world_name;
    if (array.wcs.rank() == 1 && array.wcs.has_spectral()) {
      world = array.wcs.spectral_values(tensor.shape()[0]);
      world_name = with_unit(array.wcs.name(0), array.wcs.unit(0));
    }
    const std::vector<std::string> labels = world.empty() ? labels_of(array) : std::vector<std::string>();
    table.push_back({array.dims.empty() ? "index" : array.dims[0]});
    if (!labels.empty()) table[0].back() = "index", table[0].push_back(array.dims[0]);
    if (!world.empty()) table[0].push_back(world_name);
    table[0].push_back(with_unit(label, array.unit));
    for (std::size_t k = 0; k < texts.size(); ++k) {
      table.push_back({std::to_string(k)});
      if (!world.empty()) table.back().push_back(format_number(world[k]));
      if (!labels.empty()) table.back().push_back(labels[k]);
      table.back().push_back(texts[k]);
    }
  } else {
    const auto columns = static_cast<std::size_t>(tensor.shape().back());
    for (std::size_t k = 0; k < texts.size(); ++k) {
      if (k % columns == 0) table.emplace_back();
      table.back().push_back(texts[k]);
    }
    if (!csv)
      return fmt::format("{} {} [{}]\n", with_unit(label, array.unit), to_string(tensor.shape()), fmt::join(array.dims, ", ")) +
             aligned(table);
  }
  return csv ? comma_separated(table) : aligned(table);
}

void write_stdout(const std::string& text) {
  std::string_view left = text;
  while (!left.empty()) {
    const auto written = ::write(STDOUT_FILENO, left.data(), left.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) throw ClosedOutput{};
      fail_errno(errno, "The results cannot be printed to stdout");
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace freestone::cli
