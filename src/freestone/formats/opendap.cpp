#include "freestone/formats/opendap.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "freestone/base/plugin.h"
#include "freestone/formats/hdf5_library.h"
#include "freestone/formats/opendap_plugin.h"
#include "freestone/formats/zarr_json.h"
#include "freestone/storage/remote_file.h"

namespace freestone::formats::opendap {
namespace {

using zarr::Json;

constexpr Index kLargestRead = Index{8} << 20;
constexpr Index kGoodChunk = Index{4} << 20;
constexpr std::size_t kLargestDescription = std::size_t{64} << 20;
constexpr auto kLook = std::chrono::milliseconds(50);

const FreestoneOpendap& plugin() {
  const Plugin& loaded = load_plugin("opendap", "freestone_opendap");
  if (loaded.entry == nullptr) {
    fail(ErrorKind::kUser,
         "OPeNDAP URLs are read through a plug-in, libfreestone_opendap.so, which cannot be loaded ({}). It is built where libnetcdf is (on Debian: "
         "libnetcdf-dev).",
         loaded.why_not);
  }
  const auto entry = reinterpret_cast<const FreestoneOpendap* (*)()>(loaded.entry);
  const FreestoneOpendap* table = entry();
  if (table == nullptr || table->version != kFreestoneOpendapVersion) {
    fail(ErrorKind::kUser, "{}: the plug-in is of another version of Freestone. Build it anew.", loaded.path);
  }
  return *table;
}

/// Runs `work` in a thread of its own, after those before it have ended, and waits. When the waiting is ended by somebody (`look` throws), or takes
/// too long, the thread goes on by itself: what `work` holds must be its own.
/// @throws what `work` or `look` throw; Error kind io: it takes longer than `patience_seconds`
void run_apart(const std::string& name, double patience_seconds, const std::function<void()>& look, std::function<void()> work) {
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool has_ended = false;
    std::exception_ptr error;
  };
  static std::mutex& one_at_a_time = *new std::mutex;
  const auto state = std::make_shared<State>();
  std::thread([state, work = std::move(work)] {
    std::exception_ptr error;
    try {
      const std::lock_guard lane(one_at_a_time);
      work();
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(state->mutex);
    state->error = error;
    state->has_ended = true;
    state->changed.notify_all();
  }).detach();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(patience_seconds * 1000));
  std::unique_lock lock(state->mutex);
  while (!state->changed.wait_for(lock, kLook, [&] { return state->has_ended; })) {
    lock.unlock();
    look();
    if (std::chrono::steady_clock::now() > end) fail(ErrorKind::kIo, "{}: no answer by OPeNDAP after {:.0f} s.", name, patience_seconds);
    lock.lock();
  }
  if (state->error) std::rethrow_exception(state->error);
}

/// A dataset that is open in libnetcdf.
class Dataset {
 public:
  Dataset(const std::string& url, std::string shown, int timeout_seconds) : shown_(std::move(shown)) {
    char error[512] = {};
    // libnetcdf keeps what it knows of a dataset in HDF5's library, which is one and the same here.
    const hdf5::LibraryLane lane;
    number_ = plugin().open(url.c_str(), timeout_seconds, error, sizeof error);
    if (number_ < 0) fail(ErrorKind::kIo, "{}: it cannot be opened by OPeNDAP ({}).", shown_, error);
  }
  ~Dataset() {
    const hdf5::LibraryLane lane;
    plugin().close(number_);
  }
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const std::string& shown() const { return shown_; }
  Json describe() const {
    std::string text(std::size_t{1} << 16, '\0');
    const std::size_t size = plugin().describe(number_, text.data(), text.size());
    if (size >= kLargestDescription) fail(ErrorKind::kData, "{}: its description has {}. It is damaged.", shown_, format_bytes(static_cast<Index>(size)));
    if (size >= text.size()) {
      text.resize(size + 1);
      plugin().describe(number_, text.data(), text.size());
    }
    text.resize(size);
    return zarr::parse_json(shown_, text);
  }
  void read(const std::string& variable, const Box& box, void* out) const {
    const std::vector<std::int64_t> start(box.start.begin(), box.start.end()), shape(box.shape.begin(), box.shape.end());
    char error[512] = {};
    if (plugin().read(number_, variable.c_str(), start.data(), shape.data(), box.rank(), out, error, sizeof error) != 0) {
      fail(ErrorKind::kIo, "{}: {}: {} cannot be read by OPeNDAP ({}).", shown_, variable, to_string(box), error);
    }
  }

 private:
  std::string shown_;
  int number_ = -1;
};

/// Ends a dataset in its turn, whoever lets it go.
std::shared_ptr<const Dataset> kept(std::unique_ptr<const Dataset> dataset) {
  return {dataset.release(), [](const Dataset* last) {
            try {
              run_apart(std::string(last->shown()), 1, [] {}, [last] { delete last; });
            } catch (...) {
              // No thread can be made any more: the process ends it.
            }
          }};
}

class OpendapSource final : public Source {
 public:
  OpendapSource(std::shared_ptr<const Dataset> dataset, double patience_seconds, std::string variable, Spec spec, ChunkGrid grid, Identity identity,
                std::string reference)
      : dataset_(std::move(dataset)),
        patience_seconds_(patience_seconds),
        variable_(std::move(variable)),
        spec_(std::move(spec)),
        grid_(std::move(grid)),
        identity_(std::move(identity)),
        reference_(std::move(reference)) {}

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return grid_; }
  Identity identity() const override { return identity_; }
  std::string reference() const override { return reference_; }
  ReadCost cost(const Box& box) const override {
    const Index bytes = box.count() * size_of(spec_.dtype);
    return {.bytes = bytes, .requests = (bytes + kLargestRead - 1) / kLargestRead, .decoded = bytes};
  }
  Index encoded_bytes(const Box& box) const override { return box.count() * size_of(spec_.dtype); }
  bool decodes_in_place() const override { return true; }

  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override {
    const Index width = size_of(spec_.dtype);
    for_each_piece(box, [&](const Box& piece, Index done) {
      cancel.check();
      // Of the thread, so that it may be left.
      const auto memory = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(piece.count() * width));
      run_apart(dataset_->shown(), patience_seconds_, [&] { cancel.check(); }, [dataset = dataset_, variable = variable_, piece, memory] { dataset->read(variable, piece, memory->data()); });
      std::memcpy(encoded.data() + done, memory->data(), memory->size());
    });
  }
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel&) const override {
    if (out.data != encoded.data()) copy(View::contiguous(encoded.data(), spec_.dtype, box.shape), out);
  }

 private:
  /// Cuts a box into pieces of one request that follow each other in C order: `done` is where a piece begins, in bytes.
  void for_each_piece(const Box& box, const std::function<void(const Box& piece, Index done)>& work) const {
    const Index width = size_of(spec_.dtype);
    // Axes before this one are taken one index at a time.
    int axis = 0;
    Index inner = box.count() * width;  // bytes of one index of `axis`
    for (; axis < box.rank(); ++axis) {
      inner /= box.shape[axis];
      if (inner <= kLargestRead) break;
    }
    if (axis == box.rank()) return work(box, 0);
    const Index step = std::clamp<Index>(kLargestRead / std::max<Index>(inner, 1), 1, box.shape[axis]);
    Box piece = box;
    for (int k = 0; k < axis; ++k) piece.shape[k] = 1;
    Dims at(axis);
    for (Index done = 0;;) {
      for (int k = 0; k < axis; ++k) piece.start[k] = box.start[k] + at[k];
      for (Index i = 0; i < box.shape[axis]; i += step) {
        piece.start[axis] = box.start[axis] + i;
        piece.shape[axis] = std::min(step, box.shape[axis] - i);
        work(piece, done);
        done += piece.count() * width;
      }
      int k = axis - 1;
      while (k >= 0 && ++at[k] == box.shape[k]) at[k--] = 0;
      if (k < 0) return;
    }
  }

  std::shared_ptr<const Dataset> dataset_;
  double patience_seconds_;
  std::string variable_;
  Spec spec_;
  ChunkGrid grid_;
  Identity identity_;
  std::string reference_;
};

std::optional<DType> dtype_of(const std::string& type) {
  static const std::pair<const char*, DType> kTypes[] = {{"i1", DType::kInt8},   {"i2", DType::kInt16},  {"i4", DType::kInt32},   {"i8", DType::kInt64},
                                                         {"u1", DType::kUint8},  {"u2", DType::kUint16}, {"u4", DType::kUint32},  {"u8", DType::kUint64},
                                                         {"f4", DType::kFloat32}, {"f8", DType::kFloat64}, {"S1", DType::kUint8}};
  for (const auto& [name, dtype] : kTypes) {
    if (type == name) return dtype;
  }
  return std::nullopt;
}

std::vector<Attribute> attributes_of(const Json& list) {
  Json object = Json::object();
  for (const Json& one : list) object[one.at("name").get<std::string>()] = one.at("value");
  return zarr::attributes_from(object);
}

/// The URL as libnetcdf wants it, and what of it is a plain URL.
std::string for_library(const std::string& url) {
  for (const auto& [scheme, mode] : {std::pair{"dap2://", "#dap2"}, {"dods://", "#dap2"}, {"dap4://", "#dap4"}}) {
    if (url.starts_with(scheme)) return "http://" + url.substr(std::string_view(scheme).size()) + mode;
  }
  return url.find('#') == std::string::npos ? url + "#dap2" : url;
}

ChunkGrid grid_of(const Shape& shape, Index width) {
  if (shape.empty() || element_count(shape) == 0) return ChunkGrid::contiguous(shape);
  Shape chunk = shape;
  Index bytes = element_count(shape) * width;
  for (int k = 0; k < shape.rank() && bytes > kGoodChunk; ++k) {
    const Index row = bytes / chunk[k];
    chunk[k] = std::clamp<Index>(kGoodChunk / std::max<Index>(row, 1), 1, chunk[k]);
    bytes = row * chunk[k];
  }
  return {shape, chunk};
}

}  // namespace

bool says_so(const std::string& url) {
  for (const char* scheme : {"dap2://", "dap4://", "dods://"}) {
    if (url.starts_with(scheme)) return true;
  }
  const auto mark = url.rfind('#');
  const std::string mode = mark == std::string::npos ? "" : url.substr(mark + 1);
  return mode == "dap2" || mode == "dap4" || mode == "mode=dap2" || mode == "mode=dap4";
}

bool answers(const std::string& url) {
  const auto end = std::min(url.find_first_of("?#"), url.size());
  const RemoteAddress address(url.substr(0, end) + ".dds" + url.substr(end), remote_options());
  const auto text = read_text(address, Index{4} << 20);
  if (!text) return false;
  const auto first = text->find_first_not_of(" \t\r\n");
  return first != std::string::npos && std::string_view(*text).substr(first).starts_with("Dataset");
}

Contents open(const std::string& url) {
  const std::string asked = for_library(url);
  const RemoteAddress address(asked, remote_options());
  const auto timeout = static_cast<int>(std::ceil(address.options()->timeout_seconds));
  plugin();
  const auto opened = std::make_shared<std::pair<std::shared_ptr<const Dataset>, Json>>();
  // A request takes as long as its bytes do: several times what a server may be silent.
  const double patience = 4.0 * timeout;
  run_apart(address.shown(), patience, RemoteScope::look, [opened, asked, shown = address.shown(), timeout] {
    auto dataset = std::make_unique<const Dataset>(asked, shown, timeout);
    opened->second = dataset->describe();
    opened->first = kept(std::move(dataset));
  });
  Contents contents{.format = "opendap", .path = address.shown()};
  contents.is_group = true;
  const Json& json = opened->second;
  contents.attributes = attributes_of(json.at("attributes"));
  const auto hash = static_cast<Index>(std::hash<std::string>()(json.dump(-1, ' ', false, Json::error_handler_t::replace)) >> 1);
  for (const Json& one : json.at("variables")) {
    Variable variable{.name = one.at("name").get<std::string>(), .hdu = static_cast<int>(contents.variables.size())};
    variable.attributes = attributes_of(one.at("attributes"));
    variable.dims = one.at("dims").get<std::vector<std::string>>();
    const auto type = one.at("type").get<std::string>();
    const auto dtype = dtype_of(type);
    const auto lengths = one.at("shape").get<std::vector<Index>>();
    Index count = 1;
    bool is_sound = lengths.size() <= static_cast<std::size_t>(kMaxRank);
    for (const Index length : lengths) is_sound = is_sound && length >= 0 && !__builtin_mul_overflow(count, std::max<Index>(length, 1), &count);
    if (type == "S1") variable.attributes.push_back({"numpy_dtype", std::string("S1"), "what the integers mean"});
    if (!dtype) {
      variable.note = "texts and structures are not read through OPeNDAP";
    } else if (!is_sound || count > (Index{1} << 56)) {
      variable.note = "it has more axes or elements than an array can have";
    } else {
      const Spec spec{Shape(lengths), *dtype};
      const std::string reference =
          nlohmann::json{{"path", asked}, {"variable", variable.name}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      variable.source = std::make_shared<OpendapSource>(opened->first, patience, variable.name, spec, grid_of(spec.shape, size_of(spec.dtype)),
                                                        Identity{contents.path, spec.bytes(), 0, hash | 1}, reference);
    }
    contents.variables.push_back(std::move(variable));
  }
  return contents;
}

std::string plugin_state() {
  try {
    return plugin().library();
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace freestone::formats::opendap
