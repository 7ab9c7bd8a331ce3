#include "freestone/formats/gdal.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>

#include "freestone/base/plugin.h"
#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/gdal_plugin.h"

namespace freestone::formats::gdal {
namespace {

// Small blocks (lines) are read together.
constexpr Index kGoodChunk = Index{1} << 20;
constexpr Index kMostBands = 65536;

struct Loaded {
  const FreestoneGdal* functions = nullptr;
  std::string path, why_not;
};

const Loaded& loaded() {
  static const Loaded kLoaded = [] {
    const Plugin& plugin = load_plugin("gdal", "freestone_gdal");
    Loaded out{nullptr, plugin.path, plugin.why_not};
    if (plugin.entry == nullptr) return out;
    const auto* functions = reinterpret_cast<const FreestoneGdal* (*)()>(plugin.entry)();
    if (functions->version == kFreestoneGdalVersion) {
      out.functions = functions;
    } else {
      out.why_not = fmt::format("{} is of another version of Freestone", plugin.path);
    }
    return out;
  }();
  return kLoaded;
}

std::mutex& lane() {
  static std::mutex mutex;
  return mutex;
}

std::string trimmed(const char* text) {
  std::string out = text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ' || out.back() == '.')) out.pop_back();
  return out;
}

/// A dataset that is open in GDAL.
class Dataset {
 public:
  Dataset(void* handle, Identity identity) : handle_(handle), identity_(std::move(identity)) {}
  ~Dataset() {
    const std::lock_guard lock(lane());
    loaded().functions->close(handle_);
  }
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const Identity& identity() const { return identity_; }
  std::string describe() const {
    const std::lock_guard lock(lane());
    std::string text(std::size_t{1} << 16, '\0');
    const std::size_t length = loaded().functions->describe(handle_, text.data(), text.size());
    if (length >= text.size()) {
      text.resize(length + 1);
      loaded().functions->describe(handle_, text.data(), text.size());
    }
    text.resize(length);
    return text;
  }
  void read(const Box& box, void* out) const {
    const bool has_bands = box.rank() == 3;
    const int y = has_bands ? 1 : 0;
    char error[1024] = {};
    const std::lock_guard lock(lane());
    check_unchanged();
    const int failed = loaded().functions->read(handle_, has_bands ? box.start[0] : 0, has_bands ? box.shape[0] : 1, box.start[y], box.start[y + 1], box.shape[y],
                                                box.shape[y + 1], out, error, sizeof error);
    if (failed != 0) fail(ErrorKind::kData, "{}: GDAL cannot read {}: {}.", identity_.path, to_string(box), trimmed(error));
  }

 private:
  void check_unchanged() const {
    struct stat status {};
    if (stat(identity_.path.c_str(), &status) != 0) fail_errno(errno, fmt::format("{}: cannot be looked at", identity_.path));
    const Index modified = Index{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    if (status.st_size != identity_.bytes || modified != identity_.modified_ns) fail(ErrorKind::kData, "{}: it was changed while it was read.", identity_.path);
  }
  void* handle_;
  Identity identity_;
};

class GdalSource final : public Source {
 public:
  GdalSource(std::shared_ptr<const Dataset> dataset, Spec spec, Shape chunk) : dataset_(std::move(dataset)), spec_(spec), chunks_(spec.shape, chunk) {
    reference_ = nlohmann::json{{"path", std::filesystem::absolute(dataset_->identity().path).string()}, {"variable", ""}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return chunks_; }
  Identity identity() const override { return dataset_->identity(); }
  std::string reference() const override { return reference_; }
  ReadCost cost(const Box& box) const override {
    Index decoded = size_of(spec_.dtype);
    for (int k = 0; k < box.rank(); ++k) {
      const Index step = chunks_.chunk()[k], first = box.start[k] / step * step, end = std::min(spec_.shape[k], (box.start[k] + box.shape[k] + step - 1) / step * step);
      decoded *= std::max<Index>(0, end - first);
    }
    return {encoded_bytes(box), 1, decoded};
  }
  Index encoded_bytes(const Box& box) const override { return box.count() * size_of(spec_.dtype); }
  bool decodes_in_place() const override { return true; }
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override {
    // A row of chunks at a time, so that whoever waits for the lane, or for the end, does not wait for long.
    const int y = box.rank() - 2;
    const Index step = std::max<Index>(1, chunks_.chunk()[y]), bands = box.rank() == 3 ? box.shape[0] : 1, plane = box.shape[y] * box.shape[y + 1] * size_of(spec_.dtype);
    for (Index band = 0; band < bands; ++band) {
      for (Index row = 0; row < box.shape[y]; row += step) {
        cancel.check();
        Box part = box;
        if (box.rank() == 3) part.start[0] += band, part.shape[0] = 1;
        part.start[y] += row;
        part.shape[y] = std::min(step, box.shape[y] - row);
        dataset_->read(part, encoded.data() + band * plane + row * box.shape[y + 1] * size_of(spec_.dtype));
      }
    }
  }
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel&) const override {
    if (out.data != encoded.data()) copy(View::contiguous(encoded.data(), spec_.dtype, box.shape), out);
  }

 private:
  std::shared_ptr<const Dataset> dataset_;
  Spec spec_;
  ChunkGrid chunks_;
  std::string reference_;
};

Shape chunk_of(const Shape& shape, Index height, Index width, DType dtype) {
  const int y = shape.rank() - 2, x = y + 1;
  Shape chunk(shape.rank(), 1);
  chunk[y] = std::clamp<Index>(height, 1, shape[y]);
  chunk[x] = std::clamp<Index>(width, 1, shape[x]);
  while (element_count(chunk) * size_of(dtype) < kGoodChunk / 2 && (chunk[x] < shape[x] || chunk[y] < shape[y])) {
    const int axis = chunk[y] >= shape[y] || (chunk[x] < shape[x] && chunk[x] <= chunk[y]) ? x : y;
    chunk[axis] = std::min(shape[axis], 2 * chunk[axis]);
  }
  return chunk;
}

/// One for each band, or one alone where they are equal; none where no band has it.
template <class T>
void put_bands(const nlohmann::json& json, const char* key, const T& nothing, bool may_be_one, std::vector<Attribute>& attributes) {
  const auto values = json.at(key).get<std::vector<T>>();
  if (std::all_of(values.begin(), values.end(), [&](const T& v) { return v == nothing; })) return;
  if (may_be_one && std::all_of(values.begin(), values.end(), [&](const T& v) { return v == values.front(); })) {
    attributes.push_back({key, values.front(), ""});
  } else {
    attributes.push_back({key, values, ""});
  }
}

std::vector<Attribute> attributes_of(const nlohmann::json& json, DType dtype) {
  std::vector<Attribute> out;
  if (const auto& nodata = json.at("nodata"); !nodata.empty()) {
    const auto one = [&](const nlohmann::json& value) -> AttributeValue {
      if (value.is_string()) return std::numeric_limits<double>::quiet_NaN();
      if (!is_integer(dtype)) return value.get<double>();
      if (value.is_number_unsigned()) return whole_value(value.get<std::uint64_t>());
      if (value.is_number_integer()) return value.get<std::int64_t>();
      return whole_value(value.get<double>()).value_or(value.get<double>());
    };
    const bool is_same = std::all_of(nodata.begin(), nodata.end(), [&](const auto& v) { return v == nodata.front(); });
    for (std::size_t band = 0; band < nodata.size(); ++band) {
      if (is_same && band > 0) break;
      if (!nodata[band].is_null()) out.push_back({is_same ? "nodata" : fmt::format("band_{}:nodata", band + 1), one(nodata[band]), ""});
    }
  }
  if (json.contains("transform")) out.push_back({"GeoTransform", json.at("transform").get<std::vector<double>>(), ""});
  if (json.contains("crs")) out.push_back({"crs", json.at("crs").get<std::string>(), ""});
  put_bands<std::string>(json, "band_names", "", false, out);
  put_bands<std::string>(json, "units", "", true, out);
  put_bands<double>(json, "scale", 1.0, true, out);
  put_bands<double>(json, "offset", 0.0, true, out);
  if (json.contains("colormap")) {
    out.push_back({"photometric", std::string("palette"), ""});
    out.push_back({"colormap", json.at("colormap").get<std::vector<std::int64_t>>(), "red, green, blue"});
  }
  for (const auto& [name, text] : json.at("items").items()) out.push_back({name, text.get<std::string>(), ""});
  for (std::size_t band = 0; band < json.at("band_items").size(); ++band) {
    for (const auto& [name, text] : json.at("band_items")[band].items()) out.push_back({fmt::format("band_{}:{}", band + 1, name), text.get<std::string>(), ""});
  }
  return out;
}

}  // namespace

bool is_there() { return loaded().functions != nullptr; }

std::string status() {
  if (is_there()) return fmt::format("{} ({})", loaded().functions->library(), loaded().path);
  return "not there: " + loaded().why_not;
}

Contents open(std::shared_ptr<const File> file) {
  const std::string& path = file->name();
  if (file->is_remote()) fail(ErrorKind::kUser, "{}: such a file is read through GDAL, and only from a disk of this machine. Download it first.", path);
  if (auto contents = open_if_known(file)) return std::move(*contents);
  if (!is_there()) {
    fail(ErrorKind::kUser,
         "{}: Freestone reads such a file through GDAL, and its plug-in libfreestone_gdal.so is not there ({}). Install libgdal with its headers (Debian: "
         "libgdal-dev) and build again, or name the plug-in's folder in FREESTONE_PLUGINS; gdal_translate makes a GeoTIFF of it.",
         path, loaded().why_not);
  }
  fail(ErrorKind::kUser, "{}: neither Freestone nor GDAL {} knows its format.", path, loaded().functions->library());
}

std::optional<Contents> open_if_known(std::shared_ptr<const File> file) {
  if (file->is_remote() || !is_there()) return std::nullopt;
  const std::string& path = file->name();
  char error[1024] = {};
  void* handle = nullptr;
  {
    const std::lock_guard lock(lane());
    handle = loaded().functions->open(path.c_str(), error, sizeof error);
  }
  if (handle == nullptr) {
    const std::string said = trimmed(error);
    if (said.empty()) return std::nullopt;
    fail(ErrorKind::kData, "{}: GDAL cannot open it: {}.", path, said);
  }
  const auto dataset = std::make_shared<const Dataset>(handle, file->identity());
  Contents contents{.format = "gdal", .path = path};
  Variable variable;
  try {
    const auto json = nlohmann::json::parse(dataset->describe());
    const Index bands = json.at("bands").get<Index>(), height = json.at("height").get<Index>(), width = json.at("width").get<Index>();
    if (bands == 0) {
      variable.note = "GDAL finds no raster in it";
      contents.variables.push_back(std::move(variable));
      return contents;
    }
    if (bands < 0 || bands > kMostBands || height < 1 || width < 1) fail(ErrorKind::kData, "{}: GDAL says that it has {} bands of {} x {}.", path, bands, height, width);
    const DType dtype = parse_dtype(json.at("dtype").get<std::string>());
    Shape shape{height, width};
    if (bands > 1) shape.insert(0, bands);
    const auto block = json.at("block").get<std::vector<Index>>();
    variable.dims = bands > 1 ? std::vector<std::string>{"band", "y", "x"} : std::vector<std::string>{"y", "x"};
    variable.attributes = attributes_of(json, dtype);
    variable.source = std::make_shared<GdalSource>(dataset, Spec{shape, dtype}, chunk_of(shape, block.at(0), block.at(1), dtype));
    contents.attributes.push_back({"read_by", fmt::format("GDAL {}, driver {}, by one thread at a time", loaded().functions->library(), json.at("driver").get<std::string>()), ""});
  } catch (const nlohmann::json::exception& wrong) {
    fail(ErrorKind::kInternal, "{}: the GDAL plug-in describes it as nobody reads: {}", path, wrong.what());
  }
  contents.variables.push_back(std::move(variable));
  return contents;
}

}  // namespace freestone::formats::gdal
