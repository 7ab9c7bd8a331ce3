#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "freestone/formats/zarr.h"
#include "freestone/formats/zarr_node.h"
#include "freestone/storage/chunk_files.h"
#include "freestone/storage/location.h"

namespace freestone::formats::zarr {
namespace {

namespace stdfs = std::filesystem;

// Consolidated metadata of ten thousands of arrays are some 20 MB.
constexpr Index kLargestMetadata = Index{256} << 20;
constexpr std::size_t kMostNodes = 100'000;
constexpr int kDeepestGroup = 64;

bool has_file(const std::string& path) {
  std::error_code error;
  return stdfs::is_regular_file(path, error);
}

Json read_json(const std::string& path) {
  const auto file = File::open(path);
  if (file->size() > kLargestMetadata)
    fail(ErrorKind::kData, "{}: metadata of {} are none. The file is damaged.", path, format_bytes(file->size()));
  std::string text(static_cast<std::size_t>(file->size()), ' ');
  file->read_exactly(0, std::as_writable_bytes(std::span(text)));
  return parse_json(path, text);
}

Json read_json_if_there(const std::string& path) { return has_file(path) ? read_json(path) : Json(Json::object()); }

std::optional<Node> read_node(const std::string& folder) {
  if (has_file(folder + "/zarr.json")) return node_from_v3(folder + "/zarr.json", read_json(folder + "/zarr.json"));
  for (const bool is_array : {true, false}) {
    const std::string path = folder + (is_array ? "/.zarray" : "/.zgroup");
    if (!has_file(path)) continue;
    return Node{2, is_array, read_json(path), read_json_if_there(folder + "/.zattrs")};
  }
  return std::nullopt;
}

Identity identity_of(const std::string& folder, const std::string& metadata) {
  struct stat status {};
  if (stat(metadata.c_str(), &status) != 0) {
    fail(ErrorKind::kData, "{}: it is not there, although the metadata of its group list it.", metadata);
  }
  return {folder, status.st_size, Index{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec, static_cast<Index>(status.st_ino)};
}

Variable variable_at(const std::string& folder, const std::string& name, int number, const Node& node) {
  const std::string metadata = folder + "/" + node.name_of_document();
  std::string absolute = location_below("", absolute_location(folder));
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  const std::string reference = nlohmann::json{{"path", absolute}, {"variable", ""}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  return variable_from(metadata, name, number, node, reference, [&](ArrayMetadata& array) {
    return std::make_shared<const ChunkFiles>(folder, metadata, identity_of(folder, metadata), std::move(array.key), std::move(array.shards));
  });
}

/// A name in consolidated metadata stays inside the group.
void check_name(const std::string& file, const std::string& name) {
  const stdfs::path path = name.empty() ? "." : name;
  for (const auto& part : path) {
    if (part.empty() || part == "." || part == ".." || part == "/") {
      fail(ErrorKind::kData, "{}: its consolidated metadata name a node '{}', which is no path in the group.", file, name);
    }
  }
}

using Nodes = std::map<std::string, Node>;

std::optional<Nodes> consolidated_v3(const std::string& file, const Node& group) {
  const auto found = group.document.find("consolidated_metadata");
  if (found == group.document.end() || found->is_null()) return std::nullopt;
  const Json& all = member(file, *found, "metadata");
  if (!all.is_object()) fail(ErrorKind::kData, "{}: consolidated_metadata holds no object 'metadata'.", file);
  Nodes nodes;
  for (const auto& [name, document] : all.items()) {
    check_name(file, name);
    if (!document.is_object()) fail(ErrorKind::kData, "{}: consolidated_metadata: '{}' is no object.", file, name);
    nodes.emplace(name, node_from_v3(fmt::format("{}: {}", file, name), document));
  }
  return nodes;
}

std::optional<Nodes> consolidated_v2(const std::string& folder) {
  const std::string file = folder + "/.zmetadata";
  if (!has_file(file)) return std::nullopt;
  const Json json = read_json(file);
  const Json& all = member(file, json, "metadata");
  if (!all.is_object()) fail(ErrorKind::kData, "{}: metadata is no object.", file);
  Nodes nodes;
  std::map<std::string, Json> attributes;
  for (const auto& [key, document] : all.items()) {
    const auto slash = key.rfind('/');
    if (slash == std::string::npos) continue;  // the group itself
    const std::string name = key.substr(0, slash), kind = key.substr(slash + 1);
    check_name(file, name);
    if (!document.is_object()) fail(ErrorKind::kData, "{}: '{}' is no object.", file, key);
    if (kind == ".zarray") nodes[name] = Node{2, true, document, Json::object()};
    if (kind == ".zattrs") attributes[name] = document;
  }
  for (auto& [name, node] : nodes) {
    if (const auto found = attributes.find(name); found != attributes.end()) node.attributes = found->second;
  }
  return nodes;
}

void walk(const std::string& folder, const std::string& prefix, int depth, Nodes& nodes) {
  if (depth > kDeepestGroup) fail(ErrorKind::kData, "{}: its groups are nested more than {} deep.", folder, kDeepestGroup);
  std::error_code error;
  for (const auto& entry : stdfs::directory_iterator(folder, error)) {
    if (!entry.is_directory(error)) continue;
    const std::string leaf = entry.path().filename().string(), name = prefix + leaf;
    auto node = read_node(entry.path().string());
    if (!node) continue;
    if (nodes.size() >= kMostNodes) fail(ErrorKind::kUser, "{}: it holds more than {} nodes. Open one of its groups.", folder, kMostNodes);
    if (!node->is_array) walk(entry.path().string(), name + "/", depth + 1, nodes);
    nodes.emplace(name, std::move(*node));
  }
  if (error) fail_errno(error.value(), fmt::format("{}: cannot be listed", folder));
}

}  // namespace

bool is_node(const std::string& folder) {
  return has_file(folder + "/zarr.json") || has_file(folder + "/.zarray") || has_file(folder + "/.zgroup");
}

Contents open(const std::string& path) {
  std::string folder = path;
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const auto node = read_node(folder);
  if (!node) fail(ErrorKind::kUser, "{}: is a folder, and no Zarr array or group (it has no zarr.json, .zarray or .zgroup).", path);
  Contents contents{.format = "zarr", .path = folder};
  if (node->is_array) {
    contents.variables.push_back(variable_at(folder, "", 0, *node));
    return contents;
  }
  contents.is_group = true;
  contents.attributes = attributes_from(node->attributes);
  auto nodes = node->version == 3 ? consolidated_v3(folder + "/zarr.json", *node) : consolidated_v2(folder);
  if (!nodes) walk(folder, "", 0, nodes.emplace());
  for (const auto& [name, below] : *nodes) {
    if (below.is_array)
      contents.variables.push_back(variable_at(folder + "/" + name, name, static_cast<int>(contents.variables.size()), below));
  }
  return contents;
}

}  // namespace freestone::formats::zarr
