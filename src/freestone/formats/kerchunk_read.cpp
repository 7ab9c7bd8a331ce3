#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "freestone/base/base64.h"
#include "freestone/formats/kerchunk_grid.h"
#include "freestone/formats/kerchunk_template.h"
#include "freestone/formats/note.h"
#include "freestone/formats/zarr_node.h"
#include "freestone/storage/anonymous_file.h"
#include "freestone/storage/chunk_references.h"
#include "freestone/storage/location.h"
#include "freestone/storage/remote_address.h"

namespace freestone::formats::kerchunk {
namespace {

// Sorted, unlike the JSON of Zarr's metadata: there may be millions of keys.
using References = nlohmann::json;

constexpr Index kLargestFile = Index{1} << 30;
constexpr int kDeepest = 100;
constexpr std::int64_t kMostMade = 10'000'000;  // references of a formula
constexpr std::string_view kInlineMark = "base64:";

References read_json(const File& file) {
  if (file.size() > kLargestFile) {
    fail(ErrorKind::kUser, "{}: references of {} are more than Freestone reads from JSON ({}).", file.name(), format_bytes(file.size()),
         format_bytes(kLargestFile));
  }
  std::string text(static_cast<std::size_t>(file.size()), ' ');
  file.read_exactly(0, std::as_writable_bytes(std::span(text)));
  bool is_deep = false;
  // What is deeper is not kept: JSON is taken apart again by recursion.
  References json = References::parse(
      text,
      [&](int depth, References::parse_event_t, References&) {
        is_deep = is_deep || depth > kDeepest;
        return depth <= kDeepest;
      },
      false);
  if (json.is_discarded() || is_deep) fail(ErrorKind::kData, "{}: it is not JSON. The file is damaged, or was cut short.", file.name());
  return json;
}

/// Numbers the files that references name, and gathers what stands in the list itself.
class Places {
 public:
  explicit Places(const File& file) : file_(file), folder_(parent_location(file.location())) {}
  void set_templates(Templates templates) { templates_ = std::move(templates); }

  /// @throws Error kind data: damaged; kind user: a place that cannot be read
  ChunkReference reference(const std::string& key, const References& value) {
    if (value.is_string()) return inlined(key, value.get_ref<const std::string&>());
    const bool has_parts = value.is_array() && value.size() == 3;
    if ((!has_parts && !(value.is_array() && value.size() == 1)) || !value[0].is_string()) {
      fail(ErrorKind::kData, "{}: refs: '{}' is neither text, [path] nor [path, offset, length].", file_.name(), key);
    }
    ChunkReference out{.file = number(key, value[0].get_ref<const std::string&>())};
    if (has_parts) {
      out.offset = whole(key, value[1]);
      out.bytes = whole(key, value[2]);
    }
    return out;
  }
  std::shared_ptr<const OpenFiles> files() const { return std::make_shared<const OpenFiles>(paths_); }
  /// What stands in the list, as a file in memory.
  std::shared_ptr<const File> inlined_file() const {
    return file_in_memory(file_.name() + " (inline data)", bytes_);
  }

 private:
  ChunkReference inlined(const std::string& key, const std::string& text) {
    ChunkReference out{.offset = static_cast<Index>(bytes_.size())};
    if (text.starts_with(kInlineMark)) {
      const auto bytes = base64_decoded(std::string_view(text).substr(kInlineMark.size()));
      if (!bytes) fail(ErrorKind::kData, "{}: refs: '{}' is no base64.", file_.name(), key);
      bytes_.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    } else {
      bytes_ += text;
    }
    out.bytes = static_cast<Index>(bytes_.size()) - out.offset;
    return out;
  }
  Index whole(const std::string& key, const References& value) const {
    const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t{1} << 62;
    if (!fits) fail(ErrorKind::kData, "{}: refs: '{}': offset and length are whole numbers from 0 on.", file_.name(), key);
    return value.get<Index>();
  }
  std::int32_t number(const std::string& key, const std::string& text) {
    if (const auto known = numbers_.find(text); known != numbers_.end()) return known->second;
    auto path = templates_.filled_in(text);
    if (!path) {
      fail(ErrorKind::kUser, "{}: refs: '{}' is at {}, an expression that Freestone does not evaluate (names, numbers and arithmetic it does).",
           file_.name(), key, text);
    }
    if (path->starts_with("file://")) path = path->substr(7);
    if (is_url(*path)) RemoteAddress::check(*path);
    const auto fresh = static_cast<std::int32_t>(paths_.size());
    paths_.push_back(location_below(folder_, *path));
    numbers_.emplace(text, fresh);
    return fresh;
  }

  const File& file_;
  std::string folder_;
  Templates templates_;
  std::vector<std::string> paths_;
  std::map<std::string, std::int32_t> numbers_;
  std::string bytes_;
};

/// A metadata document: text of JSON, base64 of it, or an object.
zarr::Json document_from(const std::string& file, const std::string& key, const References& value) {
  const std::string name = file + ": " + key;
  if (value.is_object()) return zarr::parse_json(name, value.dump());
  if (!value.is_string()) fail(ErrorKind::kData, "{}: it is no metadata of Zarr.", name);
  const std::string& text = value.get_ref<const std::string&>();
  if (!text.starts_with(kInlineMark)) return zarr::parse_json(name, text);
  const auto bytes = base64_decoded(std::string_view(text).substr(kInlineMark.size()));
  if (!bytes) fail(ErrorKind::kData, "{}: it is no base64.", name);
  return zarr::parse_json(name, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

/// An array and the references to its chunks.
struct Array {
  zarr::Node node{.version = 2, .is_array = true};
  std::vector<std::pair<std::string, ChunkReference>> chunks;  ///< "0.1", and where it is
  std::optional<Error> unreadable;                             ///< why a chunk cannot be read
};
using Arrays = std::map<std::string, Array, std::less<>>;

/// The references of a file: what "refs" is in version 1, all of it in version 0.
const References& references_in(const std::string& file, const References& json) {
  if (!json.is_object()) fail(ErrorKind::kData, "{}: it holds no JSON object.", file);
  const auto refs = json.find("refs");
  if (refs != json.end() && !refs->is_object()) fail(ErrorKind::kData, "{}: refs is no object.", file);
  const References& found = refs != json.end() ? *refs : json;
  for (const char* key : {".zgroup", ".zarray", ".zmetadata"}) {
    if (found.contains(key)) return found;
  }
  if (found.contains("zarr.json")) fail(ErrorKind::kUser, "{}: its references are of Zarr version 3; those of version 2 can be read.", file);
  if (refs != json.end()) return found;
  fail(ErrorKind::kUser, "{}: it is JSON, but no references of kerchunk (it has neither 'refs' nor '.zgroup').", file);
}

std::map<std::string, std::string> templates_in(const std::string& file, const References& json) {
  std::map<std::string, std::string> out;
  const auto templates = json.find("templates");
  if (templates == json.end()) return out;
  if (!templates->is_object()) fail(ErrorKind::kData, "{}: templates is no object.", file);
  for (const auto& [name, value] : templates->items()) {
    if (!value.is_string()) fail(ErrorKind::kData, "{}: templates: '{}' is no text.", file, name);
    out[name] = value.get<std::string>();
  }
  return out;
}

/// The metadata documents by their keys: those of .zmetadata, and those that stand for themselves.
std::map<std::string, zarr::Json> documents_in(const std::string& file, const References& refs) {
  std::map<std::string, zarr::Json> out;
  if (const auto found = refs.find(".zmetadata"); found != refs.end()) {
    const zarr::Json all = document_from(file, ".zmetadata", *found);
    const zarr::Json& metadata = zarr::member(file + ": .zmetadata", all, "metadata");
    if (!metadata.is_object()) fail(ErrorKind::kData, "{}: .zmetadata: metadata is no object.", file);
    for (const auto& [key, document] : metadata.items()) {
      if (!document.is_object()) fail(ErrorKind::kData, "{}: .zmetadata: '{}' is no object.", file, key);
      out[key] = document;
    }
  }
  for (const auto& [key, value] : refs.items()) {
    const std::string leaf = key.substr(key.rfind('/') + 1);
    if (leaf == ".zarray" || leaf == ".zattrs" || leaf == ".zgroup") out[key] = document_from(file, key, value);
  }
  return out;
}

/// The array that a key belongs to: the longest path before a '/' that is one.
Arrays::iterator owner_of(std::string_view key, Arrays& arrays) {
  for (auto slash = key.rfind('/'); slash != std::string_view::npos && slash > 0; slash = key.rfind('/', slash - 1)) {
    if (const auto found = arrays.find(key.substr(0, slash)); found != arrays.end()) return found;
  }
  return arrays.find(std::string_view());
}

void add_chunk(const std::string& key, const References& value, Arrays& arrays, Places& places) {
  if (key.substr(key.rfind('/') + 1).starts_with(".z")) return;
  const auto owner = owner_of(key, arrays);
  if (owner == arrays.end() || owner->second.unreadable) return;
  try {
    owner->second.chunks.emplace_back(key.substr(owner->first.empty() ? 0 : owner->first.size() + 1), places.reference(key, value));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUser) throw;
    owner->second.unreadable = error;
  }
}

}  // namespace

Contents open(std::shared_ptr<const File> file) {
  const std::string& path = file->name();
  Arrays arrays;
  Contents contents{.format = "kerchunk", .path = path};
  Places places(*file);
  {
    const References json = read_json(*file);
    const References& refs = references_in(path, json);
    const Templates templates(templates_in(path, json));
    places.set_templates(templates);
    auto documents = documents_in(path, refs);
    for (auto& [key, document] : documents) {
      const auto slash = key.rfind('/');
      if (key.substr(slash + 1) != ".zarray") continue;
      Array& array = arrays[slash == std::string::npos ? "" : key.substr(0, slash)];
      array.node.document = std::move(document);
      const auto attributes = documents.find(key.substr(0, slash + 1) + ".zattrs");
      if (attributes != documents.end()) array.node.attributes = attributes->second;
    }
    contents.is_group = !arrays.contains("");
    if (const auto attributes = documents.find(".zattrs"); attributes != documents.end() && contents.is_group) {
      contents.attributes = zarr::attributes_from(attributes->second);
    }
    for (const auto& [key, document] : documents) add_group(key, document, arrays, contents);
    for (const auto& [key, value] : refs.items()) add_chunk(key, value, arrays, places);
    if (const auto gen = json.find("gen"); gen != json.end() && &refs != &json) {
      generate(path, *gen, templates, kMostMade, [&](const std::string& key, References value) { add_chunk(key, value, arrays, places); });
    }
  }

  const auto files = places.files();
  const auto inlined = places.inlined_file();
  const std::string absolute = file->location();
  TextRoom texts;
  for (auto& [name, array] : arrays) {
    const std::string label = name.empty() ? path : path + ": " + name;
    const std::string reference =
        nlohmann::json{{"path", absolute}, {"variable", name}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    contents.variables.push_back(
        zarr::variable_from(label, name, static_cast<int>(contents.variables.size()), array.node, reference, texts, [&, &array = array](zarr::ArrayMetadata& metadata) {
          if (array.unreadable) fail(ErrorKind::kUser, "{}: {}", label, note_of(*array.unreadable, path));
          const ChunkGrid grid(metadata.shape, metadata.chunk);
          const char separator = array.node.document.value("dimension_separator", std::string(".")) == "/" ? '/' : '.';
          std::map<Index, ChunkReference> chunks;
          for (const auto& [key, place] : array.chunks) {
            if (const auto number = chunk_number(key, separator, grid)) chunks.emplace(*number, place);
          }
          return std::make_shared<const ChunkReferences>(label, grid, file, files, inlined, std::move(chunks));
        }));
  }
  return contents;
}

}  // namespace freestone::formats::kerchunk
