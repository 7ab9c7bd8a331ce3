#include "freestone/storage/chunked_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>


namespace freestone {
namespace {

// No codec makes a chunk smaller than this part of it (LZ4: 255).
constexpr Index kBestRatio = 250;

// In the temporary folder alone: parts of files were, or are, in memory.
constexpr const char* kPartsMark = ".parts-in-memory";

Shape file_shape(const ChunkedOutput& output) {
  Shape shape = output.chunk;
  for (int k = 0; k < shape.rank() && output.shards; ++k) shape[k] *= output.shards->chunks[k];
  return shape;
}

/// Closes a file whatever happens.
struct OpenFile {
  explicit OpenFile(int opened) : descriptor(opened) {}
  ~OpenFile() { ::close(descriptor); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  const int descriptor;
};

}  // namespace

ChunkedFolder::ChunkedFolder(std::string path, bool overwrite, std::vector<std::string> marks, std::vector<ChunkedOutput::File> files, int sinks)
    : folder_(std::move(path), overwrite, std::move(marks)), files_(std::move(files)), sinks_(sinks) {}

std::string ChunkedFolder::description() const {
  std::string text;
  for (const ChunkedOutput::File& file : files_) text += file.name + "\n" + file.text + "\n";
  return text;
}

void ChunkedFolder::create(Index bytes) {
  const std::lock_guard lock(mutex_);
  ensure(!aborted_, "an output that was given up is written again");
  if (!created_ || !is_shared()) folder_.create(bytes);
  created_ = true;
}

void ChunkedFolder::finish() {
  const std::lock_guard lock(mutex_);
  ensure(!aborted_, "an output that was given up is finished");
  if (++finished_ < sinks_) return;
  for (const ChunkedOutput::File& file : files_) folder_.write_file(file.name, std::as_bytes(std::span(file.text.data(), file.text.size())));
  folder_.finish();
}

void ChunkedFolder::abort() noexcept {
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  folder_.abort();
}

ChunkedSink::ChunkedSink(std::string path, bool overwrite, ChunkedOutput output)
    : ChunkedSink(std::make_shared<ChunkedFolder>(std::move(path), overwrite, output.marks, std::vector<ChunkedOutput::File>(), 1), "", output) {}

ChunkedSink::ChunkedSink(std::shared_ptr<ChunkedFolder> folder, std::string prefix, ChunkedOutput output)
    : output_(std::move(output)), files_(output_.spec.shape, file_shape(output_)), shared_(std::move(folder)), prefix_(std::move(prefix)) {
  caps_.unit = file_shape(output_);
  for (int k = 0; k < caps_.unit.rank(); ++k) caps_.unit[k] = std::max<Index>(1, std::min(caps_.unit[k], output_.spec.shape[k]));
  const Index width = size_of(output_.spec.dtype);
  ensure(output_.transform.keeps_size() && !output_.transform.scales, "elements are written in their own size");
  if (output_.fill.empty()) output_.fill.resize(static_cast<std::size_t>(width));
  stored_fill_.resize(output_.fill.size());
  output_.transform.encode(output_.fill.data(), stored_fill_.data(), 1);
}

std::string ChunkedSink::description() const {
  std::string text = shared_->description();
  for (const ChunkedOutput::File& file : output_.files) text += prefix_ + file.name + "\n" + file.text + "\n";
  return text;
}

void ChunkedSink::create() {
  const Index bytes = output_.spec.bytes();
  shared_->create(output_.codecs.empty() && output_.writes_empty ? bytes : bytes / kBestRatio);
}

void ChunkedSink::resume() {
  if (shared_->is_shared()) return Sink::resume();
  folder().resume();
  if (!folder().has_file(kPartsMark)) return;
  // Not ours to remove: whoever asked to resume may have meant another output.
  folder().leave();
  fail(ErrorKind::kUser, "{}: the run that was killed lay its tiles across chunks: it cannot be taken up. Run without --resume.", name());
}

Index ChunkedSink::scratch_bytes(const Box&) const {
  const Index raw = element_count(output_.chunk) * size_of(output_.spec.dtype);
  return Scratch::rounded(raw) + Scratch::rounded(output_.codecs.encode_scratch_bytes(raw));
}

Index ChunkedSink::contiguous_scratch_bytes(const Box& box) const {
  // Only a box that is one whole chunk is raw bytes as it lies.
  const bool is_raw = !output_.shards && box.shape == output_.chunk && output_.transform.is_identity();
  const Index raw = element_count(output_.chunk) * size_of(output_.spec.dtype);
  return is_raw ? Scratch::rounded(output_.codecs.encode_scratch_bytes(raw)) : scratch_bytes(box);
}

void ChunkedSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  ensure(data.shape == box.shape && data.dtype == output_.spec.dtype, "write: the view does not fit the box");
  parts_.pass_on(
      files_, box, data, cancel, [&](const Dims& at, const View& file) { write_file(at, file, scratch, cancel); },
      [&] { std::call_once(marked_, [&] { folder().write_file(prefix_ + kPartsMark, {}); }); });
}

bool ChunkedSink::is_fill(ConstBytes raw) const {
  const std::size_t width = stored_fill_.size();
  if (raw.size() < width || std::memcmp(raw.data(), stored_fill_.data(), width) != 0) return raw.empty();
  return std::memcmp(raw.data(), raw.data() + width, raw.size() - width) == 0;
}

ConstBytes ChunkedSink::raw_chunk(const View& data, Scratch& scratch) const {
  const bool is_whole = data.shape == output_.chunk;
  const Index count = element_count(output_.chunk), bytes = count * size_of(output_.spec.dtype);
  ConstBytes raw;
  if (is_whole && data.is_contiguous() && output_.transform.is_identity()) {
    raw = {data.data, static_cast<std::size_t>(bytes)};
  } else {
    const Bytes memory(scratch.take(bytes), static_cast<std::size_t>(bytes));
    raw = memory;
    const View whole = View::contiguous(memory.data(), data.dtype, output_.chunk);
    if (!is_whole) {
      const auto width = static_cast<Index>(output_.fill.size());
      for (Index i = 0; i < count; ++i) std::memcpy(memory.data() + i * width, output_.fill.data(), output_.fill.size());
    }
    Box inside(whole.shape);
    inside.shape = data.shape;
    copy(data, whole.part(inside));
    if (!output_.transform.is_identity()) output_.transform.encode(memory.data(), memory.data(), count);
  }
  return !output_.writes_empty && is_fill(raw) ? ConstBytes() : raw;
}

void ChunkedSink::write_file(const Dims& position, const View& data, Scratch& scratch, const Cancel& cancel) {
  const Index mark = scratch.used();
  const Index raw_bytes = element_count(output_.chunk) * size_of(output_.spec.dtype);
  const Index encoder_bytes = output_.codecs.encode_scratch_bytes(raw_bytes);
  const Bytes encoder(scratch.take(encoder_bytes), static_cast<std::size_t>(encoder_bytes));
  const std::string key = prefix_ + output_.key(position);
  if (!output_.shards) {
    const ConstBytes raw = raw_chunk(data, scratch);
    if (!raw.empty()) folder().write_file(key, output_.codecs.encode(raw, encoder));
  } else {
    const ShardLayout& layout = *output_.shards;
    ShardIndex index(layout.count());
    Index end = layout.index_at_end ? 0 : layout.index_bytes();
    const ChunkGrid inner(data.shape, output_.chunk);
    const Index behind_encoder = scratch.used();
    std::optional<OpenFile> file;  // none is made when there is nothing but fill
    for (Index number = 0; number < inner.count(); ++number) {
      cancel.check();
      const Box box = inner.box(number);
      scratch.release_to(behind_encoder);
      const ConstBytes raw = raw_chunk(data.part(box), scratch);
      if (raw.empty()) continue;
      if (!file) file.emplace(folder().open_file(key));
      const ConstBytes encoded = output_.codecs.encode(raw, encoder);
      write_exactly(file->descriptor, name() + "/" + key, end, encoded);
      Index slot = 0;
      for (int k = 0; k < box.rank(); ++k) slot = slot * layout.chunks[k] + box.start[k] / output_.chunk[k];
      index.set(slot, {end, static_cast<Index>(encoded.size())});
      end += static_cast<Index>(encoded.size());
    }
    if (file) {
      const auto bytes = index.encoded(layout);
      write_exactly(file->descriptor, name() + "/" + key, layout.index_at_end ? end : 0, bytes);
      if (layout.index_at_end) end += static_cast<Index>(bytes.size());
      if (::ftruncate(file->descriptor, static_cast<off_t>(end)) != 0) fail_errno(errno, fmt::format("{}: {} cannot be given its length", name(), key));
    }
  }
  scratch.release_to(mark);
}

void ChunkedSink::finish() {
  ensure(parts_.empty(), "a chunk was not written whole");
  folder().remove_file(prefix_ + kPartsMark);
  for (const ChunkedOutput::File& file : output_.files)
    folder().write_file(prefix_ + file.name, std::as_bytes(std::span(file.text.data(), file.text.size())));
  shared_->finish();
}

void ChunkedSink::abort() noexcept {
  parts_.clear();
  shared_->abort();
}

}  // namespace freestone
