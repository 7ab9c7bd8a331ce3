// libfreestone_proj.so: ways between coordinate reference systems, through PROJ.
#include "freestone/geo/proj_plugin.h"

#include <proj.h>

#include <algorithm>
#include <cstring>
#include <string>

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

const char* library() {
  static const std::string kVersion = proj_info().version;
  return kVersion.c_str();
}

void* open_way(const char* from, const char* to, char* error, std::size_t room) {
  Way* made = new Way;
  made->context = proj_context_create();
  proj_log_level(made->context, PJ_LOG_NONE);
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
  made.context = proj_context_create();
  proj_log_level(made.context, PJ_LOG_NONE);
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
