/// Plug-ins: shared objects that are looked for when somebody needs them, never linked.
///
/// What is large or comes with other licences (GDAL) stays out of the process, and out of what is shipped, until a file asks for it.
#pragma once

#include <string>

namespace freestone {

struct Plugin {
  void* entry = nullptr;  ///< its symbol; null: it is not there
  std::string path;       ///< of the shared object
  std::string why_not;    ///< where it was looked for, or what the loader said
};

/// Loads libfreestone_NAME.so and finds `symbol` in it: from the folder that FREESTONE_PLUGINS names, else from beside this library or
/// program, else from lib/freestone-plugins beside its folder. Loaded once, kept for the life of the process; its symbols are seen by nobody
/// else. Thread-safe.
const Plugin& load_plugin(const std::string& name, const std::string& symbol);

}  // namespace freestone
