#include "freestone/storage/raw_sink.h"

#include "freestone/storage/file.h"

namespace freestone {

RawOutput::RawOutput(std::string path, bool overwrite, Index file_bytes, std::vector<RawBlock> blocks, int sinks)
    : file_(std::move(path), overwrite), file_bytes_(file_bytes), blocks_(std::move(blocks)), sinks_(sinks) {}

std::string RawOutput::description() const {
  std::string text = fmt::format("{} bytes", file_bytes_);
  for (const RawBlock& block : blocks_) text += "\n" + block.bytes;
  return text;
}

void RawOutput::create() {
  const std::lock_guard lock(mutex_);
  ensure(!aborted_, "an output that was given up is written again");
  if (!created_ || !is_shared()) file_.create(file_bytes_);
  created_ = true;
}

void RawOutput::join() {
  const std::lock_guard lock(mutex_);
  if (!created_) file_.join();
  created_ = true;
}

void RawOutput::finish() {
  const std::lock_guard lock(mutex_);
  ensure(!aborted_, "an output that was given up is finished");
  if (++finished_ < sinks_) return;
  for (const RawBlock& block : blocks_) file_.write_at(block.offset, std::as_bytes(std::span(block.bytes.data(), block.bytes.size())));
  file_.finish();
}

void RawOutput::abort() noexcept {
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  file_.abort();
}

RawSink::RawSink(std::string path, bool overwrite, RawLayout layout)
    : RawSink(std::make_shared<RawOutput>(std::move(path), overwrite, layout.file_bytes, std::move(layout.blocks), 1),
              {layout.shape, layout.transform, layout.data_offset, layout.record_stride}) {}

RawSink::RawSink(std::shared_ptr<RawOutput> output, RawFileLayout::Array array)
    : output_(std::move(output)), spec_{array.shape, array.transform.dtype}, data_offset_(array.data_offset),
      writer_(ChunkGrid::contiguous(array.shape), array.data_offset, array.transform, array.record_stride) {
  caps_.unit = Shape(array.shape.rank(), 1);
  caps_.run_bytes = Index{1} << 20;
}

std::string RawSink::description() const { return fmt::format("elements at {}\n{}", data_offset_, output_->description()); }

void RawSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  writer_.write(output_->descriptor(), output_->path(), box, data, scratch, cancel);
}

std::vector<std::shared_ptr<Sink>> raw_sinks(std::string path, bool overwrite, RawFileLayout layout) {
  const auto output =
      std::make_shared<RawOutput>(std::move(path), overwrite, layout.file_bytes, std::move(layout.blocks), static_cast<int>(layout.arrays.size()));
  std::vector<std::shared_ptr<Sink>> sinks;
  for (RawFileLayout::Array& array : layout.arrays) sinks.push_back(std::make_shared<RawSink>(output, std::move(array)));
  return sinks;
}

}  // namespace freestone
