// libfreestone_proj.so: ways between coordinate reference systems, through PROJ.
#include "freestone/geo/proj_plugin.h"

#include <dlfcn.h>
#include <proj.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Way {
  PJ_CONTEXT* context = nullptr;
  PJ* way = nullptr;
  ~Way() {
    if (way != nullptr) proj_destroy(way);
    if (context != nullptr) proj_context_destroy(context);
  }
};

void put(const std::string& text, char* to, std::size_t room) {
  if (room == 0) return;
  const std::size_t n = std::min(text.size(), room - 1);
  std::memcpy(to, text.data(), n);
  to[n] = '\0';
}

/// Where PROJ looks for proj.db and grids: in the plug-in's own folder first, when proj.db lies there, since the one of another package in the
/// same process (PROJ_DATA) may be of another version. Grids that somebody has installed are still found. Empty: where PROJ itself looks.
std::vector<std::string> search_paths(PJ_CONTEXT* context) {
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&search_paths), &self) == 0 || self.dli_fname == nullptr) return {};
  const std::string file = self.dli_fname;
  const std::string folder = file.substr(0, file.find_last_of('/'));
  if (access((folder + "/proj.db").c_str(), R_OK) != 0) return {};
  std::vector<std::string> paths{folder};
  if (const char* const own = proj_context_get_user_writable_directory(context, 0); own != nullptr && *own != '\0') paths.push_back(own);
  const char* const data = std::getenv("PROJ_DATA");
  for (std::string rest = data == nullptr ? "" : data; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) paths.push_back(rest.substr(0, end));
    rest.erase(0, end + 1);
  }
  for (const char* const usual : {"/usr/local/share/proj", "/usr/share/proj"}) paths.push_back(usual);
  return paths;
}

PJ_CONTEXT* new_context() {
  PJ_CONTEXT* const context = proj_context_create();
  proj_log_level(context, PJ_LOG_NONE);
  if (const std::vector<std::string> paths = search_paths(context); !paths.empty()) {
    std::vector<const char*> words;
    for (const std::string& path : paths) words.push_back(path.c_str());
    proj_context_set_search_paths(context, static_cast<int>(words.size()), words.data());
  }
  return context;
}

const char* library() {
  static const std::string kVersion = proj_info().version;
  return kVersion.c_str();
}

void* open_way(const char* from, const char* to, char* error, std::size_t room) {
  Way* made = new Way;
  made->context = new_context();
  const auto give_up = [&](const std::string& what) -> void* {
    const int number = proj_context_errno(made->context);
    put(number == 0 ? what : what + ": " + proj_context_errno_string(made->context, number), error, room);
    delete made;
    return nullptr;
  };
  for (const char* crs : {from, to}) {
    PJ* known = proj_create(made->context, crs);
    const bool is_crs = known != nullptr && proj_is_crs(known) != 0;
    if (known != nullptr) proj_destroy(known);
    if (!is_crs) return give_up("PROJ knows no CRS '" + std::string(crs) + "'");
  }
  PJ* way = proj_create_crs_to_crs(made->context, from, to, nullptr);
  if (way == nullptr) return give_up("PROJ has no way between them");
  made->way = proj_normalize_for_visualization(made->context, way);
  proj_destroy(way);
  if (made->way == nullptr) return give_up("PROJ has no way between them");
  return made;
}

void close_way(void* way) { delete static_cast<Way*>(way); }

void transform(void* way, double* x, double* y, std::size_t count) {
  PJ* const pj = static_cast<Way*>(way)->way;
  proj_errno_reset(pj);
  proj_trans_generic(pj, PJ_FWD, x, sizeof(double), count, y, sizeof(double), count, nullptr, 0, 0, nullptr, 0, 0);
  proj_errno_reset(pj);
}

std::size_t wkt(const char* crs, char* to, std::size_t room) {
  Way made;
  made.context = new_context();
  made.way = proj_create(made.context, crs);
  const char* const options[] = {"MULTILINE=NO", nullptr};
  const char* text = made.way != nullptr && proj_is_crs(made.way) != 0 ? proj_as_wkt(made.context, made.way, PJ_WKT2_2019, options) : nullptr;
  if (text == nullptr) {
    put("PROJ knows no CRS '" + std::string(crs) + "'", to, room);
    return 0;
  }
  put(text, to, room);
  return std::strlen(text);
}

}  // namespace

extern "C" const FreestoneProj* freestone_proj() {
  static const FreestoneProj kTable{kFreestoneProjVersion, library, open_way, close_way, transform, wkt};
  return &kTable;
}
