#include "freestone/formats/fits_tiles_sink.h"

#include <algorithm>
#include <cstring>

#include "freestone/formats/fits_card.h"
#include "freestone/storage/file.h"

namespace freestone::formats::fits {
namespace {

// A row: how many bytes, and where, both of 64 bits.
constexpr Index kRowBytes = 16;

// No codec makes a tile smaller than this part of it (deflate: 1032).
constexpr Index kBestRatio = 1100;

Index in_blocks(Index bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

void append(std::string& bytes, std::uint64_t value) {
  for (int i = 8; i-- > 0;) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

FitsTilesSink::FitsTilesSink(std::string path, bool overwrite, TilesOutput output)
    : output_(std::move(output)), tiles_(output_.spec.shape, output_.tile), file_(std::move(path), overwrite) {
  caps_.unit = output_.tile;
  caps_.reserve_bytes = tiles_.count() * (static_cast<Index>(sizeof(Place)) + kRowBytes);
  table_offset_ = static_cast<Index>(output_.primary.size());
  // The numbers in it are right-aligned in fields of one width: it is as long now as it will be.
  heap_offset_ = table_offset_ + static_cast<Index>(table_header(0, 0).size()) + tiles_.count() * kRowBytes;
}

std::string FitsTilesSink::table_header(Index heap_bytes, Index longest) const {
  std::string out;
  const auto card = [&](std::string key, AttributeValue value, std::string comment) { out += format_cards({std::move(key), std::move(value), std::move(comment)}); };
  card("XTENSION", std::string("BINTABLE"), "binary table extension");
  card("BITPIX", std::int64_t{8}, "array data type");
  card("NAXIS", std::int64_t{2}, "number of array dimensions");
  card("NAXIS1", kRowBytes, "length of dimension 1");
  card("NAXIS2", tiles_.count(), "length of dimension 2");
  card("PCOUNT", heap_bytes, "bytes of the heap");
  card("GCOUNT", std::int64_t{1}, "number of groups");
  card("TFIELDS", std::int64_t{1}, "number of table fields");
  card("TTYPE1", std::string("COMPRESSED_DATA"), "");
  card("TFORM1", fmt::format("1QB({})", longest), "");
  out += output_.cards + fmt::format("{:<80}", "END");
  out.resize(static_cast<std::size_t>(in_blocks(static_cast<Index>(out.size()))), ' ');
  return out;
}

void FitsTilesSink::create() {
  file_.create(heap_offset_ + output_.spec.bytes() / kBestRatio);
  places_.assign(static_cast<std::size_t>(tiles_.count()), {});
  end_ = 0;
}

Index FitsTilesSink::scratch_bytes(const Box&) const {
  const Index raw = element_count(output_.tile) * size_of(output_.spec.dtype);
  return Scratch::rounded(raw) + Scratch::rounded(output_.codecs.encode_scratch_bytes(raw));
}

void FitsTilesSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  ensure(data.shape == box.shape && data.dtype == output_.spec.dtype, "write: the view does not fit the box");
  parts_.pass_on(tiles_, box, data, cancel, [&](const Dims& at, const View& tile) { write_tile(tiles_.index_of(at), tile, scratch); }, [] {});
}

void FitsTilesSink::write_tile(Index number, const View& data, Scratch& scratch) {
  const Index mark = scratch.used(), bytes = data.bytes();
  const Index encoder_bytes = output_.codecs.encode_scratch_bytes(bytes);
  const Bytes encoder(scratch.take(encoder_bytes), static_cast<std::size_t>(encoder_bytes));
  const Bytes raw(scratch.take(bytes), static_cast<std::size_t>(bytes));
  copy(data, View::contiguous(raw.data(), data.dtype, data.shape));
  if (!output_.transform.is_identity()) output_.transform.encode(raw.data(), raw.data(), data.count());
  const ConstBytes encoded = output_.codecs.encode(raw, encoder);
  const auto size = static_cast<Index>(encoded.size());
  const Index offset = end_.fetch_add(size);
  file_.write_at(heap_offset_ + offset, encoded);
  places_[static_cast<std::size_t>(number)] = {size, offset};
  scratch.release_to(mark);
}

void FitsTilesSink::finish() {
  ensure(parts_.empty(), "a tile was not written whole");
  std::string rows;
  Index longest = 0;
  for (const Place& place : places_) {
    append(rows, static_cast<std::uint64_t>(place.bytes));
    append(rows, static_cast<std::uint64_t>(place.offset));
    longest = std::max(longest, place.bytes);
  }
  const std::string header = table_header(end_, longest);
  ensure(table_offset_ + static_cast<Index>(header.size() + rows.size()) == heap_offset_, "the table's header has another length than it was to have");
  const auto put = [&](Index offset, const std::string& text) { file_.write_at(offset, std::as_bytes(std::span(text.data(), text.size()))); };
  put(table_offset_ + static_cast<Index>(header.size()), rows);
  const Index data_end = heap_offset_ + end_, end = table_offset_ + static_cast<Index>(header.size()) + in_blocks(data_end - table_offset_ - static_cast<Index>(header.size()));
  set_length(file_.descriptor(), name(), end);
  if (!output_.tables.empty()) put(end, output_.tables);
  put(table_offset_, header);
  put(0, output_.primary);
  file_.finish();
  places_ = {};
}

void FitsTilesSink::abort() noexcept {
  parts_.clear();
  file_.abort();
}

}  // namespace freestone::formats::fits
