/// Attributes by their keys.
#pragma once

#include <algorithm>
#include <string_view>

#include "freestone/formats/format.h"

namespace freestone::formats {

/// The first of that key, or null.
inline const Attribute* find_attribute(const std::vector<Attribute>& attributes, std::string_view key) {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) { return a.key == key; });
  return found == attributes.end() ? nullptr : &*found;
}

/// Its value, or null where there is none or it is of another type.
template <class T>
const T* value_of(const std::vector<Attribute>& attributes, std::string_view key) {
  const Attribute* attribute = find_attribute(attributes, key);
  return attribute == nullptr ? nullptr : std::get_if<T>(&attribute->value);
}

/// Its text; "" where there is none or it is no text.
inline std::string text_in(const std::vector<Attribute>& attributes, std::string_view key) {
  const auto* text = value_of<std::string>(attributes, key);
  return text == nullptr ? "" : *text;
}

}  // namespace freestone::formats
