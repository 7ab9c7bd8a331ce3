#include "freestone/base/plugin.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

namespace freestone {
namespace {

namespace stdfs = std::filesystem;

std::vector<stdfs::path> plugin_folders() {
  if (const char* asked = std::getenv("FREESTONE_PLUGINS"); asked != nullptr && *asked != '\0') return {asked};
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&load_plugin), &self) == 0 || self.dli_fname == nullptr) return {};
  std::error_code error;
  // A program started by name alone knows no path of its own.
  stdfs::path own = stdfs::weakly_canonical(self.dli_fname, error);
  if (error || !stdfs::exists(own, error)) own = stdfs::read_symlink("/proc/self/exe", error);
  const stdfs::path folder = own.parent_path();
  return {folder, folder.parent_path() / "lib" / "freestone-plugins", folder / "freestone-plugins",
          folder.parent_path() / "freestone-plugins"};
}

Plugin load(const std::string& name, const std::string& symbol) {
  const std::string file = "libfreestone_" + name + ".so";
  Plugin plugin;
  for (const stdfs::path& folder : plugin_folders()) {
    const stdfs::path path = folder / file;
    std::error_code error;
    if (!stdfs::exists(path, error)) {
      plugin.why_not += (plugin.why_not.empty() ? "it is not in " : ", ") + folder.string();
      continue;
    }
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const entry = library == nullptr ? nullptr : dlsym(library, symbol.c_str());
    if (entry != nullptr) return {entry, path.string(), ""};
    const char* const said = dlerror();
    return {nullptr, path.string(), said == nullptr ? "the loader does not say why" : said};
  }
  return plugin;
}

}  // namespace

const Plugin& load_plugin(const std::string& name, const std::string& symbol) {
  static std::mutex mutex;
  static std::map<std::string, Plugin> loaded;
  const std::lock_guard lock(mutex);
  const auto found = loaded.find(name);
  return found != loaded.end() ? found->second : loaded.emplace(name, load(name, symbol)).first->second;
}

}  // namespace freestone
