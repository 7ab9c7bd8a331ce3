// libfreestone_opendap.so: datasets behind OPeNDAP URLs, through libnetcdf.
#include "freestone/formats/opendap_plugin.h"

#include <netcdf.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

extern "C" int nc_rc_set(const char* key, const char* value);

namespace {

using Json = nlohmann::ordered_json;

void put(const std::string& text, char* to, std::size_t room) {
  if (room == 0) return;
  const std::size_t n = std::min(text.size(), room - 1);
  std::memcpy(to, text.data(), n);
  to[n] = '\0';
}

/// @param is_dap2 whose bytes have no sign, whatever libnetcdf calls them
std::string type_name(nc_type type, bool is_dap2) {
  switch (type) {
    case NC_BYTE: return is_dap2 ? "u1" : "i1";
    case NC_UBYTE: return "u1";
    case NC_CHAR: return "S1";
    case NC_SHORT: return "i2";
    case NC_USHORT: return "u2";
    case NC_INT: return "i4";
    case NC_UINT: return "u4";
    case NC_INT64: return "i8";
    case NC_UINT64: return "u8";
    case NC_FLOAT: return "f4";
    case NC_DOUBLE: return "f8";
    default: return "";
  }
}

template <class T>
Json numbers(int dataset, int variable, const char* name, std::size_t count, int (*get)(int, int, const char*, T*)) {
  std::vector<T> values(count);
  if (count > 0 && get(dataset, variable, name, values.data()) != NC_NOERR) return nullptr;
  return count == 1 ? Json(values[0]) : Json(values);
}

Json attribute(int dataset, int variable, const char* name) {
  nc_type type = NC_NAT;
  std::size_t count = 0;
  if (nc_inq_att(dataset, variable, name, &type, &count) != NC_NOERR || count > (std::size_t{1} << 20)) return nullptr;
  if (type == NC_CHAR) {
    std::string text(count, '\0');
    if (count > 0 && nc_get_att_text(dataset, variable, name, text.data()) != NC_NOERR) return nullptr;
    while (!text.empty() && text.back() == '\0') text.pop_back();
    return text;
  }
  if (type == NC_STRING) {
    std::vector<char*> texts(count, nullptr);
    if (count == 0 || nc_get_att_string(dataset, variable, name, texts.data()) != NC_NOERR) return nullptr;
    Json out = Json::array();
    for (const char* text : texts) out.push_back(text == nullptr ? "" : text);
    nc_free_string(count, texts.data());
    return count == 1 ? out[0] : out;
  }
  if (type == NC_FLOAT || type == NC_DOUBLE) return numbers<double>(dataset, variable, name, count, nc_get_att_double);
  return numbers<long long>(dataset, variable, name, count, nc_get_att_longlong);
}

Json attributes(int dataset, int variable, int count) {
  Json out = Json::array();
  for (int i = 0; i < count; ++i) {
    char name[NC_MAX_NAME + 1] = {};
    if (nc_inq_attname(dataset, variable, i, name) != NC_NOERR) continue;
    Json value = attribute(dataset, variable, name);
    if (!value.is_null()) out.push_back({{"name", name}, {"value", std::move(value)}});
  }
  return out;
}

const char* library() {
  static const std::string text = [] {
    const std::string whole = nc_inq_libvers();
    return whole.substr(0, whole.find(' '));
  }();
  return text.c_str();
}

int open(const char* url, int timeout_seconds, char* error, std::size_t room) {
  nc_rc_set("HTTP.TIMEOUT", std::to_string(timeout_seconds).c_str());
  nc_rc_set("HTTP.CONNECTTIMEOUT", std::to_string(std::min(timeout_seconds, 10)).c_str());
  int dataset = -1;
  const int status = nc_open(url, NC_NOWRITE, &dataset);
  if (status == NC_NOERR) return dataset;
  put(nc_strerror(status), error, room);
  return -1;
}

void close(int dataset) { nc_close(dataset); }

std::size_t describe(int dataset, char* json, std::size_t room) {
  Json out{{"attributes", Json::array()}, {"variables", Json::array()}};
  int dims = 0, variables = 0, globals = 0, unlimited = 0, format = 0, mode = 0;
  const bool is_dap2 = nc_inq_format_extended(dataset, &format, &mode) == NC_NOERR && format == NC_FORMATX_DAP2;
  if (nc_inq(dataset, &dims, &variables, &globals, &unlimited) == NC_NOERR) {
    out["attributes"] = attributes(dataset, NC_GLOBAL, globals);
    for (int v = 0; v < variables; ++v) {
      char name[NC_MAX_NAME + 1] = {};
      nc_type type = NC_NAT;
      int rank = 0, count = 0, ids[NC_MAX_VAR_DIMS];
      if (nc_inq_var(dataset, v, name, &type, &rank, ids, &count) != NC_NOERR) continue;
      Json shape = Json::array(), names = Json::array();
      for (int k = 0; k < rank; ++k) {
        char dim[NC_MAX_NAME + 1] = {};
        std::size_t length = 0;
        nc_inq_dim(dataset, ids[k], dim, &length);
        shape.push_back(length);
        names.push_back(dim);
      }
      out["variables"].push_back({{"name", name}, {"type", type_name(type, is_dap2)}, {"shape", shape}, {"dims", names}, {"attributes", attributes(dataset, v, count)}});
    }
  }
  const std::string text = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  put(text, json, room);
  return text.size();
}

int read(int dataset, const char* variable, const std::int64_t* start, const std::int64_t* shape, int rank, void* out, char* error, std::size_t room) {
  int id = -1;
  int status = nc_inq_varid(dataset, variable, &id);
  std::vector<std::size_t> from(static_cast<std::size_t>(rank) + 1), count(static_cast<std::size_t>(rank) + 1);
  for (std::size_t k = 0; k < static_cast<std::size_t>(rank); ++k) {
    from[k] = static_cast<std::size_t>(start[k]);
    count[k] = static_cast<std::size_t>(shape[k]);
  }
  if (status == NC_NOERR) status = nc_get_vara(dataset, id, from.data(), count.data(), out);
  if (status != NC_NOERR) put(nc_strerror(status), error, room);
  return status;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const FreestoneOpendap* freestone_opendap() {
  static const FreestoneOpendap table{kFreestoneOpendapVersion, library, open, close, describe, read};
  return &table;
}
