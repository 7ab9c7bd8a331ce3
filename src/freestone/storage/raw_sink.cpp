#include "freestone/storage/raw_sink.h"

#include "freestone/storage/file.h"

namespace freestone {

RawSink::RawSink(std::string path, bool overwrite, RawLayout layout)
    : layout_(std::move(layout)), spec_{layout_.shape, layout_.transform.dtype}, output_(std::move(path), overwrite),
      writer_(ChunkGrid::contiguous(layout_.shape), layout_.data_offset, layout_.transform) {
  caps_.unit = Shape(layout_.shape.rank(), 1);
  caps_.run_bytes = Index{1} << 20;
}

std::string RawSink::description() const {
  std::string text = fmt::format("{} bytes, elements at {}\n", layout_.file_bytes, layout_.data_offset);
  for (const RawLayout::Block& block : layout_.blocks) text += block.bytes;
  return text;
}

void RawSink::create() { output_.create(layout_.file_bytes); }

void RawSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  writer_.write(output_.descriptor(), output_.path(), box, data, scratch, cancel);
}

void RawSink::finish() {
  for (const RawLayout::Block& block : layout_.blocks) {
    output_.write_at(block.offset, std::as_bytes(std::span(block.bytes.data(), block.bytes.size())));
  }
  output_.finish();
}

}  // namespace freestone
