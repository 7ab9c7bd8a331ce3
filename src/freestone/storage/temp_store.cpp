#include "freestone/storage/temp_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "freestone/core/grid_parts.h"
#include "freestone/storage/anonymous_file.h"
#include "freestone/storage/block_writer.h"
#include "freestone/storage/file.h"
#include "freestone/storage/gatherer.h"
#include "freestone/storage/manifest_source.h"
#include "freestone/storage/write_behind.h"

namespace freestone {
namespace {

// Smaller blocks are not worth whole pages of their own.
constexpr Index kLeastBlock = Index{128} << 10;

class TempSink final : public Sink {
 public:
  /// @param folder      where space is asked for; empty: nowhere
  /// @param block_bytes from the start of a block to the next one; 0: they follow each other
  TempSink(std::string folder, Spec spec, std::shared_ptr<const LocalFile> file, ChunkGrid grid, ElementTransform transform, Index block_bytes)
      : folder_(std::move(folder)), spec_(std::move(spec)), file_(std::move(file)), transform_(transform), block_bytes_(block_bytes),
        writer_(std::move(grid), 0, transform) {
    caps_.unit = Shape(spec_.shape.rank(), 1);
    caps_.run_bytes = Index{1} << 20;
  }
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return file_->name(); }
  void create() override {
    if (!folder_.empty()) check_free_space(folder_, spec_.bytes(), file_->name());
    set_length(file_->descriptor(), file_->name(), file_->size());
    if (block_bytes_ > 0) behind_ = WriteBehind::open(file_->descriptor(), file_->name());
  }
  Index scratch_bytes(const Box& box) const override { return writer_.scratch_bytes(box); }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override {
    if (block_bytes_ == 0) return writer_.write(file_->descriptor(), file_->name(), box, data, scratch, cancel);
    if (box.empty()) return;
    const ChunkGrid& grid = writer_.grid();
    const GridParts parts(box, grid.chunk());
    for (Index number = 0; number < parts.count(); ++number) {
      const Box part = parts[number];
      const Index index = grid.index_of(parts.position(number));
      const Box block = grid.box(index);
      const View view = data.part(relative_to(part, box));
      // A block is written whole, past the page cache, or in parts, through it: never both.
      if (behind_ && part == block)
        write_block(index * block_bytes_, view, cancel);
      else
        BlockWriter(ChunkGrid::contiguous(block.shape), index * block_bytes_, transform_)
            .write(file_->descriptor(), file_->name(), relative_to(part, block), view, scratch, cancel);
    }
  }
  void flush() override { ::fdatasync(file_->descriptor()); }
  void finish() override {
    if (behind_) behind_->finish();
  }
  void abort() noexcept override {
    behind_.reset();
    (void)!::ftruncate(file_->descriptor(), 0);
  }

  void forget() const { ::posix_fadvise(file_->descriptor(), 0, 0, POSIX_FADV_DONTNEED); }

 private:
  void write_block(Index offset, const View& view, const Cancel& cancel) {
    const Index width = size_of(spec_.dtype), count = view.count(), most = WriteBehind::kPieceBytes / width;
    Gatherer gatherer(view, transform_);
    for (Index done = 0; done < count; done += most) {
      std::byte* const piece = behind_->take(cancel);
      const Index n = std::min(most, count - done);
      gatherer.next(piece, n);
      behind_->put(piece, offset + done * width, n * width);
    }
  }

  std::string folder_;
  Spec spec_;
  SinkCaps caps_;
  std::shared_ptr<const LocalFile> file_;
  ElementTransform transform_;
  Index block_bytes_;
  BlockWriter writer_;
  std::unique_ptr<WriteBehind> behind_;
};

}  // namespace

void TempStore::forget() const { static_cast<const TempSink&>(*sink_).forget(); }

namespace {

Shape block_within(Shape block, const Shape& shape) {
  for (int k = 0; k < block.rank(); ++k) block[k] = std::max<Index>(1, std::min(block[k], shape[k]));
  return block;
}

}  // namespace

TempStore::TempStore(std::string folder, Spec spec, Shape block, bool past_page_cache) {
  const ChunkGrid grid(spec.shape, block_within(block, spec.shape));
  const Index whole_block = element_count(grid.chunk()) * size_of(spec.dtype);
  // Blocks that are written past the page cache have pages of their own.
  const bool in_pages = past_page_cache && whole_block >= kLeastBlock;
  const Index block_bytes = in_pages ? (whole_block + WriteBehind::kPage - 1) / WriteBehind::kPage * WriteBehind::kPage : 0;
  const auto file =
      anonymous_file(folder, fmt::format("temporary store in {}", folder), in_pages ? grid.count() * block_bytes : spec.bytes());
  open(std::move(folder), file, grid, std::move(spec), block_bytes, "{}");
}

TempStore TempStore::named(const std::string& path, Spec spec, Shape block) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) fail_errno(errno, fmt::format("{}: cannot be opened", path));
  TempStore store;
  const nlohmann::json reference = {{"store", path}, {"shape", spec.shape.to_vector()}, {"dtype", name_of(spec.dtype)}, {"block", block.to_vector()}};
  const ChunkGrid grid(spec.shape, block_within(block, spec.shape));
  store.open("", LocalFile::adopt(descriptor, path, spec.bytes()), grid, std::move(spec), 0, reference.dump());
  return store;
}

std::shared_ptr<const Source> TempStore::open_reference(const std::string& reference) {
  const auto json = nlohmann::json::parse(reference, nullptr, false);
  if (!json.is_object() || !json.contains("store")) return nullptr;
  try {
    const Shape shape(json.at("shape").get<std::vector<Index>>()), block(json.at("block").get<std::vector<Index>>());
    bool fits = shape.rank() == block.rank();
    for (int k = 0; fits && k < shape.rank(); ++k) fits = shape[k] >= 0 && block[k] >= 1;
    if (!fits) fail(ErrorKind::kData, "The plan is damaged: a store of shape {} in blocks of {}.", to_string(shape), to_string(block));
    return named(json.at("store").get<std::string>(), {shape, parse_dtype(json.at("dtype").get<std::string>())}, block).source();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::kData, "The plan is damaged: {}", error.what());
  }
}

void TempStore::open(std::string folder, std::shared_ptr<const LocalFile> file, const ChunkGrid& grid, Spec spec, Index block_bytes, std::string reference) {
  const ElementTransform transform{.stored = spec.dtype, .dtype = spec.dtype};
  const BlockWriter order(grid, 0, transform);
  Manifest manifest;
  manifest.files = {file};
  manifest.grid = grid;
  manifest.chunks.reserve(static_cast<std::size_t>(grid.count()));
  for (Index i = 0; i < grid.count(); ++i) {
    manifest.chunks.push_back({0, block_bytes > 0 ? i * block_bytes : order.block_offset(i), grid.box(i).count() * size_of(spec.dtype)});
  }
  manifest.transform = transform;
  manifest.reference = std::move(reference);
  sink_ = std::make_shared<TempSink>(std::move(folder), std::move(spec), file, grid, transform, block_bytes);
  source_ = std::make_shared<ManifestSource>(std::move(manifest));
}

}  // namespace freestone
