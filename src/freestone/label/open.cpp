#include "freestone/label/open.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/exec/compute.h"
#include "freestone/formats/attribute_numbers.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"
#include "freestone/storage/manifest_source.h"

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

std::optional<Opened::Stored> Opened::stored_integers() const {
  const auto* source = dynamic_cast<const ManifestSource*>(variable_->source.get());
  if (contents_->format != "fits" || source == nullptr || !source->manifest().transform.blank) return std::nullopt;
  Manifest manifest = source->manifest();
  ElementTransform& transform = manifest.transform;
  DType unsigned_type = transform.stored;
  for (const auto& [stored, same] : {std::pair(DType::kInt16, DType::kUint16), {DType::kInt32, DType::kUint32}, {DType::kInt64, DType::kUint64}}) {
    if (transform.stored == stored) unsigned_type = same;
  }
  const bool is_unsigned = unsigned_type != transform.stored && transform.offset == std::ldexp(1.0, static_cast<int>(8 * size_of(transform.stored) - 1));
  if (transform.scale != 1 || (transform.offset != 0 && !is_unsigned)) return std::nullopt;
  formats::AttributeValue blank = *transform.blank;
  if (is_unsigned && transform.stored == DType::kInt64) {
    // Modulo 2^64: neither the numbers of uint64 nor its zero are all in int64.
    blank = formats::whole_value(static_cast<std::uint64_t>(*transform.blank) + static_cast<std::uint64_t>(transform.offset));
  } else if (Index shifted = 0; is_unsigned && !__builtin_add_overflow(*transform.blank, static_cast<Index>(transform.offset), &shifted)) {
    blank = shifted;
  }
  transform = {.stored = transform.stored, .order = transform.order, .dtype = is_unsigned ? unsigned_type : transform.stored, .flips_sign = is_unsigned};
  auto reference = nlohmann::json::parse(manifest.reference, nullptr, false);
  if (reference.is_object()) reference["stored"] = true;
  manifest.reference = reference.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return Stored{from_source(std::make_shared<ManifestSource>(std::move(manifest))), std::move(blank)};
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
  if (json.value("stored", false)) {
    if (const auto stored = Opened(contents, json.value("variable", "")).stored_integers()) return stored->array.node()->op->source();
  }
  return formats::select_variable(contents, json.value("variable", "")).source;
}

}  // namespace freestone
