#include "freestone/formats/hdf5_append.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "freestone/formats/hdf5.h"
#include "freestone/formats/hdf5_apart.h"
#include "freestone/formats/hdf5_dims.h"
#include "freestone/formats/hdf5_write_file.h"

namespace freestone::formats::hdf5 {
namespace {

/// Numbers mean something else where these differ.
constexpr std::string_view kMeanings[] = {"units", "calendar", "scale_factor", "add_offset", "_FillValue"};

/// A dataset that grows along one axis without a sink of its own: a dimension, or a coordinate that nobody gave.
struct Growing {
  std::string path;
  int axis = 0;
  Index length = 0;
};

/// What the file has.
struct There {
  std::shared_ptr<const File> file;
  Contents contents;
  std::vector<Dataset> datasets;
  std::vector<std::vector<std::string>> dims;
};

There look_at(const std::string& path) {
  recover_changes(path);
  There out;
  if (!exists(path)) fail(ErrorKind::kUser, "{}: there is no such file to append to. Write it first, with --unlimited for the dimension that is to grow.", path);
  const auto file = LocalFile::open(path);
  out.file = file;
  if (!is_hdf5(*out.file)) fail(ErrorKind::kUser, "{}: it is no NetCDF-4 or HDF5 file: nothing can be appended to it.", path);
  // Read while the file changes behind its end, which a watched one would take for another.
  const int descriptor = ::fcntl(file->descriptor(), F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) fail_errno(errno, fmt::format("{}: cannot be opened once more", path));
  const auto unwatched = File::adopt(descriptor, path, out.file->size());
  out.contents = open(unwatched);
  out.datasets = describe_apart(unwatched).datasets;
  // Before names are found, for that lengthens arrays.
  std::vector<Dataset> named = out.datasets;
  out.dims = name_dimensions(named);
  return out;
}

class Appender {
 public:
  explicit Appender(const DatasetRequest& request) : request_(request), there_(look_at(request.path)) { plan_.path = request.path; }

  /// The variables that grow; `numbers` are theirs in the request.
  FileToWrite plan(std::vector<std::size_t>& numbers) {
    for (std::size_t i = 0; i < request_.variables.size(); ++i) {
      const VariableRequest& variable = request_.variables[i];
      const Dataset& dataset = dataset_of(variable);
      if (axis_of(dataset) < 0) continue;
      numbers.push_back(i);
      plan_.variables.push_back(variable_to_grow(variable, dataset));
    }
    if (plan_.variables.empty()) {
      fail(ErrorKind::kUser, "{}: nothing that is written has the dimension '{}', along which to append.", request_.path, request_.append);
    }
    return std::move(plan_);
  }

  std::vector<Growing> others(const FileToWrite& plan) const {
    // All that grows has one length afterwards.
    const VariableToWrite& first = plan.variables.front();
    const Index length = first.existing->length + first.spec.shape[first.existing->axis];
    std::vector<Growing> out;
    for (std::size_t d = 0; d < there_.datasets.size(); ++d) {
      const Dataset& dataset = there_.datasets[d];
      const bool is_scale = dataset.attributes.is_scale && !dataset.shape.empty() && there_.dims[d].front() == request_.append;
      if (!is_scale || !dataset.is_unlimited[0] || dataset.shape[0] >= length) continue;
      const bool has_sink = std::any_of(plan.variables.begin(), plan.variables.end(),
                                        [&](const VariableToWrite& v) { return v.group + v.name == dataset.path; });
      if (!has_sink) out.push_back({dataset.path, 0, length});
    }
    return out;
  }

  std::shared_ptr<const Source> source_of(const VariableRequest& variable) const {
    for (const Variable& found : there_.contents.variables) {
      if (found.name == variable.name) return found.source;
    }
    return nullptr;
  }
  const std::shared_ptr<const File>& file() const { return there_.file; }

 private:
  std::size_t number_of(const VariableRequest& variable) const {
    std::vector<std::string> names;
    for (std::size_t d = 0; d < there_.datasets.size(); ++d) {
      const std::string& path = there_.datasets[d].path;
      if (path == variable.name || path == group_of(variable.name) + "_nc4_non_coord_" + variable.name.substr(group_of(variable.name).size())) return d;
      if (!there_.datasets[d].attributes.is_dimension_only) names.push_back(path);
    }
    fail(ErrorKind::kUser, "{}: it has no variable '{}' to append to.{} It has {}.", request_.path, variable.name, suggestion(variable.name, names),
         fmt::join(names, ", "));
  }
  const Dataset& dataset_of(const VariableRequest& variable) const { return there_.datasets[number_of(variable)]; }

  int axis_of(const Dataset& dataset) const {
    const auto& dims = there_.dims[static_cast<std::size_t>(&dataset - there_.datasets.data())];
    const auto found = std::find(dims.begin(), dims.end(), request_.append);
    return found == dims.end() ? -1 : static_cast<int>(found - dims.begin());
  }

  VariableToWrite variable_to_grow(const VariableRequest& request, const Dataset& dataset) {
    const std::string& path = request_.path;
    const auto refuse = [&](std::string_view why) { fail(ErrorKind::kUser, "{}: nothing can be appended to '{}': {}", path, request.name, why); };
    if (!dataset.note.empty()) refuse(dataset.note + ".");
    const int axis = axis_of(dataset), rank = dataset.shape.rank();
    if (!dataset.is_unlimited[static_cast<std::size_t>(axis)]) refuse(fmt::format("its dimension '{}' is not unlimited.", request_.append));
    if (dataset.layout != Dataset::kChunked || dataset.type.is_record() || !dataset.type.inner.empty() || dataset.type.transform.halves) {
      refuse("only the HDF5 library reads elements like its.");
    }
    if (dataset.leaves_edges_unfiltered) refuse("its chunks at the edge are stored without filters.");
    const DType stored = dataset.type.transform.dtype;
    const bool is_byte = is_bool(request.spec.dtype) && stored == DType::kInt8;
    if (request.spec.dtype != stored && !is_byte) {
      refuse(fmt::format("its elements are {}, these {}. --dtype {} would convert them.", name_of(stored), name_of(request.spec.dtype), name_of(stored)));
    }
    const Shape& shape = request.spec.shape;
    const auto& dims = there_.dims[static_cast<std::size_t>(&dataset - there_.datasets.data())];
    for (int k = 0; k < rank && shape.rank() == rank; ++k) {
      const std::string& name = k < static_cast<int>(request.dims.size()) ? request.dims[static_cast<std::size_t>(k)] : "";
      const std::string& own = dims[static_cast<std::size_t>(k)];
      if (!name.empty() && name != fmt::format("dim_{}", k) && name != own) refuse(fmt::format("its axis {} is '{}', here it is '{}'.", k, own, name));
      if (k != axis && shape[k] != dataset.shape[k]) {
        refuse(fmt::format("it has {} elements along '{}', this array {}.", dataset.shape[k], dims[static_cast<std::size_t>(k)], shape[k]));
      }
    }
    if (shape.rank() != rank) refuse(fmt::format("it has {} axes, this array {}.", rank, shape.rank()));
    check_meanings(request, dataset);

    VariableToWrite out{.asked_name = request.name, .group = group_of(dataset.path), .name = dataset.path.substr(group_of(dataset.path).size())};
    out.spec = request.spec;
    out.stored.chunk = dataset.chunk;
    std::vector<CodecRef> codecs;
    for (const Filter& filter : dataset.filters) {
      if (!can_encode(filter)) refuse(fmt::format("its chunks went through filter {} ({}), which Freestone does not write.", filter.id, filter.name));
      if (CodecRef codec = codec_of(filter, dataset.type.bytes)) codecs.push_back(std::move(codec));
    }
    out.stored.codecs = CodecChain(std::move(codecs));
    out.transform = dataset.type.transform;
    out.fill = dataset.fill;
    // All that has the dimension goes on where the longest ends.
    out.existing = Existing{.axis = axis, .length = length_of_dimension(), .source = source_of(request)};
    if (!out.existing->source) refuse("it cannot be read.");
    return out;
  }

  /// Of all that have it.
  Index length_of_dimension() const {
    Index length = 0;
    for (std::size_t d = 0; d < there_.datasets.size(); ++d) {
      for (std::size_t k = 0; k < there_.dims[d].size() && static_cast<int>(k) < there_.datasets[d].shape.rank(); ++k) {
        if (there_.dims[d][k] == request_.append) length = std::max(length, there_.datasets[d].shape[static_cast<int>(k)]);
      }
    }
    return length;
  }

  void check_meanings(const VariableRequest& request, const Dataset& dataset) const {
    for (const std::string_view key : kMeanings) {
      const auto of = [&](const std::vector<Attribute>& all) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const Attribute& a) { return a.key == key; });
        return found == all.end() ? nullptr : &*found;
      };
      const Attribute *here = of(request.attributes), *there = of(dataset.attributes.shown);
      // What does not say is taken to be meant.
      if (here == nullptr || (there != nullptr && text_of(here->value) == text_of(there->value))) continue;
      if (key == "_FillValue" && there != nullptr && text_of(here->value) == text_of(there->value)) continue;
      fail(ErrorKind::kUser, "{}: '{}': {} is {} in the file and '{}' here: the numbers would not mean the same.", request_.path, request.name, key,
           there == nullptr ? "not set" : fmt::format("'{}'", text_of(there->value)), text_of(here->value));
    }
  }

  const DatasetRequest& request_;
  There there_;
  FileToWrite plan_;
};

class AppendOutput final : public Output {
 public:
  AppendOutput(FileToWrite plan, std::vector<Growing> others, std::shared_ptr<const File> file)
      : Output(std::move(plan)), others_(std::move(others)), file_(std::move(file)) {}
  ~AppendOutput() override { give_up(); }

  void flush() override {}
  Index offset_of(std::size_t) const override { return 0; }
  int descriptor() override { return changes_.descriptor(); }

 protected:
  void open() override {
    changes_.open(path());
    file_->check_unchanged();
    const LibraryLane lane;
    library_ = std::make_unique<WriteFile>(path(), changes_);
    for (const VariableToWrite& variable : plan().variables) {
      const Existing& existing = *variable.existing;
      datasets_.push_back(grown({variable.group + variable.name, existing.axis, existing.length + variable.spec.shape[existing.axis]}));
    }
    for (const Growing& other : others_) grown(other);
  }

  Index place_chunk(std::size_t variable, const std::vector<hsize_t>& corner, ConstBytes chunk) override {
    if (!library_) fail(ErrorKind::kInternal, "{}: a chunk of an output that was given up", path());
    return library_->place_chunk(datasets_[variable].id(), corner, chunk);
  }
  void write_at(Index offset, ConstBytes bytes) override { changes_.write(offset, bytes); }

  void complete() override {
    Index bytes = 0;
    {
      const LibraryLane lane;
      datasets_.clear();
      bytes = library_->close();
      library_.reset();
    }
    changes_.apply(bytes);
  }

  void give_up() noexcept override {
    if (library_) {
      const LibraryLane lane;
      datasets_.clear();
      library_.reset();
    }
    changes_.give_up();
  }

 private:
  Handle grown(const Growing& growing) {
    Handle dataset(H5Dopen2(library_->id(), growing.path.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle space(dataset ? H5Dget_space(dataset.id()) : -1, H5Sclose);
    hsize_t shape[H5S_MAX_RANK] = {};
    const bool is_open = dataset && H5Sget_simple_extent_dims(space.id(), shape, nullptr) > growing.axis;
    if (is_open) shape[growing.axis] = static_cast<hsize_t>(growing.length);
    if (!is_open || H5Dset_extent(dataset.id(), shape) < 0) fail_to_write(path(), growing.path, "it cannot be lengthened");
    return dataset;
  }

  std::vector<Growing> others_;
  std::shared_ptr<const File> file_;
  HeldChanges changes_;
  std::unique_ptr<WriteFile> library_;  // changed in the lane
  std::vector<Handle> datasets_;
};

/// What the file has already must be what is given.
class ComparingSink final : public Sink {
 public:
  ComparingSink(std::string path, std::string variable, Spec spec, std::shared_ptr<const Source> source)
      : path_(std::move(path)), variable_(std::move(variable)), spec_(std::move(spec)), source_(std::move(source)) {
    const bool is_byte = is_bool(spec_.dtype) && source_ && source_->spec().dtype == DType::kInt8;
    if (!source_ || source_->spec().shape != spec_.shape || (source_->spec().dtype != spec_.dtype && !is_byte)) differ();
    caps_.unit = Shape(spec_.shape.rank(), 1);
  }

  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return path_; }
  void create() override {}
  void finish() override {}
  void abort() noexcept override {}
  Index scratch_bytes(const Box& box) const override {
    return Scratch::rounded(source_->encoded_bytes(box)) + 2 * Scratch::rounded(box.count() * size_of(spec_.dtype));
  }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override {
    if (box.empty()) return;
    const Index mark = scratch.used(), bytes = box.count() * size_of(spec_.dtype);
    const auto encoded_bytes = static_cast<std::size_t>(source_->encoded_bytes(box));
    const Bytes encoded(scratch.take(static_cast<Index>(encoded_bytes)), encoded_bytes);
    const View there = View::contiguous(scratch.take(bytes), source_->spec().dtype, box.shape);
    const View here = View::contiguous(scratch.take(bytes), spec_.dtype, box.shape);
    source_->fetch(box, encoded, cancel);
    source_->decode(box, encoded, there, cancel);
    copy(data, here);
    if (std::memcmp(there.data, here.data, static_cast<std::size_t>(bytes)) != 0) differ();
    scratch.release_to(mark);
  }

 private:
  [[noreturn]] void differ() const {
    fail(ErrorKind::kUser, "{}: '{}' is another array in the file than the one that comes with what is appended.", path_, variable_);
  }
  std::string path_, variable_;
  Spec spec_;
  SinkCaps caps_;
  std::shared_ptr<const Source> source_;
};

}  // namespace

std::vector<std::shared_ptr<Sink>> append_sinks(const DatasetRequest& request) {
  if (request.variables.empty()) fail(ErrorKind::kUser, "{}: there is no variable to append.", request.path);
  Appender appender(request);
  std::vector<std::size_t> numbers;
  FileToWrite plan = appender.plan(numbers);
  std::vector<Growing> others = appender.others(plan);
  // Its own view of the file: what was there stays where it is, whatever else is written.
  const auto growing = sinks_of(std::make_shared<AppendOutput>(std::move(plan), std::move(others), appender.file()));
  std::vector<std::shared_ptr<Sink>> out(request.variables.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) out[numbers[i]] = growing[i];
  for (std::size_t i = 0; i < out.size(); ++i) {
    const VariableRequest& variable = request.variables[i];
    if (!out[i]) out[i] = std::make_shared<ComparingSink>(request.path, variable.name, variable.spec, appender.source_of(variable));
  }
  return out;
}

}  // namespace freestone::formats::hdf5
