#include "freestone/formats/attribute_numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace freestone::formats {
namespace {

template <class T, class Whole>
  requires std::is_integral_v<Whole>
bool holds(Whole value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value == 0 || value == 1;
  } else if constexpr (std::is_integral_v<T>) {
    return std::in_range<T>(value);
  } else {
    constexpr std::int64_t kExact = std::int64_t{1} << std::numeric_limits<T>::digits;
    return std::cmp_greater_equal(value, -kExact) && std::cmp_less_equal(value, kExact);
  }
}
template <class T>
bool holds(double value) {
  if constexpr (std::is_integral_v<T>) {
    // Behind the largest one, which float64 may not have.
    const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
    return value == std::floor(value) && value < limit && value >= static_cast<double>(std::numeric_limits<T>::min());
  } else {
    return !std::isfinite(value) || std::fabs(value) <= static_cast<double>(std::numeric_limits<T>::max());
  }
}

bool is_of_elements(const std::string& key) {
  static constexpr std::string_view kKeys[] = {"_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "flag_values", "flag_masks"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

std::optional<DType> dtype_named(const std::string& name, bool has_all) {
  for (const DType dtype : {DType::kInt8, DType::kInt16, DType::kInt32, DType::kFloat32, DType::kFloat64}) {
    if (name_of(dtype) == name) return dtype;
  }
  if (!has_all) return std::nullopt;
  for (const DType dtype : {DType::kUint8, DType::kUint16, DType::kUint32, DType::kInt64, DType::kUint64}) {
    if (name_of(dtype) == name) return dtype;
  }
  return std::nullopt;
}

}  // namespace

AttributeNumbers numbers_of(const AttributeValue& value) {
  AttributeNumbers out;
  if (const auto* one = std::get_if<bool>(&value)) out.whole = {*one ? 1 : 0};
  if (const auto* one = std::get_if<std::int64_t>(&value)) out.whole = {*one};
  if (const auto* one = std::get_if<double>(&value)) out.real = {*one};
  if (const auto* one = std::get_if<std::uint64_t>(&value)) out.large = {*one};
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) out.whole = *list;
  if (const auto* list = std::get_if<std::vector<std::uint64_t>>(&value)) out.large = *list;
  if (const auto* list = std::get_if<std::vector<double>>(&value)) out.real = *list;
  return out;
}

bool is_list(const AttributeValue& value) {
  return std::visit([]<class T>(const T&) { return !std::is_arithmetic_v<T> && !std::is_same_v<T, std::string>; }, value);
}

std::optional<double> number_of(const AttributeValue& value) {
  if (std::holds_alternative<bool>(value) || std::holds_alternative<std::string>(value) || is_list(value)) return std::nullopt;
  return numbers_of(value).as<double>().front();
}

AttributeValue whole_value(std::uint64_t value) {
  if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
  return value;
}

AttributeValue whole_value(std::vector<std::uint64_t> values) {
  if (std::ranges::all_of(values, [](std::uint64_t v) { return std::in_range<std::int64_t>(v); })) return std::vector<std::int64_t>(values.begin(), values.end());
  return values;
}

std::optional<AttributeValue> whole_value(double value) {
  if (holds<std::int64_t>(value)) return static_cast<std::int64_t>(value);
  if (holds<std::uint64_t>(value)) return static_cast<std::uint64_t>(value);
  return std::nullopt;
}

bool can_hold(DType dtype, const AttributeNumbers& numbers) {
  return with_real_type(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return std::all_of(numbers.whole.begin(), numbers.whole.end(), [](std::int64_t v) { return holds<T>(v); }) &&
           std::all_of(numbers.large.begin(), numbers.large.end(), [](std::uint64_t v) { return holds<T>(v); }) &&
           std::all_of(numbers.real.begin(), numbers.real.end(), [](double v) { return holds<T>(v); });
  });
}

DType stored_dtype(const Attribute& attribute, const AttributeNumbers& numbers, std::optional<DType> elements, bool has_all, DType whole) {
  if (elements && !is_complex(*elements) && is_of_elements(attribute.key) && can_hold(*elements, numbers)) return *elements;
  if (const auto named = dtype_named(attribute.comment, has_all); named && can_hold(*named, numbers)) return *named;
  if (std::holds_alternative<bool>(attribute.value)) return DType::kInt8;
  if (!numbers.real.empty()) return DType::kFloat64;
  if (!numbers.large.empty()) return DType::kUint64;
  if (can_hold(whole, numbers)) return whole;
  return !has_all && can_hold(DType::kFloat64, numbers) ? DType::kFloat64 : DType::kInt64;
}

std::optional<std::string> lines_of(const AttributeValue& value) {
  if (const auto* one = std::get_if<std::string>(&value)) return *one;
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < list->size(); ++i) text += (i == 0 ? "" : "\n") + (*list)[i];
  return text;
}

}  // namespace freestone::formats
