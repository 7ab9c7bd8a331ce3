/// Locations: where files are, as people write it. A path of this machine, or a URL (https://host/a.nc, s3://bucket/a.nc).
#pragma once

#include <string>

namespace freestone {

/// Whether it begins with a scheme and "://"; file:// is one, too.
bool is_url(const std::string& location);
/// A path from the root; a URL as it is.
std::string absolute_location(const std::string& location);
/// What `relative` names from `folder`: itself when it is a URL or a path from the root. "." and ".." are taken out of paths.
std::string location_below(const std::string& folder, const std::string& relative);
/// What stands before the last '/', "" when there is none; of a URL without its query.
std::string parent_location(const std::string& location);
/// The name of the file itself, without its folders; of a URL without its query: "a.nc".
std::string leaf_of(const std::string& location);
/// `leaf_of` without its last suffix: "a".
std::string stem_of(const std::string& location);

}  // namespace freestone
