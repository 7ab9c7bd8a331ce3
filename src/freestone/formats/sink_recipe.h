/// Recipes: what makes a sink again in another process, as text.
#pragma once

#include <memory>
#include <string>

#include "freestone/formats/format.h"

namespace freestone::formats {

/// JSON text; paths are absolute in it.
std::string sink_recipe(const Spec& spec, const WriteRequest& request);

/// The sink that `create_sink` made of the same words.
/// @throws Error kind data: damaged; as create_sink
std::shared_ptr<Sink> sink_from_recipe(const std::string& recipe);

}  // namespace freestone::formats
