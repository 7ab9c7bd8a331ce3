#include <algorithm>
#include <filesystem>
#include <map>

#include "freestone/formats/zarr.h"
#include "freestone/formats/zarr_node.h"
#include "freestone/formats/zarr_store.h"

namespace freestone::formats::zarr {
namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kMostNodes = 100'000;
constexpr int kDeepestGroup = 64;

std::string below(const std::string& folder, const std::string& leaf) { return folder.empty() ? leaf : folder + "/" + leaf; }

std::optional<Json> read_json(const ZarrStore& store, const std::string& path) {
  const auto text = store.document(path);
  return text ? std::optional<Json>(parse_json(store.name(path), *text)) : std::nullopt;
}

std::optional<Node> read_node(const ZarrStore& store, const std::string& folder) {
  if (auto json = read_json(store, below(folder, "zarr.json"))) return node_from_v3(store.name(below(folder, "zarr.json")), std::move(*json));
  for (const bool is_array : {true, false}) {
    auto json = read_json(store, below(folder, is_array ? ".zarray" : ".zgroup"));
    if (!json) continue;
    return Node{2, is_array, std::move(*json), read_json(store, below(folder, ".zattrs")).value_or(Json::object())};
  }
  return std::nullopt;
}

/// @param group_document "" when the array's own was read
Variable variable_at(const ZarrStore& store, const std::string& folder, const std::string& group_document, int number, const Node& node,
                     TextRoom& texts) {
  const std::string document = node.name_of_document();
  const std::string reference =
      nlohmann::json{{"path", store.location(folder)}, {"variable", ""}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  return variable_from(store.name(below(folder, document)), folder, number, node, reference, texts,
                       [&](ArrayMetadata& array) { return store.chunks(folder, document, group_document, array); });
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

std::optional<Nodes> consolidated_v2(const ZarrStore& store) {
  const std::string file = store.name(".zmetadata");
  const auto json = read_json(store, ".zmetadata");
  if (!json) return std::nullopt;
  const Json& all = member(file, *json, "metadata");
  if (!all.is_object()) fail(ErrorKind::kData, "{}: metadata is no object.", file);
  Nodes nodes;
  std::map<std::string, Json> attributes;
  for (const auto& [key, document] : all.items()) {
    const auto slash = key.rfind('/');
    if (slash == std::string::npos) continue;  // the group itself
    const std::string name = key.substr(0, slash), kind = key.substr(slash + 1);
    check_name(file, name);
    if (!document.is_object()) fail(ErrorKind::kData, "{}: '{}' is no object.", file, key);
    if (kind == ".zarray" || kind == ".zgroup") nodes[name] = Node{2, kind == ".zarray", document, Json::object()};
    if (kind == ".zattrs") attributes[name] = document;
  }
  for (auto& [name, node] : nodes) {
    if (const auto found = attributes.find(name); found != attributes.end()) node.attributes = found->second;
  }
  return nodes;
}

void walk(const ZarrStore& store, const std::string& folder, int depth, Nodes& nodes) {
  if (depth > kDeepestGroup) fail(ErrorKind::kData, "{}: its groups are nested more than {} deep.", store.name(folder), kDeepestGroup);
  const auto folders = store.folders(folder);
  if (!folders) {
    fail(ErrorKind::kUser, "{}: it is a group, and what is in it cannot be listed over HTTP. Name one of its arrays, or have its metadata consolidated.",
         store.name(folder));
  }
  for (const std::string& leaf : *folders) {
    const std::string path = below(folder, leaf);
    auto node = read_node(store, path);
    if (!node) continue;
    if (nodes.size() >= kMostNodes) fail(ErrorKind::kUser, "{}: it holds more than {} nodes. Open one of its groups.", store.name(folder), kMostNodes);
    if (!node->is_array) walk(store, path, depth + 1, nodes);
    nodes.emplace(path, std::move(*node));
  }
}

}  // namespace

bool is_node(const std::string& folder) {
  std::error_code error;
  for (const char* document : {"/zarr.json", "/.zarray", "/.zgroup"}) {
    if (stdfs::is_regular_file(folder + document, error)) return true;
  }
  return false;
}

std::optional<Contents> open_if_node(const std::string& path) {
  const auto store = ZarrStore::at(path);
  const auto node = read_node(*store, "");
  if (!node) return std::nullopt;
  Contents contents{.format = "zarr", .path = store->name("")};
  TextRoom texts;
  if (node->is_array) {
    contents.variables.push_back(variable_at(*store, "", "", 0, *node, texts));
    return contents;
  }
  contents.is_group = true;
  contents.attributes = attributes_from(node->attributes);
  const std::string document = node->version == 3 ? "zarr.json" : ".zmetadata";
  auto nodes = node->version == 3 ? consolidated_v3(store->name(document), *node) : consolidated_v2(*store);
  const bool is_consolidated = nodes.has_value();
  if (!nodes) walk(*store, "", 0, nodes.emplace());
  for (const auto& [name, array] : *nodes) {
    if (array.is_array)
      contents.variables.push_back(variable_at(*store, name, is_consolidated ? document : "", static_cast<int>(contents.variables.size()), array, texts));
    else
      contents.groups.push_back({name, attributes_from(array.attributes)});
  }
  return contents;
}

Contents open(const std::string& path) {
  auto contents = open_if_node(path);
  if (!contents) fail(ErrorKind::kUser, "{}: is a folder, and no Zarr array or group (it has no zarr.json, .zarray or .zgroup).", path);
  return std::move(*contents);
}

}  // namespace freestone::formats::zarr
