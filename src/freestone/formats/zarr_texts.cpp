#include "freestone/formats/zarr_texts.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include "freestone/base/base64.h"
#include "freestone/base/little_endian.h"
#include "freestone/base/quantity.h"
#include "freestone/base/utf8.h"

namespace freestone::formats::zarr {
namespace {

// What vlen-utf8 has beside them: how many, and of each how long.
constexpr Index kLengthBytes = 4;
// Requests, one after another.
constexpr Index kMostRemoteChunks = 64;

void put_little_endian(std::string& to, std::size_t value) {
  for (int i = 0; i < 4; ++i) to += static_cast<char>(value >> 8 * i & 0xff);
}

[[noreturn]] void fail_as_objects() {
  fail(ErrorKind::kUser, "its elements are Python objects (dtype '|O' by 'json2'), which Freestone does not read where they are no texts");
}

/// One chunk of texts, decoded; errors of damage name it.
class TextChunk {
 public:
  TextChunk(std::string name, const ArrayMetadata& array) : name_(std::move(name)), array_(array), count_(element_count(array.chunk)) {}

  /// @param left what the bytes that come out of the codecs are taken of, beyond as many as `encoded` has
  std::vector<std::string> texts(ConstBytes encoded, TextRoom& left) const {
    std::vector<std::byte> bytes(encoded.begin(), encoded.end());
    const Index whole = array_.type.text_bytes * count_;
    const bool is_fixed = array_.type.text == TextForm::kBytes || array_.type.text == TextForm::kUtf32;
    const auto& codecs = array_.codecs.codecs();
    std::vector<Index> room{is_fixed ? whole : left.bytes() + std::ssize(encoded) + kLengthBytes * (count_ + 1)};
    for (const CodecRef& codec : codecs) room.push_back(codec->largest_encoded(room.back()));
    for (std::size_t i = codecs.size(); i-- > 0;) {
      const auto size = static_cast<std::size_t>(room[i]);
      const auto to = std::make_unique_for_overwrite<std::byte[]>(size);
      try {
        const Index made = codecs[i]->decode(bytes, {to.get(), size});
        bytes.assign(to.get(), to.get() + made);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kData) throw;
        if (is_fixed) damaged(error.message());
        // What has too little room says no more.
        fail(ErrorKind::kData, "{}: {}. It is damaged, or its texts are more than the {} that Freestone carries along.", name_, error.message(), left.limit());
      }
    }
    left.take_bytes(std::max<Index>(0, std::ssize(bytes) - std::ssize(encoded)));
    switch (array_.type.text) {
      case TextForm::kBytes:
      case TextForm::kUtf32: return of_one_length(bytes, whole);
      case TextForm::kJson: return listed(bytes);
      default: return varying(bytes);
    }
  }

 private:
  std::vector<std::string> of_one_length(ConstBytes bytes, Index whole) const {
    if (static_cast<Index>(bytes.size()) != whole) damaged(fmt::format("{} bytes come out where {} texts have {}", bytes.size(), count_, whole));
    std::vector<std::string> out;
    for (Index i = 0; i < count_; ++i) {
      const ConstBytes one = bytes.subspan(static_cast<std::size_t>(i * array_.type.text_bytes), static_cast<std::size_t>(array_.type.text_bytes));
      const std::string_view text(reinterpret_cast<const char*>(one.data()), one.size());
      out.push_back(array_.type.text == TextForm::kUtf32 ? from_utf32(one, i) : as_utf8(text));
      out.back().resize(out.back().find_last_not_of('\0') + 1);
    }
    return out;
  }

  std::string from_utf32(ConstBytes bytes, Index number) const {
    std::string out;
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
      auto point = static_cast<std::uint32_t>(little_endian(bytes.data() + at, 4));
      if (array_.type.transform.order == ByteOrder::kBig) point = __builtin_bswap32(point);
      if (!append_utf8(point, out)) damaged(fmt::format("text {} of {} has a character of number {}, which there is not", number + 1, count_, point));
    }
    return out;
  }

  /// How many, then of each its length and its bytes.
  std::vector<std::string> varying(ConstBytes bytes) const {
    if (bytes.size() < 4) damaged(fmt::format("{} bytes come out, which say not even how many texts there are", bytes.size()));
    const auto count = static_cast<Index>(little_endian(bytes.data(), 4));
    if (count != count_) damaged(fmt::format("it says that it holds {} texts, where a chunk has {}", count, count_));
    std::vector<std::string> out;
    std::size_t at = 4;
    for (Index i = 0; i < count_; ++i) {
      if (bytes.size() - at < 4) damaged(fmt::format("it ends before text {} of {}", i + 1, count_));
      const std::size_t length = little_endian(bytes.data() + at, 4);
      at += 4;
      if (length > bytes.size() - at) damaged(fmt::format("text {} of {} has {} bytes, and {} are left", i + 1, count_, length, bytes.size() - at));
      out.push_back(checked({reinterpret_cast<const char*>(bytes.data()) + at, length}, i));
      at += length;
    }
    return out;
  }

  /// A list of JSON: the texts, then a dtype and a shape.
  std::vector<std::string> listed(ConstBytes bytes) const {
    constexpr int kDeepest = kMaxRank + 2;
    constexpr const char* kNoList = "it is no JSON list of texts with their type and shape";
    Index left = (kMaxRank + 1) * count_ + kDeepest;  // values: each takes more memory than it has bytes here
    const auto look = [&](int depth, Json::parse_event_t event, Json&) {
      using Event = Json::parse_event_t;  // clang 14 has no `using enum` of an alias
      if (event == Event::object_start) fail_as_objects();
      if (depth > kDeepest) damaged(kNoList);
      if ((event == Event::value || event == Event::array_start) && --left < 0) damaged(fmt::format("it holds more than the {} texts of a chunk", count_));
      return true;
    };
    const Json list = Json::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), look, false);
    if (list.is_discarded() || !list.is_array() || list.size() < 2) damaged(kNoList);
    std::vector<std::string> out;
    for (std::size_t i = 0; i + 2 < list.size(); ++i) add(list[i], out);
    if (static_cast<Index>(out.size()) != count_) damaged(fmt::format("it holds {} texts, where a chunk has {}", out.size(), count_));
    return out;
  }
  void add(const Json& value, std::vector<std::string>& out) const {
    if (value.is_array()) {
      for (const Json& one : value) add(one, out);
    } else if (value.is_string() || value.is_null()) {
      out.push_back(value.is_null() ? "" : value.get<std::string>());
    } else {
      fail_as_objects();
    }
  }

  std::string checked(std::string_view text, Index number) const {
    if (!is_utf8(text)) damaged(fmt::format("text {} of {} is no UTF-8", number + 1, count_));
    return std::string(text);
  }

  [[noreturn]] void damaged(const std::string& what) const { fail(ErrorKind::kData, "{}: {}. The file is damaged, or was cut short.", name_, what); }

  std::string name_;
  const ArrayMetadata& array_;
  Index count_;
};

/// Elements to the next along each axis of a chunk, as it is stored.
Dims strides_of(const ArrayMetadata& array) {
  const int rank = array.chunk.rank();
  std::vector<int> order = array.order;
  if (order.empty()) {
    order.resize(static_cast<std::size_t>(rank));
    std::iota(order.begin(), order.end(), 0);
  }
  Dims out(rank);
  Index step = 1;
  for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
    out[*axis] = step;
    step *= array.chunk[*axis];
  }
  return out;
}

/// Adds one to the position's last axis and what follows from it. @returns false: it was the last
bool advance(Dims& position, const Shape& shape) {
  for (int k = shape.rank() - 1; k >= 0; --k) {
    if (++position[k] < shape[k]) return true;
    position[k] = 0;
  }
  return false;
}

}  // namespace

TextForm take_object_codec(const std::string& name, Json& filters) {
  if (!filters.is_null() && !filters.is_array()) fail(ErrorKind::kData, "{}: filters is no list.", name);
  std::string id;
  if (filters.is_array() && !filters.empty() && filters[0].is_object()) {
    const Json& said = member(name, filters[0], "id");
    if (said.is_string()) id = said.get<std::string>();
  }
  if (id != "vlen-utf8" && id != "json2") {
    fail(ErrorKind::kUser, "{}: its elements are Python objects (dtype '|O'){}, which Freestone does not read (texts by vlen-utf8 and json2 it does).", name,
         id.empty() ? "" : fmt::format(" by '{}'", id.substr(0, 80)));
  }
  filters.erase(0);
  return id == "json2" ? TextForm::kJson : TextForm::kVarying;
}

std::vector<std::byte> text_fill(const std::string& name, const Json& value, const ElementType& type) {
  // Where nobody has chosen version 2 has 0 for objects, too; what json2 has is looked at in its chunks.
  if (value.is_null() || value == 0 || (type.text == TextForm::kJson && !value.is_string())) return {};
  if (!value.is_string()) fail(ErrorKind::kData, "{}: fill_value is no text.", name);
  const std::string& text = value.get_ref<const std::string&>();
  if (type.text == TextForm::kBytes) {
    auto bytes = base64_decoded(text);
    if (!bytes) fail(ErrorKind::kData, "{}: fill_value is no base64, as that of bytes is.", name);
    while (!bytes->empty() && bytes->back() == std::byte{0}) bytes->pop_back();
    return std::move(*bytes);
  }
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Texts read_texts(const ArrayMetadata& array, const ChunkMap& chunks, TextRoom& of_all) {
  const ChunkGrid grid(array.shape, array.chunk);
  const Index count = element_count(array.shape), in_chunk = element_count(array.chunk), width = std::max<Index>(array.type.text_bytes, 1);
  TextRoom room(of_all);
  room.take_texts(count);
  if (in_chunk > TextRoom::kMostTexts) fail(ErrorKind::kUser, "its chunks have {} texts, more than Freestone carries along ({})", in_chunk, TextRoom::kMostTexts);
  if (chunks.is_remote() && grid.count() > kMostRemoteChunks) {
    fail(ErrorKind::kUser, "its {} texts lie in {} chunks, more than Freestone asks a server for ({})", count, grid.count(), kMostRemoteChunks);
  }
  const std::string fill = as_utf8({reinterpret_cast<const char*>(array.fill.data()), array.fill.size()});
  const Index most = std::max<Index>({count, in_chunk, 1}), each = std::max(width, std::ssize(fill));
  if (each > room.bytes() / most) room.fail_by_bytes(each > TextRoom::kMostBytes / most ? TextRoom::kMostBytes + 1 : each * most);
  room.take_bytes(count * std::ssize(fill));
  Texts out{array.shape, std::vector<std::string>(static_cast<std::size_t>(count), fill)};
  const Dims strides = strides_of(array);
  for (Index number = 0; number < grid.count(); ++number) {
    const Box box = grid.box(number);
    Dims position = box.start;
    for (int k = 0; k < position.rank(); ++k) position[k] /= array.chunk[k];
    const StoredChunk stored = chunks.find(position);
    if (!stored.file) continue;
    room.take_bytes(stored.bytes);
    std::vector<std::byte> encoded(static_cast<std::size_t>(stored.bytes));
    stored.file->read_exactly(stored.offset, encoded);
    std::vector<std::string> texts = TextChunk(chunks.name_of(position), array).texts(encoded, room);
    Dims within(array.shape.rank());
    do {
      Index from = 0, to = 0;
      for (int k = 0; k < within.rank(); ++k) {
        from += within[k] * strides[k];
        to = to * array.shape[k] + box.start[k] + within[k];
      }
      out.values[static_cast<std::size_t>(to)] = std::move(texts[static_cast<std::size_t>(from)]);
    } while (advance(within, box.shape));
  }
  room.keep();
  return out;
}

TextArray text_array(const Texts& texts, int version) {
  TextArray out;
  Shape chunk = texts.shape;
  for (Index& extent : chunk) extent = std::max<Index>(extent, 1);
  const CodecRef zstd = zstd_codec(0);
  const Json settings = {{"level", 0}, {"checksum", false}};
  if (version == 3) {
    out.document = {{"zarr_format", 3},
                    {"node_type", "array"},
                    {"shape", texts.shape.to_vector()},
                    {"data_type", "string"},
                    {"chunk_grid", {{"name", "regular"}, {"configuration", {{"chunk_shape", chunk.to_vector()}}}}},
                    {"chunk_key_encoding", {{"name", "default"}, {"configuration", {{"separator", "/"}}}}},
                    {"fill_value", ""},
                    {"codecs", Json::array({{{"name", "vlen-utf8"}, {"configuration", Json::object()}}, {{"name", "zstd"}, {"configuration", settings}}})}};
    out.chunk_name = "c";
    for (int k = 0; k < chunk.rank(); ++k) out.chunk_name += "/0";
  } else {
    Json compressor = {{"id", "zstd"}};
    compressor.update(settings);
    out.document = {{"zarr_format", 2},
                    {"shape", texts.shape.to_vector()},
                    {"chunks", chunk.to_vector()},
                    {"dtype", "|O"},
                    {"compressor", compressor},
                    {"fill_value", nullptr},  // xarray takes it for what is missing
                    {"order", "C"},
                    {"filters", Json::array({{{"id", "vlen-utf8"}}})},
                    {"dimension_separator", "."}};
    out.chunk_name = "0";
    for (int k = 1; k < chunk.rank(); ++k) out.chunk_name += ".0";
  }
  if (texts.values.empty()) {
    out.chunk_name.clear();
    return out;
  }
  std::string raw;
  put_little_endian(raw, texts.values.size());
  for (const std::string& text : texts.values) {
    const std::string well_formed = as_utf8(text);
    put_little_endian(raw, well_formed.size());
    raw += well_formed;
  }
  out.chunk.resize(static_cast<std::size_t>(zstd->largest_made(static_cast<Index>(raw.size()))));
  const Index made = zstd->encode(std::as_bytes(std::span(raw)), std::as_writable_bytes(std::span(out.chunk)));
  out.chunk.resize(static_cast<std::size_t>(made));
  return out;
}

}  // namespace freestone::formats::zarr
