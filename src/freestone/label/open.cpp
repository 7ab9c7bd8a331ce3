#include "freestone/label/open.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"

namespace freestone {

Opened::Opened(formats::Contents contents, std::string selector)
    : contents_(std::make_shared<const formats::Contents>(std::move(contents))),
      variable_(&formats::select_variable(*contents_, selector)) {}

Array Opened::array() const {
  Array array = from_source(variable_->source);
  for (const formats::Attribute& attribute : variable_->attributes)
    if (attribute.key == "fortran_order" && std::get_if<bool>(&attribute.value) != nullptr && std::get<bool>(attribute.value))
      array = transpose(array);
  // What a mask leaves out is missing, where numbers can say so.
  if (!variable_->mask.empty() && (is_floating(array.dtype()) || is_complex(array.dtype()))) {
    const Array good = from_source(formats::select_variable(*contents_, variable_->mask).source);
    array = where(good, array, std::numeric_limits<double>::quiet_NaN());
  }
  return array;
}

Opened open(const std::string& path) {
  const formats::Selected selected = formats::split_selector(path);
  return Opened(formats::open_file(selected.path), selected.selector);
}

std::shared_ptr<const Source> open_reference(const std::string& reference) {
  if (auto source = inline_source(reference)) return source;
  const auto json = nlohmann::json::parse(reference, nullptr, false);
  if (!json.is_object() || !json.contains("path") || !json.at("path").is_string())
    fail(ErrorKind::kData, "The plan names a source in a way that this program does not know: {}", reference);
  const formats::Contents contents = formats::open_file(json.at("path").get<std::string>());
  return formats::select_variable(contents, json.value("variable", "")).source;
}

}  // namespace freestone
