#include "freestone/storage/location.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace freestone {
namespace {

namespace stdfs = std::filesystem;

/// A URL without what only its server understands.
std::string without_query(const std::string& location) { return is_url(location) ? location.substr(0, location.find_first_of("?#")) : location; }

}  // namespace

bool is_url(const std::string& location) {
  const auto colon = location.find("://");
  if (colon == std::string::npos || colon == 0) return false;
  return std::all_of(location.begin(), location.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '-' || c == '.'; });
}

std::string absolute_location(const std::string& location) { return is_url(location) ? location : stdfs::absolute(location).string(); }

std::string location_below(const std::string& folder, const std::string& relative) {
  if (is_url(relative)) return relative;
  if (!is_url(folder)) return (stdfs::path(folder) / relative).lexically_normal().string();
  // Of the parts of a URL that are a path only what comes behind the host may be left by "..".
  const auto host = folder.find("://") + 3;
  const auto slash = std::min(folder.find('/', host), folder.size());
  const stdfs::path path = stdfs::path("/" + folder.substr(std::min(slash + 1, folder.size()))) / relative;
  return folder.substr(0, slash) + path.lexically_normal().string();
}

std::string parent_location(const std::string& location) {
  const std::string path = without_query(location);
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string leaf_of(const std::string& location) {
  const std::string path = without_query(location);
  return path.substr(path.rfind('/') + 1);
}

std::string stem_of(const std::string& location) { return stdfs::path(leaf_of(location)).stem().string(); }

}  // namespace freestone
