#include <algorithm>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>

#include "freestone/formats/kerchunk_grid.h"
#include "freestone/formats/parquet.h"
#include "freestone/formats/zarr_node.h"
#include "freestone/formats/zarr_store.h"
#include "freestone/storage/anonymous_file.h"
#include "freestone/storage/location.h"
#include "freestone/storage/output_folder.h"
#include "freestone/storage/remote_file.h"

namespace freestone::formats::kerchunk {
namespace {

using zarr::Json;

constexpr Index kRowsOfFile = 10'000;
constexpr Index kMostRows = 10'000'000;
constexpr Index kLargestFile = Index{512} << 20;
// Of files of an array that stay decoded.
constexpr std::size_t kMostHeld = 4;

/// One file of references, decoded.
struct Part {
  std::shared_ptr<const File> inlined;
  std::vector<ChunkReference> rows;     ///< `file` is a number in `files`
  std::vector<bool> present;
  std::shared_ptr<const OpenFiles> files;
};

std::shared_ptr<const Part> read_part(const File& file, const std::string& folder) {
  if (file.size() > kLargestFile) fail(ErrorKind::kUser, "{}: references of {} in one file are more than Freestone reads ({}).", file.name(), format_bytes(file.size()), format_bytes(kLargestFile));
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read_exactly(0, bytes);
  const parquet::Table table = parquet::read(file.name(), bytes, {"path", "offset", "size", "raw"}, kMostRows);
  const parquet::Column *path = table.find("path"), *offset = table.find("offset"), *size = table.find("size"), *raw = table.find("raw");
  if (path == nullptr && raw == nullptr) fail(ErrorKind::kData, "{}: it has neither a column 'path' nor 'raw'.", file.name());
  const auto check = [&](const parquet::Column*& column, bool is_text) {
    if (column == nullptr || column->is_text == is_text) return;
    // A column of nothing but nulls has whatever type its writer found for it: pyarrow's is int32.
    const bool is_empty = !column->present.empty() && std::none_of(column->present.begin(), column->present.end(), [](bool there) { return there; });
    if (!is_empty) fail(ErrorKind::kData, "{}: its column '{}' is of the wrong type.", file.name(), column->name);
    column = nullptr;
  };
  check(path, true);
  check(raw, true);
  check(offset, false);
  check(size, false);
  auto part = std::make_shared<Part>();
  const auto rows = static_cast<std::size_t>(table.rows);
  part->rows.resize(rows);
  part->present.resize(rows);
  std::vector<std::string> paths;
  std::map<std::string, std::int32_t> numbers;
  std::string inlined;
  for (std::size_t i = 0; i < rows; ++i) {
    ChunkReference& row = part->rows[i];
    if (raw != nullptr && raw->has(i)) {
      row = {.file = ChunkReference::kInline, .offset = static_cast<Index>(inlined.size()), .bytes = static_cast<Index>(raw->texts[i].size())};
      inlined += raw->texts[i];
      part->present[i] = true;
    } else if (path != nullptr && path->has(i)) {
      row.offset = offset != nullptr && offset->has(i) ? offset->numbers[i] : 0;
      row.bytes = size != nullptr && size->has(i) ? size->numbers[i] : 0;
      if (row.offset < 0 || row.bytes < 0) fail(ErrorKind::kData, "{}: row {}: offset and size are whole numbers from 0 on.", file.name(), i);
      if (row.offset == 0 && row.bytes == 0) row.bytes = ChunkReference::kWholeFile;
      const auto [known, is_new] = numbers.emplace(path->texts[i], static_cast<std::int32_t>(paths.size()));
      if (is_new) {
        const std::string& text = path->texts[i];
        paths.push_back(location_below(folder, text.starts_with("file://") ? text.substr(7) : text));
      }
      row.file = known->second;
      part->present[i] = true;
    }
  }
  part->files = std::make_shared<const OpenFiles>(std::move(paths));
  part->inlined = file_in_memory(file.name() + " (inline data)", inlined);
  return part;
}

/// The chunks of one array, of which files are read when they are needed.
class ParquetReferences final : public ChunkMap {
 public:
  /// @param location of the array's own folder
  /// @param folder   that relative paths are seen from
  ParquetReferences(std::string name, std::string location, std::string folder, ChunkGrid grid, Index rows_of_file, Identity identity)
      : name_(std::move(name)), location_(std::move(location)), folder_(std::move(folder)), grid_(std::move(grid)), rows_(rows_of_file), identity_(std::move(identity)), options_(remote_options()) {}

  StoredChunk find(const Dims& position) const override {
    const Index number = grid_.index_of(position);
    const auto part = this->part(number / rows_);
    const auto row = static_cast<std::size_t>(number % rows_);
    if (!part || row >= part->rows.size() || !part->present[row]) return {};
    const ChunkReference& place = part->rows[row];
    if (place.file == ChunkReference::kInline) return {part->inlined, place.offset, place.bytes};
    return part->files->chunk(place, name_, position);
  }
  // Nobody knows before the lists are read.
  bool is_remote() const override { return true; }
  bool finds_slowly() const override { return is_url(location_); }
  std::string name_of(const Dims&) const override { return name_; }
  Identity identity() const override { return identity_; }
  void check_unchanged() const override {}

 private:
  std::shared_ptr<const Part> part(Index number) const {
    // The file is read once, however many ask at the same time.
    const std::lock_guard lock(mutex_);
    for (auto at = parts_.begin(); at != parts_.end(); ++at) {
      if (at->first != number) continue;
      parts_.splice(parts_.begin(), parts_, at);
      return parts_.front().second;
    }
    const RemoteScope scope(options_);
    const std::string place = fmt::format("{}/refs.{}.parq", location_, number);
    std::shared_ptr<const Part> part;
    if (is_url(place)) {
      if (const auto file = RemoteFile::open_if_there(RemoteAddress(place, options_))) part = read_part(*file, folder_);
    } else if (exists(place)) {
      part = read_part(*File::open(place), folder_);
    }
    parts_.emplace_front(number, part);
    if (parts_.size() > kMostHeld) parts_.pop_back();
    return part;
  }

  std::string name_, location_, folder_;
  ChunkGrid grid_;
  Index rows_;
  Identity identity_;
  RemoteOptionsRef options_;
  mutable std::mutex mutex_;
  mutable std::list<std::pair<Index, std::shared_ptr<const Part>>> parts_;  // the last used first
};

}  // namespace

std::optional<Contents> open_if_parquet(const std::string& location) {
  const auto store = zarr::ZarrStore::at(location);
  const auto text = store->document(".zmetadata");
  if (!text) return std::nullopt;
  const std::string name = store->name(".zmetadata");
  const Json json = zarr::parse_json(name, *text);
  const auto rows = json.find("record_size");
  if (rows == json.end()) return std::nullopt;
  if (!rows->is_number_integer() || rows->get<Index>() < 1 || rows->get<Index>() > kMostRows) {
    fail(ErrorKind::kData, "{}: record_size is a whole number from 1 to {}.", name, kMostRows);
  }
  const Json& metadata = zarr::member(name, json, "metadata");
  if (!metadata.is_object()) fail(ErrorKind::kData, "{}: metadata is no object.", name);
  Contents contents{.format = "kerchunk", .path = store->name("")};
  contents.is_group = true;
  std::map<std::string, zarr::Node> arrays;
  for (const auto& [key, document] : metadata.items()) {
    const auto slash = key.rfind('/');
    const std::string path = slash == std::string::npos ? "" : key.substr(0, slash), leaf = key.substr(slash == std::string::npos ? 0 : slash + 1);
    for (const auto& part : std::filesystem::path(path)) {
      if (part == ".." || part == "." || part == "/") fail(ErrorKind::kData, "{}: '{}' is no path in the group.", name, key);
    }
    if (!document.is_object()) fail(ErrorKind::kData, "{}: '{}' is no object.", name, key);
    if (leaf == ".zarray") arrays[path] = {.version = 2, .is_array = true, .document = document};
    if (key == ".zattrs") contents.attributes = zarr::attributes_from(document);
  }
  const Identity identity{store->location(""), static_cast<Index>(text->size()), 0, static_cast<Index>(std::hash<std::string>()(*text) >> 1) | 1};
  TextRoom texts;
  for (auto& [path, node] : arrays) {
    const std::string prefix = path.empty() ? "" : path + "/";
    if (const auto attributes = metadata.find(prefix + ".zattrs"); attributes != metadata.end()) node.attributes = *attributes;
    const std::string label = path.empty() ? contents.path : contents.path + ": " + path;
    const std::string reference =
        nlohmann::json{{"path", store->location("")}, {"variable", path}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    contents.variables.push_back(
        zarr::variable_from(label, path, static_cast<int>(contents.variables.size()), node, reference, texts, [&, &path = path](zarr::ArrayMetadata& array) {
          return std::make_shared<const ParquetReferences>(label, store->location(path), parent_location(store->location("")), ChunkGrid(array.shape, array.chunk), rows->get<Index>(), identity);
        }));
  }
  for (const auto& [key, document] : metadata.items()) add_group(key, document, arrays, contents);
  contents.is_group = !(arrays.size() == 1 && arrays.contains(""));
  return contents;
}

void write_parquet(const ReferenceSet& set, OutputFolder& folder) {
  Json metadata = Json::object();
  for (const auto& [path, attributes] : set.groups) {
    const std::string prefix = path.empty() ? "" : path + "/";
    metadata[prefix + ".zgroup"] = Json{{"zarr_format", 2}};
    if (!attributes.empty() || path.empty()) metadata[prefix + ".zattrs"] = attributes;
  }
  for (const auto& [path, array] : set.arrays) {
    metadata[path + "/.zarray"] = array.document;
    metadata[path + "/.zattrs"] = array.attributes;
    if (array.chunks.empty()) continue;
    const Index count = grid_of(array).count();
    std::size_t next = 0;
    for (Index first = 0; first < count; first += kRowsOfFile) {
      const auto rows = static_cast<std::size_t>(std::min(kRowsOfFile, count - first));
      parquet::Table table{.rows = static_cast<Index>(rows)};
      parquet::Column paths{.name = "path", .is_text = true, .texts = std::vector<std::string>(rows), .present = std::vector<bool>(rows)};
      parquet::Column offsets{.name = "offset", .numbers = std::vector<std::int64_t>(rows)}, sizes{.name = "size", .numbers = std::vector<std::int64_t>(rows)};
      parquet::Column raws{.name = "raw", .is_text = true, .texts = std::vector<std::string>(rows), .present = std::vector<bool>(rows)};
      bool has_raw = false;
      const std::size_t before = next;
      for (; next < array.chunks.size() && array.chunks[next].chunk < first + static_cast<Index>(rows); ++next) {
        const auto row = static_cast<std::size_t>(array.chunks[next].chunk - first);
        const ChunkReference& place = array.chunks[next].place;
        if (place.file == ChunkReference::kInline) {
          raws.texts[row] = set.inlined.substr(static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.bytes));
          raws.present[row] = has_raw = true;
        } else {
          paths.texts[row] = set.files[static_cast<std::size_t>(place.file)];
          paths.present[row] = true;
          offsets.numbers[row] = place.offset;
          sizes.numbers[row] = place.bytes == ChunkReference::kWholeFile ? 0 : place.bytes;
        }
      }
      if (next == before) continue;
      table.columns = {std::move(paths), std::move(offsets), std::move(sizes)};
      if (has_raw) table.columns.push_back(std::move(raws));
      const std::vector<std::byte> bytes = parquet::written(table);
      folder.write_file(fmt::format("{}/refs.{}.parq", path, first / kRowsOfFile), bytes);
    }
  }
  const std::string text = Json{{"metadata", metadata}, {"record_size", kRowsOfFile}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  folder.write_file(".zmetadata", std::as_bytes(std::span(text)));
}

}  // namespace freestone::formats::kerchunk
