#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "freestone/astro/sky_array.h"
#include "freestone/cli/commands.h"
#include "freestone/cli/flow.h"
#include "freestone/cli/info_dataset.h"
#include "freestone/cli/info_raster.h"
#include "freestone/cli/picture.h"
#include "freestone/cli/print.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/label/cf.h"
#include "freestone/label/combine.h"
#include "freestone/label/open.h"
#include "freestone/storage/chunked_source.h"
#include "freestone/storage/location.h"

namespace freestone::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// The world coordinates of an axis: at its first and last pixel, for the sky along the middle of the image.
std::pair<double, double> world_ends(const astro::SkyArray& array, int axis) {
  const int rank = array.wcs.rank();
  const Index n = array.data.shape()[axis];
  std::vector<double> pixels;
  for (const Index at : {Index{0}, n - 1})
    for (int k = 0; k < rank; ++k)
      pixels.push_back(k == axis                                          ? static_cast<double>(at)
                       : array.wcs.kind(k) == astro::WorldKind::kSpectral ? 0
                                                                          : static_cast<double>(array.data.shape()[k] - 1) / 2);
  const std::vector<double> world = array.wcs.pixel_to_world(pixels);
  return {world[static_cast<std::size_t>(axis)], world[static_cast<std::size_t>(rank + axis)]};
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const Index n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "one number" : text;
}

Json describe_variable(const formats::Variable& variable) {
  Json json = {{"hdu", variable.hdu}, {"name", variable.name}};
  if (variable.source) {
    json["shape"] = variable.source->spec().shape.to_vector();
    json["dtype"] = name_of(variable.source->spec().dtype);
  }
  if (!variable.note.empty()) json["note"] = variable.note;
  if (variable.texts) json["texts"] = variable.texts->values;
  return json;
}

Json attribute_json(const formats::Attribute& attribute) {
  if (attribute.comment == "JSON") return Json::parse(std::get<std::string>(attribute.value), nullptr, false);
  return std::visit([](const auto& value) { return Json(value); }, attribute.value);
}

/// On one line, not too long.
std::string attribute_text(const formats::Attribute& attribute) {
  std::string text = formats::text_of(attribute.value);
  if (const auto end = text.find('\n'); end != std::string::npos) text = text.substr(0, end) + "...";
  return text.size() > 100 ? text.substr(0, 97) + "..." : text;
}

/// Lengths of the chunks that lie in the array: those of a chunk may reach beyond it.
Shape shown_chunk(const ChunkGrid& grid) {
  Shape chunk = grid.chunk();
  for (int k = 0; k < chunk.rank(); ++k) chunk[k] = std::min(chunk[k], std::max<Index>(grid.shape()[k], 1));
  return chunk;
}

/// What the elements are: "int64 (datetime64[ns])", "characters".
std::string elements_of(const formats::Variable& variable) {
  const std::string type(name_of(variable.source->spec().dtype)), meant = formats::text_in(variable.attributes, "numpy_dtype");
  return meant.empty() ? type : meant == "S1" ? "characters" : fmt::format("{} ({})", type, meant);
}

/// "365 x 180 x 360 (time, y, x) float32, chunks 1 x 180 x 360, K". Names that the file does not have say nothing.
std::string listed_array(const formats::Variable& variable) {
  const Spec& spec = variable.source->spec();
  const ChunkGrid& grid = variable.source->chunks();
  const bool are_named = std::any_of(variable.dims.begin(), variable.dims.end(), [](const std::string& dim) { return !dim.empty() && !is_invented(dim); });
  const std::string dims = are_named ? fmt::format(" ({})", fmt::join(variable.dims, ", ")) : "";
  const std::string unit = formats::text_in(variable.attributes, "units");
  return fmt::format("{}{} {}, {}{}", shape_text(spec.shape), dims, elements_of(variable),
                     grid.is_contiguous() ? "in one piece" : "chunks " + shape_text(shown_chunk(grid)), unit.empty() ? "" : ", " + unit);
}

/// "3 texts: [one, two, three]", not too long.
std::string listed_texts(const formats::Texts& texts) {
  if (texts.shape.empty()) return "one text: " + attribute_text({"", texts.values.front(), ""});
  const std::string all = attribute_text({"", texts.values, ""});
  return fmt::format("{} texts: {}", shape_text(texts.shape), all);
}

}  // namespace

int run_info(std::span<const std::string> words, const CommandRow& row, const Process&) {
  const Arguments arguments(words, row.options, "info: ");
  set_url_options(arguments);
  if (arguments.words().empty()) refuse("info needs a FILE.");
  std::vector<std::string> files;
  for (const std::string& word : arguments.words()) {
    for (std::string& file : files_of(word)) files.push_back(std::move(file));
  }
  if (files.size() > 1) {
    if (arguments.has("var")) refuse("info: --var goes with one file, not with {}.", files.size());
    const Dataset dataset = open_datasets(files);
    write_stdout(arguments.has("json") ? dataset_json(dataset, files.size()).dump(1) + "\n" : dataset_text(dataset, files.size()));
    return 0;
  }
  const std::string path = files.front() + (arguments.has("var") ? "[" + arguments.text("var") + "]" : "");
  const formats::Selected selected = formats::split_selector(path);
  const formats::Contents contents = formats::open_file(selected.path);
  const bool any_pixels =
      std::any_of(contents.variables.begin(), contents.variables.end(), [](const auto& v) { return v.source != nullptr; });

  Json json = {{"path", contents.path}, {"format", contents.format}};
  // Of a URL what people may see.
  std::string text = fmt::format("{}: {}\n", is_url(path) ? contents.path : path, contents.format);
  const auto line = [&](const std::string& key, const std::string& value) { text += fmt::format("  {:<9} {}\n", key, value); };
  const bool is_listed = contents.is_group && selected.selector.empty();
  if ((any_pixels && !is_listed) || !selected.selector.empty()) {
    const Opened opened(contents, selected.selector);
    const astro::SkyArray array = astro::sky_array_from(opened, {.mask_and_scale = false});  // as it is stored
    const Shape& shape = array.data.shape();
    json["hdu"] = opened.variable().hdu, json["name"] = opened.variable().name;
    json["shape"] = shape.to_vector(), json["dtype"] = name_of(array.data.dtype()), json["bytes"] = array.data.bytes();
    const ChunkGrid& chunks = array.data.chunks();
    json["chunks"] = chunks.is_contiguous() ? Json(nullptr) : Json(shown_chunk(chunks).to_vector());
    json["dims"] = array.dims, json["unit"] = array.unit.to_string();
    if (const auto object = array.header.text("OBJECT")) json["object"] = *object;
    if (const auto telescope = array.header.text("TELESCOP")) json["telescope"] = *telescope;
    const bool has_world = array.wcs.rank() == array.rank() && array.rank() > 0;

    if (contents.variables.size() > 1 && contents.is_group)
      line("array", opened.variable().name);
    else if (contents.variables.size() > 1 && contents.format != "casa")
      line("image", fmt::format("HDU {}{}", opened.variable().hdu, opened.variable().name.empty() ? "" : ", " + opened.variable().name));
    if (json.contains("object") || json.contains("telescope"))
      line("object",
           fmt::format("{}{}", json.value("object", ""), json.contains("telescope") ? (json.value("object", "").empty() ? "(" : " (") + json.value("telescope", "") + ")" : ""));
    line("shape", fmt::format("{} ({})", shape_text(shape), fmt::join(array.dims, ", ")));
    line("dtype", fmt::format("{}, {} in memory", name_of(array.data.dtype()), format_bytes(array.data.bytes())));
    const auto* chunked = dynamic_cast<const ChunkedSource*>(opened.variable().source.get());
    // Small tiles are read several at a time.
    const Shape stored = chunked == nullptr ? chunks.chunk() : shown_chunk(chunked->layout().grid);
    const bool has_tiles = stored.rank() == shape.rank() && stored != shown_chunk(chunks) && contents.format == "fits";
    line("chunks", chunks.is_contiguous() ? "none: stored in one piece" : shape_text(shown_chunk(chunks)) + (has_tiles ? ", of tiles of " + shape_text(stored) : ""));
    if (chunked != nullptr) {
      json["codecs"] = chunked->layout().codecs.names();
      line("codecs", chunked->layout().codecs.empty() ? "none" : chunked->layout().codecs.names());
    }
    for (const auto& attribute : contents.attributes) {
      if (contents.is_group || attribute.key != "read_by") continue;
      json["read_by"] = attribute_json(attribute);
      line("read by", attribute_text(attribute));
    }
    const std::optional<RasterDescription> raster = describe_raster(array, opened);
    if (raster) {
      json["raster"] = raster_json(*raster);
      for (const auto& [key, value] : raster_lines(*raster)) line(key, value);
    }
    for (const auto& attribute : array.attributes) {
      json["attributes"][attribute.key] = attribute_json(attribute);
      if (!raster || !is_told(*raster, attribute)) line(attribute.key, attribute_text(attribute));
    }
    line("unit", array.unit.to_string().empty() ? "none given" : array.unit.to_string());
    if (!array.coordinates.empty()) {
      json["coordinates"] = coordinates_json(array.coordinates);
      for (const auto& [name, what] : coordinate_lines(array.coordinates)) line(name, what);
    }

    json["axes"] = Json::array();
    for (int k = 0; k < array.rank(); ++k) {
      Json axis = {{"dim", array.dims[static_cast<std::size_t>(k)]}, {"size", shape[k]}};
      std::string words_of = std::to_string(shape[k]);
      if (has_world && shape[k] > 0) {
        const auto kind = array.wcs.kind(k);
        const auto [first, last] = world_ends(array, k);
        const bool sky = kind == astro::WorldKind::kLongitude || kind == astro::WorldKind::kLatitude;
        const std::string unit = sky ? "deg" : array.wcs.unit(k).to_string();
        axis["name"] = array.wcs.name(k), axis["ctype"] = array.wcs.ctype(k), axis["unit"] = unit;
        axis["first"] = json_number(first), axis["last"] = json_number(last), axis["step"] = json_number(array.wcs.increment(k));
        if (sky) {
          const bool equatorial = array.wcs.ctype(k).rfind("RA", 0) == 0 || array.wcs.ctype(k).rfind("DEC", 0) == 0;
          const bool hours = equatorial && kind == astro::WorldKind::kLongitude;
          const auto show = [&](double value) {
            return !std::isfinite(value) ? "outside"
                   : equatorial          ? sexagesimal(value, hours, 0.1 / 3600)
                                         : fmt::format("{:.6g} deg", value);
          };
          words_of += fmt::format(", {} {} to {}, {:.4g} arcsec a pixel", array.wcs.name(k), show(first), show(last),
                                  array.wcs.increment(k) * 3600);
        } else if (!array.wcs.name(k).empty() || !unit.empty()) {
          words_of += fmt::format(", {} {} to {}{}{}", array.wcs.name(k).empty() ? "world" : array.wcs.name(k),
                                  format_number(std::stod(fmt::format("{:.10g}", first))),
                                  format_number(std::stod(fmt::format("{:.10g}", last))), unit.empty() ? "" : " ", unit);
        }
      }
      const std::string& dim = array.dims[static_cast<std::size_t>(k)];
      const bool is_told = std::any_of(array.coordinates.begin(), array.coordinates.end(), [&](const DatasetVariable& c) { return c.name == dim; });
      if (!is_told) line(dim, words_of);
      json["axes"].push_back(axis);
    }
    if (has_world) {
      const auto& parameters = array.wcs.parameters();
      Json wcs = {{"ctype", Json::array()}};
      std::string types;
      for (int k = 0; k < array.rank(); ++k) {
        wcs["ctype"].push_back(array.wcs.ctype(k));
        if (!array.wcs.ctype(k).empty()) types += (types.empty() ? "" : ", ") + array.wcs.ctype(k);
      }
      if (!parameters.radesys.empty()) wcs["radesys"] = parameters.radesys, types += ", " + parameters.radesys;
      if (!parameters.specsys.empty()) wcs["specsys"] = parameters.specsys, types += ", " + parameters.specsys;
      if (parameters.equinox) wcs["equinox"] = *parameters.equinox;
      if (parameters.restfrq)
        wcs["restfrq"] = *parameters.restfrq, types += fmt::format(", rest {} GHz", format_number(*parameters.restfrq / 1e9));
      if (parameters.restwav) wcs["restwav"] = *parameters.restwav;
      json["wcs"] = wcs;
      if (!types.empty()) line("wcs", types);
    }
    json["beam"] = nullptr;
    if (!array.beams.empty()) {
      json["beams"] = array.beams.size();
      line("beam", fmt::format("one a channel ({}), the first {}", array.beams.size(), array.beams.front().to_string()));
    } else if (array.beam) {
      json["beam"] = {
          {"major_arcsec", array.beam->major_deg * 3600}, {"minor_arcsec", array.beam->minor_deg * 3600}, {"pa_deg", array.beam->pa_deg}};
      line("beam", array.beam->to_string());
    }
  }
  json["hdus"] = Json::array();
  for (const auto& variable : contents.variables) json["hdus"].push_back(describe_variable(variable));
  json["tables"] = Json::array();
  for (const auto& table : contents.tables) json["tables"].push_back({{"name", table.name}, {"rows", table.rows}});
  if (is_listed) {
    for (const auto& attribute : contents.attributes) {
      json["attributes"][attribute.key] = attribute_json(attribute);
      line(attribute.key, attribute_text(attribute));
    }
    const Dataset dataset = decode_cf(dataset_from(contents), {.mask_and_scale = false});
    std::vector<DatasetVariable> coordinates;
    for (const std::string& name : dataset.coordinate_names()) coordinates.push_back(dataset[name]);
    json["dims"] = Json::object();
    for (const auto& [name, length] : dataset.dims()) json["dims"][name] = length;
    json["coordinates"] = coordinates_json(coordinates);
    if (const std::string dims = dims_text(dataset); !dims.empty()) line("dims", dims);
    if (!coordinates.empty()) text += "  coordinates\n";
    for (const auto& [name, what] : coordinate_lines(coordinates)) text += fmt::format("    {:<16} {}\n", name, what);
    text += contents.variables.empty() ? "  holds no arrays\n" : "  holds\n";
    for (const auto& variable : contents.variables)
      text += fmt::format("    {:<16} {}\n", variable.name, variable.source ? listed_array(variable) : variable.texts ? listed_texts(*variable.texts) : variable.note);
  } else if (!contents.is_group && (contents.variables.size() > 1 || !any_pixels)) {
    text += "  holds\n";
    for (const auto& variable : contents.variables)
      text += fmt::format("    [{}] {:<12} {}\n", variable.hdu, variable.name,
                          variable.source
                              ? fmt::format("{} {}", shape_text(variable.source->spec().shape), name_of(variable.source->spec().dtype))
                          : variable.texts        ? listed_texts(*variable.texts)
                          : variable.note.empty() ? "no pixels"
                                                  : variable.note);
  }
  write_stdout(arguments.has("json") ? json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n" : text);
  return 0;
}

}  // namespace freestone::cli
