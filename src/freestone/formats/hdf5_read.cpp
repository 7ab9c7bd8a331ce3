#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/base/log.h"
#include "freestone/formats/hdf5.h"
#include "freestone/formats/hdf5_apart.h"
#include "freestone/formats/hdf5_dims.h"
#include "freestone/formats/hdf5_source.h"
#include "freestone/formats/note.h"
#include "freestone/storage/chunked_source.h"
#include "freestone/storage/held_changes.h"
#include "freestone/storage/manifest_source.h"
#include "freestone/storage/memory_store.h"

namespace freestone::formats::hdf5 {
namespace {

// Of contiguous records, cut into pieces along their first axis.
constexpr Index kRecordPiece = Index{1} << 20;

/// An array of a file: a dataset, or a field of one.
struct Array {
  const Dataset& dataset;
  const ElementType& type;
  const ElementType::Field* field;  ///< null: the dataset itself
  const std::vector<std::byte>& fill;
  const std::vector<std::byte>& values;
  std::string reference;
};

Shape with_inner(Shape shape, const ElementType& type) {
  for (const Index extent : type.inner) shape.push_back(extent);
  return shape;
}

std::shared_ptr<const Source> chunked_source(const std::shared_ptr<const File>& file, const Array& array, const Shape& chunk, bool edges_are_cut,
                                             std::vector<ListedChunk> chunks) {
  const Dataset& dataset = array.dataset;
  ChunkedLayout layout;
  layout.grid = ChunkGrid(with_inner(dataset.shape, array.type), with_inner(chunk, array.type));
  layout.edge_chunks_are_cut = edges_are_cut;
  std::vector<CodecRef> codecs;
  if (array.field != nullptr) codecs.push_back(record_field_codec(dataset.type.bytes, array.field->offset, array.type.bytes));
  // The bits of filters, moved to where their codecs are.
  std::vector<std::pair<std::size_t, std::uint32_t>> bits;
  for (std::size_t i = 0; i < dataset.filters.size(); ++i) {
    CodecRef codec = codec_of(dataset.filters[i], dataset.type.bytes);
    if (!codec) continue;
    bits.emplace_back(i, std::uint32_t{1} << codecs.size());
    codecs.push_back(std::move(codec));
  }
  for (ListedChunk& listed : chunks) {
    std::uint32_t skipped = 0;
    for (const auto& [filter, bit] : bits) {
      if ((listed.skipped_codecs >> filter & 1) != 0) skipped |= bit;
    }
    listed.skipped_codecs = skipped;
  }
  layout.codecs = CodecChain(std::move(codecs));
  layout.transform = array.type.transform;
  layout.fill = array.fill;
  layout.reference = array.reference;
  auto table = std::make_shared<ChunkTable>(fmt::format("{}: {}", file->name(), dataset.path), layout.grid,
                                            std::vector<std::shared_ptr<const File>>{file}, std::move(chunks));
  return std::make_shared<ChunkedSource>(std::move(layout), std::move(table));
}

/// A field of records that follow each other.
std::shared_ptr<const Source> contiguous_field(const std::shared_ptr<const File>& file, const Array& array) {
  const Dataset& dataset = array.dataset;
  Shape chunk = dataset.shape;
  for (Index& extent : chunk) extent = std::max<Index>(extent, 1);
  const Index row_bytes = dataset.shape.empty() ? 0 : element_count(chunk) / chunk[0] * dataset.type.bytes;
  if (row_bytes > 0) chunk[0] = std::clamp<Index>(kRecordPiece / row_bytes, 1, chunk[0]);
  const ChunkGrid grid(dataset.shape, chunk);
  // An array that has no bytes in the file is one that a damaged shape makes as large as it likes.
  const Index bytes = element_count(dataset.shape) * dataset.type.bytes;
  if (dataset.offset && (*dataset.offset > file->size() || bytes > file->size() - *dataset.offset)) {
    fail(ErrorKind::kData, "{}: {}: {} at offset {} end behind the file ({}). It is damaged or was cut short.", file->name(), dataset.path,
         format_bytes(bytes), *dataset.offset, format_bytes(file->size()));
  }
  if (!dataset.offset) return nullptr;
  std::vector<ListedChunk> chunks;
  Index offset = *dataset.offset;
  for (Index i = 0; i < grid.count(); ++i) {
    const Index piece = grid.box(i).count() * dataset.type.bytes;
    chunks.push_back({.offset = offset, .bytes = piece, .file = 0});
    offset += piece;
  }
  return chunked_source(file, array, chunk, true, std::move(chunks));
}

/// An array in which every element is its fill.
std::shared_ptr<const Source> all_fill(const std::shared_ptr<const File>& file, const Array& array) {
  const DType dtype = array.type.transform.dtype;
  Manifest manifest = contiguous_manifest(file, 0, with_inner(array.dataset.shape, array.type), {.stored = dtype, .dtype = dtype}, array.reference);
  for (ChunkRef& chunk : manifest.chunks) chunk = {.file = ChunkRef::kAbsent};
  manifest.fill = array.fill;
  return std::make_shared<ManifestSource>(std::move(manifest));
}

std::shared_ptr<const Source> source_of(const std::shared_ptr<const File>& file, const Array& array) {
  const Dataset& dataset = array.dataset;
  const Shape shape = with_inner(dataset.shape, array.type);
  switch (dataset.layout) {
    case Dataset::kCompact: {
      auto memory = std::make_shared<std::vector<std::byte>>(array.values);
      const View view = View::contiguous(memory->data(), array.type.transform.dtype, shape);
      return std::make_shared<MemorySource>(view, memory, array.reference);
    }
    case Dataset::kContiguous:
      if (!dataset.offset) return all_fill(file, array);
      if (array.field != nullptr) return contiguous_field(file, array);
      return std::make_shared<ManifestSource>(contiguous_manifest(file, *dataset.offset, shape, array.type.transform, array.reference));
    case Dataset::kChunked: return chunked_source(file, array, dataset.chunk, false, dataset.chunks);
    default: {
      const Shape chunk = dataset.chunk.empty() ? dataset.shape : dataset.chunk;
      Shape step = with_inner(chunk, array.type);
      for (Index& extent : step) extent = std::max<Index>(extent, 1);
      return std::make_shared<LibrarySource>(file, dataset.path, array.field == nullptr ? "" : array.field->name, array.type, ChunkGrid(shape, step),
                                             array.reference);
    }
  }
}

/// netCDF's name of a variable that is called as a dimension and is not its coordinate.
std::string shown_path(const std::string& path) {
  constexpr std::string_view kMark = "_nc4_non_coord_";
  const auto name = path.rfind('/') + 1;
  if (!std::string_view(path).substr(name).starts_with(kMark)) return path;
  return path.substr(0, name) + path.substr(name + kMark.size());
}

class Reader {
 public:
  explicit Reader(std::shared_ptr<const File> file) : file_(std::move(file)), absolute_(file_->location()) {}

  Contents read() {
    FileDescription description = describe_apart(file_);
    const bool is_netcdf = description.is_netcdf || file_->name().ends_with(".nc") || file_->name().ends_with(".nc4");
    out_ = {.format = is_netcdf ? "netcdf4" : "hdf5", .path = file_->name()};
    out_.is_group = true;
    out_.attributes = std::move(description.attributes);
    out_.groups = std::move(description.groups);
    for (const std::string& note : description.notes) log(LogLevel::kWarning, "{}: {}.", file_->name(), note);
    const auto dims = name_dimensions(description.datasets);
    for (std::size_t i = 0; i < description.datasets.size(); ++i) {
      const Dataset& dataset = description.datasets[i];
      for (int k = 0; k < dataset.shape.rank(); ++k) {
        if (dataset.is_unlimited[static_cast<std::size_t>(k)]) add_unlimited(dims[i][static_cast<std::size_t>(k)]);
      }
      if (!dataset.attributes.is_dimension_only) add(dataset, dims[i]);
    }
    return std::move(out_);
  }

 private:
  void add(const Dataset& dataset, const std::vector<std::string>& dims) {
    const std::string name = shown_path(dataset.path);
    if (!dataset.type.is_record()) {
      Variable variable = variable_of(dataset, name, dims);
      for (const Attribute& meaning : dataset.type.meanings) {
        const bool is_there = std::ranges::any_of(variable.attributes, [&](const Attribute& a) { return a.key == meaning.key; });
        if (!is_there) variable.attributes.push_back(meaning);
      }
      finish(std::move(variable), dataset, dataset.type, nullptr, dataset.fill, dataset.values);
      return;
    }
    static const std::vector<std::byte> kNothing;
    for (std::size_t i = 0; i < dataset.type.fields.size(); ++i) {
      const ElementType::Field& field = dataset.type.fields[i];
      Variable variable = variable_of(dataset, name + "." + field.name, dims);
      for (int k = 0; k < field.type.inner.rank(); ++k) variable.dims.emplace_back();
      if (variable.note.empty()) variable.note = field.type.note;
      const auto& fill = i < dataset.field_fills.size() ? dataset.field_fills[i] : kNothing;
      const auto& values = i < dataset.field_values.size() ? dataset.field_values[i] : kNothing;
      finish(std::move(variable), dataset, field.type, &field, fill, values);
    }
  }

  void add_unlimited(const std::string& dim) {
    if (dim.empty() || dim.starts_with("phony_dim_") || std::ranges::find(out_.unlimited_dims, dim) != out_.unlimited_dims.end()) return;
    out_.unlimited_dims.push_back(dim);
  }

  Variable variable_of(const Dataset& dataset, const std::string& name, const std::vector<std::string>& dims) {
    Variable out{.name = name, .hdu = static_cast<int>(out_.variables.size())};
    out.attributes = dataset.attributes.shown;
    out.dims = dims;
    if (dataset.texts) out.texts = std::make_shared<Texts>(Texts{dataset.shape, *dataset.texts});
    out.note = dataset.note;
    return out;
  }

  void finish(Variable variable, const Dataset& dataset, const ElementType& type, const ElementType::Field* field, const std::vector<std::byte>& fill,
              const std::vector<std::byte>& values) {
    if (variable.note.empty() && dataset.shape.rank() + type.inner.rank() > kMaxRank) {
      variable.note = fmt::format("it has more than {} axes", kMaxRank);
    }
    if (variable.note.empty()) {
      const nlohmann::json reference{{"path", absolute_}, {"variable", variable.name}};
      const Array array{dataset, type, field, fill, values, reference.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
      try {
        variable.source = source_of(file_, array);
      } catch (Error& error) {
        // A codec that refuses its parameters, say.
        if (error.kind() != ErrorKind::kUser) throw;
        variable.note = note_of(error, file_->name());
      }
    }
    out_.variables.push_back(std::move(variable));
  }

  std::shared_ptr<const File> file_;
  std::string absolute_;
  Contents out_;
};

}  // namespace

bool is_hdf5(const ByteReader& reader) { return find_superblock(reader).has_value(); }

Contents open(std::shared_ptr<const File> file) {
  // A run that appended to it may have been killed while it changed the file.
  if (!file->is_remote() && recover_changes(file->name())) file = File::open(file->name());
  if (!is_hdf5(*file)) fail(ErrorKind::kData, "{}: it is no HDF5 file, or was cut short: HDF5's signature is nowhere in it.", file->name());
  return Reader(std::move(file)).read();
}

}  // namespace freestone::formats::hdf5
