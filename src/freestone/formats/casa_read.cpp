#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "freestone/formats/casa.h"
#include "freestone/formats/casa_coordinates.h"
#include "freestone/formats/casa_table.h"
#include "freestone/formats/fits_card.h"

namespace freestone::formats::casa {
namespace {

// table.info is a few lines: what the table is.
constexpr Index kLargestInfo = Index{1} << 20;
constexpr std::size_t kMostMasks = 1000;

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string reference_of(const std::string& path, const std::string& variable) {
  const nlohmann::json json{{"path", std::filesystem::absolute(path).string()}, {"variable", variable}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// "Image" of "Type = Image"; "" when the file is not there.
std::string type_of_table(const std::string& folder) {
  const std::string path = folder + "/table.info";
  if (!std::filesystem::exists(path)) return "";
  const std::string text = read_whole(path, kLargestInfo);
  if (!text.starts_with("Type = ")) return "";
  return text.substr(7, text.find('\n') - 7);
}

/// The folder of a table that an image names as its own: "././mask0" and "./image.im/mask0" lie in it.
/// @throws Error kind user: it lies elsewhere
std::string folder_within(const std::string& path, std::string name) {
  while (name.starts_with("./")) name = name.substr(2);
  const std::string own = path.substr(path.rfind('/') + 1) + "/";
  if (name.starts_with(own)) name = name.substr(own.size());
  if (name.empty() || name == ".." || name == "." || name.find('/') != std::string::npos) {
    fail(ErrorKind::kUser, "{}: its mask is the table '{}', which does not lie in the image; Freestone reads masks that do.", path, name);
  }
  return path + "/" + name;
}

void add_masks(const std::string& path, const Record& keywords, Contents& contents) {
  const Record* masks = keywords.record("masks");
  const std::string in_use = keywords.text("Image_defaultmask");
  const Shape shape = contents.variables.front().source->spec().shape;
  for (std::size_t k = 0; masks != nullptr && k < std::min(masks->fields.size(), kMostMasks); ++k) {
    const Record::Field& field = masks->fields[k];
    const auto* held = std::get_if<std::shared_ptr<Record>>(&field.value);
    if (held == nullptr) continue;
    Variable variable{.name = field.name, .hdu = static_cast<int>(contents.variables.size())};
    const bool is_in_use = field.name == in_use;
    const Value* table = (*held)->find("mask");
    if (table == nullptr || !std::holds_alternative<TableName>(*table)) {
      variable.note = fmt::format("it is a region ({}), not a mask of pixels", (*held)->text("name"));
      if (is_in_use) fail(ErrorKind::kUser, "{}: its mask '{}' cannot be read: {}.", path, field.name, variable.note);
    } else {
      const std::string folder = folder_within(path, std::get<TableName>(*table).name);
      variable.source = open_table(folder, reference_of(path, field.name), path).source;
      const Spec& spec = variable.source->spec();
      if (spec.shape != shape || spec.dtype != DType::kBool) {
        fail(ErrorKind::kData, "{}: its mask '{}' is {} {}, the image {}. It is damaged.", path, field.name, to_string(spec.shape), name_of(spec.dtype),
             to_string(shape));
      }
    }
    if (is_in_use) contents.variables.front().mask = field.name;
    contents.variables.push_back(std::move(variable));
  }
  if (!in_use.empty() && contents.variables.front().mask.empty()) {
    fail(ErrorKind::kData, "{}: Image_defaultmask names '{}', which is not among its masks. The image is damaged.", path, in_use);
  }
}

}  // namespace

bool is_table(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path + "/table.dat", error);
}

Contents open(const std::string& given) {
  const std::string path = without_slashes(given);
  const std::string type = type_of_table(path);
  if (!type.empty() && type != "Image" && type != "Paged Array") {
    fail(ErrorKind::kUser, "{}: it is a table of CASA of the type '{}', not an image.", path, type.substr(0, 60));
  }
  Contents contents{.format = "casa", .path = path};
  OpenedTable opened = open_table(path, reference_of(path, ""), path);
  Shape shape = opened.source->spec().shape;
  std::reverse(shape.begin(), shape.end());
  Variable image{.source = opened.source};
  try {
    Description description = describe(path, opened.table.keywords, shape.to_vector());
    image.attributes = fits::parse_cards(description.cards);
    image.header = std::move(description.cards);
    contents.tables = std::move(description.tables);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInternal) throw;
    fail(ErrorKind::kData, "{}: its keywords make no header: {}", path, error.message());
  }
  contents.variables.push_back(std::move(image));
  add_masks(path, opened.table.keywords, contents);
  return contents;
}

}  // namespace freestone::formats::casa
