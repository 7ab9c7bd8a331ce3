/// The JSON of Zarr: what Python's json module writes, with numbers that JSON does not have.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "freestone/formats/format.h"

namespace freestone::formats::zarr {

using Json = nlohmann::ordered_json;

/// Parses the text of the file `name`; bare NaN, Infinity and -Infinity become marked strings, see `number`.
/// @throws Error kind data, naming the file: not JSON, not an object, or nested too deeply
Json parse_json(const std::string& name, std::string_view text);

/// A JSON number, or "NaN", "Infinity", "-Infinity" as a string or bare.
std::optional<double> number(const Json& value);

/// The attributes of a node: lists of mixed things and objects as their text, with the comment "JSON".
std::vector<Attribute> attributes_from(const Json& object);
Json json_from(const Attribute& attribute);

}  // namespace freestone::formats::zarr
