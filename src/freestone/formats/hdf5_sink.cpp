#include "freestone/formats/hdf5_sink.h"

#include <algorithm>
#include <cstring>

#include "freestone/core/grid_parts.h"
#include "freestone/storage/block_writer.h"
#include "freestone/storage/kept_parts.h"

namespace freestone::formats::hdf5 {
namespace {

// An array that is put behind part of a chunk comes in one piece along that axis while a tile of it is no larger.
constexpr Index kWholeAxis = Index{64} << 20;

class Hdf5Sink final : public Sink {
 public:
  Hdf5Sink(std::shared_ptr<Output> output, std::size_t number)
      : output_(std::move(output)), number_(number), variable_(output_->plan().variables[number]), spec_(variable_.spec), origin_(spec_.shape.rank(), 0) {
    Shape shape = spec_.shape;
    if (variable_.existing) {
      origin_[variable_.existing->axis] = variable_.existing->length;
      shape[variable_.existing->axis] += variable_.existing->length;
    }
    grid_ = is_contiguous() ? ChunkGrid::contiguous(shape) : ChunkGrid(shape, variable_.stored.chunk);
    set_caps();
  }

  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return output_->path(); }
  void create() override { output_->create(); }
  void flush() override { output_->flush(); }
  void finish() override {
    ensure(parts_.empty(), "a chunk was not written whole");
    output_->finish();
  }
  void abort() noexcept override {
    parts_.clear();
    output_->abort();
  }

  Index scratch_bytes(const Box& box) const override {
    if (is_contiguous()) return writer(0).scratch_bytes(box);
    return Scratch::rounded(chunk_bytes()) + Scratch::rounded(variable_.stored.codecs.encode_scratch_bytes(chunk_bytes())) + Scratch::rounded(old_bytes_);
  }
  Index contiguous_scratch_bytes(const Box& box) const override {
    // Only a box that is one whole chunk is raw bytes as it lies.
    const bool is_raw = !is_contiguous() && !variable_.existing && box.shape == variable_.stored.chunk && variable_.transform.is_identity();
    return is_raw ? Scratch::rounded(variable_.stored.codecs.encode_scratch_bytes(chunk_bytes())) : scratch_bytes(box);
  }

  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override {
    ensure(data.shape == box.shape && data.dtype == spec_.dtype, "write: the view does not fit the box");
    if (box.empty()) return;
    if (is_contiguous()) {
      writer(output_->offset_of(number_)).write(output_->descriptor(), name(), box, data, scratch, cancel);
      return;
    }
    Box in_file = box;
    for (int k = 0; k < box.rank(); ++k) in_file.start[k] += origin_[k];
    const GridParts parts(in_file, grid_.chunk());
    for (Index i = 0; i < parts.count(); ++i) {
      cancel.check();
      const Dims at = parts.position(i);
      const Box chunk = grid_.box(grid_.index_of(at)), part = parts[i];
      const Box wanted = new_part(chunk);
      const View view = data.part(relative_to(part, in_file));
      if (part == wanted) {
        write_chunk(chunk, wanted, view, scratch, cancel);
      } else if (const auto whole = parts_.add(at, wanted, part, view)) {
        write_chunk(chunk, wanted, whole->view, scratch, cancel);
      }
    }
  }

 private:
  bool is_contiguous() const { return variable_.stored.chunk.empty(); }
  BlockWriter writer(Index offset) const { return BlockWriter(grid_, offset, variable_.transform); }
  Index chunk_bytes() const { return element_count(variable_.stored.chunk) * size_of(spec_.dtype); }

  void set_caps() {
    const int rank = spec_.shape.rank();
    caps_.unit = Shape(rank, 1);
    if (is_contiguous()) {
      caps_.run_bytes = Index{1} << 20;
      return;
    }
    for (int k = 0; k < rank; ++k) caps_.unit[k] = std::max<Index>(1, std::min(variable_.stored.chunk[k], spec_.shape[k]));
    if (number_ == 0) caps_.reserve_bytes = output_->metadata_bytes();
    if (!variable_.existing) return;
    const int axis = variable_.existing->axis;
    const Index chunk = variable_.stored.chunk[axis];
    if (origin_[axis] % chunk == 0) return;
    // Chunks begin elsewhere than tiles can: either nobody cuts the axis, or what is cut waits for its other part.
    const Index whole = chunk_bytes() / chunk * spec_.shape[axis];
    if (whole <= kWholeAxis) {
      caps_.unit[axis] = spec_.shape[axis];
    } else {
      caps_.reserve_bytes += spec_.bytes() / spec_.shape[axis] * chunk;
    }
    for (Index i = 0; i < grid_.count(); ++i) {
      const Box old = old_part(grid_.box(i));
      if (!old.empty() && old.end(axis) == variable_.existing->length) {
        old_bytes_ = std::max(old_bytes_, Scratch::rounded(old.count() * size_of(spec_.dtype)) + Scratch::rounded(variable_.existing->source->encoded_bytes(old)));
      }
    }
  }

  /// What of a chunk is written, and what of it is in the file already.
  Box new_part(Box chunk) const {
    if (variable_.existing) {
      const int k = variable_.existing->axis;
      const Index start = std::max(chunk.start[k], origin_[k]);
      chunk.shape[k] = std::max<Index>(chunk.end(k) - start, 0);
      chunk.start[k] = start;
    }
    return chunk;
  }
  Box old_part(Box chunk) const {
    const int k = variable_.existing->axis;
    chunk.shape[k] = std::clamp<Index>(origin_[k] - chunk.start[k], 0, chunk.shape[k]);
    return chunk;
  }

  void write_chunk(const Box& chunk, const Box& part, const View& data, Scratch& scratch, const Cancel& cancel) {
    const Index mark = scratch.used(), bytes = chunk_bytes();
    const Shape& shape = variable_.stored.chunk;
    const Index encoder_bytes = variable_.stored.codecs.encode_scratch_bytes(bytes);
    const Bytes encoder(scratch.take(encoder_bytes), static_cast<std::size_t>(encoder_bytes));
    ConstBytes raw{data.data, static_cast<std::size_t>(bytes)};
    if (data.shape != shape || !data.is_contiguous() || !variable_.transform.is_identity()) {
      const Bytes memory(scratch.take(bytes), static_cast<std::size_t>(bytes));
      raw = memory;
      const View whole = View::contiguous(memory.data(), data.dtype, shape);
      if (data.shape != shape) {
        const std::size_t width = variable_.fill.size();
        for (std::size_t at = 0; at + width <= memory.size(); at += width) std::memcpy(memory.data() + at, variable_.fill.data(), width);
      }
      copy(data, whole.part(relative_to(part, chunk)));
      if (part != chunk) copy_old(chunk, whole, scratch, cancel);
      if (!variable_.transform.is_identity()) variable_.transform.encode(memory.data(), memory.data(), element_count(shape));
    }
    const std::vector<hsize_t> corner(chunk.start.begin(), chunk.start.end());
    output_->write_chunk(number_, corner, variable_.stored.codecs.encode(raw, encoder));
    scratch.release_to(mark);
  }

  /// The elements of a chunk that the file has already.
  void copy_old(const Box& chunk, const View& whole, Scratch& scratch, const Cancel& cancel) {
    const Box old = old_part(chunk);
    if (old.empty()) return;
    const Source& source = *variable_.existing->source;
    const auto encoded_bytes = static_cast<std::size_t>(source.encoded_bytes(old));
    const Bytes encoded(scratch.take(static_cast<Index>(encoded_bytes)), encoded_bytes);
    const View decoded = View::contiguous(scratch.take(old.count() * size_of(spec_.dtype)), source.spec().dtype, old.shape);
    source.fetch(old, encoded, cancel);
    source.decode(old, encoded, decoded, cancel);
    View to = whole.part(relative_to(old, chunk));
    to.dtype = decoded.dtype;  // a bool that is stored as int8
    copy(decoded, to);
  }

  std::shared_ptr<Output> output_;
  std::size_t number_;
  const VariableToWrite& variable_;
  Spec spec_;
  Dims origin_;  // of the array in the file
  ChunkGrid grid_;
  SinkCaps caps_;
  Index old_bytes_ = 0;
  KeptParts parts_;
};

}  // namespace

std::vector<std::shared_ptr<Sink>> sinks_of(std::shared_ptr<Output> output) {
  std::vector<std::shared_ptr<Sink>> sinks;
  for (std::size_t i = 0; i < output->plan().sinks(); ++i) sinks.push_back(std::make_shared<Hdf5Sink>(output, i));
  return sinks;
}

}  // namespace freestone::formats::hdf5
