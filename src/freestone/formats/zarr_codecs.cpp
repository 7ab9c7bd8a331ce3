#include <algorithm>
#include <numeric>

#include "freestone/formats/zarr_imagecodecs.h"
#include "freestone/formats/zarr_parameters.h"
#include "freestone/storage/codec_tiff.h"

namespace freestone::formats::zarr {
namespace {

CodecRef blosc_from(const Parameters& p, Index element_bytes) {
  BloscOptions options;
  options.compressor = p.text("cname", "lz4");
  options.level = p.whole("clevel", 5);
  options.block_bytes = p.whole("blocksize", 0);
  options.element_bytes = p.whole("typesize", static_cast<int>(element_bytes));
  const Json& shuffle = p.at("shuffle");
  const bool is_text = shuffle.is_string();
  const auto is = [&](const char* word, int code) { return is_text ? shuffle == word : shuffle == code; };
  if (is("noshuffle", 0)) {
    options.shuffle = BloscShuffle::kNone;
  } else if (is("bitshuffle", 2) || (!is_text && shuffle == -1 && options.element_bytes == 1)) {
    options.shuffle = BloscShuffle::kBits;
  } else if (!(is("shuffle", 1) || shuffle.is_null() || (!is_text && shuffle == -1))) {
    p.damaged("shuffle");
  }
  if (options.block_bytes < 0) p.damaged("blocksize");
  return blosc_codec(options);
}

CodecRef checksum_from(const Parameters& p, Checksum kind, const char* location) {
  const std::string where = p.text("location", location);
  if (where != "start" && where != "end") p.damaged("location");
  return checksum_codec(kind, where == "start");
}

StoredType type_at(const Parameters& p, const std::string& key, const Json& otherwise) {
  const Json& value = p.at(key).is_null() ? otherwise : p.at(key);
  if (value.is_null()) p.damaged(key);
  return number_type(p.file(), value);
}

/// Codecs from bytes to bytes: by numcodecs' names, which version 2 has and version 3 with a prefix.
struct BytesCodec {
  std::string_view name;
  CodecRef (*make)(const Parameters&, Index element_bytes);
};
constexpr BytesCodec kBytesCodecs[] = {
    {"blosc", blosc_from},
    {"zstd", [](const Parameters& p, Index) { return zstd_codec(p.whole("level", 0), p.truth("checksum")); }},
    {"gzip", [](const Parameters& p, Index) { return gzip_codec(p.whole("level", 1)); }},
    {"zlib", [](const Parameters& p, Index) { return zlib_codec(p.whole("level", 1)); }},
    {"lz4", [](const Parameters& p, Index) { return lz4_codec(p.whole("acceleration", 1)); }},
    {"bz2", [](const Parameters& p, Index) { return bz2_codec(p.whole("level", 1)); }},
    {"lzma",
     [](const Parameters& p, Index) {
       // Of its formats only xz says how it was encoded.
       if (p.whole("format", 1) > 1 || !p.at("filters").is_null()) p.unread("format or filters");
       return xz_codec(6);
     }},
    {"shuffle", [](const Parameters& p, Index) { return shuffle_codec(p.whole("elementsize", 4)); }},
    {"crc32c", [](const Parameters& p, Index) { return checksum_from(p, Checksum::kCrc32c, "end"); }},
    {"crc32", [](const Parameters& p, Index) { return checksum_from(p, Checksum::kCrc32, "start"); }},
    {"adler32", [](const Parameters& p, Index) { return checksum_from(p, Checksum::kAdler32, "start"); }},
    {"fletcher32", [](const Parameters&, Index) { return fletcher32_codec(); }},
};

/// Filters on numbers; `order` replaces the one that the file names where the chunk has one of its own (version 3).
struct NumberCodec {
  std::string_view name;
  CodecRef (*make)(const Parameters&, StoredType elements, StoredType stored);
  std::string_view elements, stored;  ///< keys of the two types
};
constexpr NumberCodec kNumberCodecs[] = {
    {"delta", [](const Parameters&, StoredType elements, StoredType stored) { return delta_codec(elements, stored); }, "dtype", "astype"},
    {"fixedscaleoffset",
     [](const Parameters& p, StoredType elements, StoredType stored) {
       return fixed_scale_offset_codec(p.real("offset"), p.real("scale"), elements, stored);
     },
     "dtype", "astype"},
    {"astype", [](const Parameters&, StoredType elements, StoredType stored) { return as_type_codec(elements, stored); }, "decode_dtype",
     "encode_dtype"},
};

std::string known_codecs() {
  std::string out;
  for (const BytesCodec& codec : kBytesCodecs) out += fmt::format("{}{}", out.empty() ? "" : ", ", codec.name);
  for (const NumberCodec& codec : kNumberCodecs) out += fmt::format(", {}", codec.name);
  return out + ", " + known_imagecodecs();
}

[[noreturn]] void fail_unknown(const std::string& file, const std::string& codec) {
  fail(ErrorKind::kUser, "{}: its chunks are encoded with '{}', which Freestone does not read (it reads {}).", file, codec, known_codecs());
}

const BytesCodec* find_bytes_codec(std::string_view name) {
  const auto found = std::find_if(std::begin(kBytesCodecs), std::end(kBytesCodecs), [&](const auto& c) { return c.name == name; });
  return found == std::end(kBytesCodecs) ? nullptr : found;
}
const NumberCodec* find_number_codec(std::string_view name) {
  const auto found = std::find_if(std::begin(kNumberCodecs), std::end(kNumberCodecs), [&](const auto& c) { return c.name == name; });
  return found == std::end(kNumberCodecs) ? nullptr : found;
}

/// Codecs of numcodecs that round when data are written and do nothing when they are read.
bool is_rounding(const Parameters& p, std::string_view name) {
  if (name == "quantize" && !p.at("astype").is_null() && p.at("astype") != p.at("dtype")) p.unread("astype");
  return name == "bitround" || name == "quantize";
}

/// {"id": "delta", ...}; none for one that rounds.
void add_codec_v2(const std::string& file, const Json& object, Index element_bytes, Index chunk_elements, std::vector<CodecRef>& out) {
  const Json& id = member(file, object, "id");
  if (!id.is_string()) fail(ErrorKind::kData, "{}: a codec's id is no text.", file);
  const std::string name = id.get<std::string>();
  const Parameters p(file, name, object);
  if (const BytesCodec* codec = find_bytes_codec(name)) {
    out.push_back(codec->make(p, element_bytes));
  } else if (const NumberCodec* number_codec = find_number_codec(name)) {
    const Json& elements = p.at(std::string(number_codec->elements));
    out.push_back(number_codec->make(p, type_at(p, std::string(number_codec->elements), Json()), type_at(p, std::string(number_codec->stored), elements)));
  } else if (!is_rounding(p, name) && !add_imagecodec(p, element_bytes, chunk_elements, out)) {
    fail_unknown(file, name);
  }
}

/// "zstd" or {"name": "zstd", "configuration": {...}}.
struct NamedCodec {
  std::string name;
  Json configuration;
};
NamedCodec named_codec(const std::string& file, const Json& value) {
  const bool is_object = value.is_object();
  const Json& name = is_object ? member(file, value, "name") : value;
  if (!name.is_string()) fail(ErrorKind::kData, "{}: a codec without a name.", file);
  NamedCodec out{name.get<std::string>(), is_object ? value.value("configuration", Json::object()) : Json::object()};
  if (out.name.starts_with("numcodecs.")) out.name = out.name.substr(10);
  return out;
}

ByteOrder endian_from(const Parameters& p) {
  const std::string endian = p.text("endian", "little");
  if (endian != "little" && endian != "big") p.damaged("endian");
  return endian == "little" ? ByteOrder::kLittle : ByteOrder::kBig;
}

/// The order of axes behind a transpose codec.
std::vector<int> transposed(const Parameters& p, std::vector<int> order, int rank) {
  if (order.empty()) {
    order.resize(static_cast<std::size_t>(rank));
    std::iota(order.begin(), order.end(), 0);
  }
  const Json& value = p.at("order");
  std::vector<int> axes(static_cast<std::size_t>(rank));
  if (value == "F" || value == "C") {
    std::iota(axes.begin(), axes.end(), 0);
    if (value == "F") std::reverse(axes.begin(), axes.end());
  } else {
    if (!value.is_array() || static_cast<int>(value.size()) != rank) p.damaged("order");
    std::vector<bool> seen(static_cast<std::size_t>(rank));
    for (std::size_t k = 0; k < axes.size(); ++k) {
      if (!value[k].is_number_integer() || value[k].get<std::int64_t>() < 0 || value[k].get<std::int64_t>() >= rank) p.damaged("order");
      axes[k] = value[k].get<int>();
      if (seen[static_cast<std::size_t>(axes[k])]) p.damaged("order");
      seen[static_cast<std::size_t>(axes[k])] = true;
    }
  }
  for (int& axis : axes) axis = order[static_cast<std::size_t>(axis)];
  return axes;
}

/// Reads a list of version 3 from left to right.
class ListReader {
 public:
  ListReader(const std::string& file, const ElementType& type, const Shape& chunk, bool inside_shard)
      : file_(file), type_(type), transform_(type.transform), inside_shard_(inside_shard), element_bytes_(size_of(type.transform.stored)) {
    out_.chunk = chunk;
  }

  CodecList read(const Json& list) {
    if (!list.is_array()) fail(ErrorKind::kData, "{}: codecs is no list.", file_);
    for (const Json& value : list) {
      const NamedCodec codec = named_codec(file_, value);
      take(codec.name, Parameters(file_, codec.name, codec.configuration));
    }
    if (!serialized_) fail(ErrorKind::kData, "{}: codecs holds none that makes bytes of elements ('bytes', 'vlen-utf8' or 'sharding_indexed').", file_);
    if (!out_.shards) out_.codecs = CodecChain(std::move(codecs_));
    return std::move(out_);
  }

 private:
  void take(const std::string& name, const Parameters& p) {
    if (name == "transpose") {
      check_place(name, false);
      if (has_delta_) fail(ErrorKind::kUser, "{}: a transpose behind a delta codec, which Freestone does not read.", file_);
      out_.order = transposed(p, out_.order, out_.chunk.rank());
    } else if (name == "bytes" || name == "vlen-utf8") {
      check_place(name, false);
      const bool is_varying = type_.text == TextForm::kVarying;
      if ((name == "bytes") == is_varying) fail(ErrorKind::kData, "{}: codec '{}' for elements that are {}texts of different lengths.", file_, name, is_varying ? "" : "no ");
      serialized_ = true;
      out_.byte_order = endian_from(p);
      add_filters();
    } else if (name == "sharding_indexed") {
      check_place(name, false);
      take_shards(p);
    } else if (is_rounding(p, name)) {
      check_place(name, false);
    } else if (const NumberCodec* codec = find_number_codec(name)) {
      check_place(name, false);
      has_delta_ = has_delta_ || name == "delta";
      const Json& elements = p.at(std::string(codec->elements));
      filters_.push_back({codec, p.codec(), type_at(p, std::string(codec->elements), Json()),
                          type_at(p, std::string(codec->stored), elements), name == "fixedscaleoffset" ? p.real("offset") : 0,
                          name == "fixedscaleoffset" ? p.real("scale") : 1});
      const DType expected = filters_.size() > 1 ? filters_[filters_.size() - 2].stored.dtype : transform_.stored;
      if (transform_.halves || filters_.back().elements.dtype != expected) {
        fail(ErrorKind::kData, "{}: codec '{}' takes {} where the elements are {}.", file_, name, name_of(filters_.back().elements.dtype),
             transform_.halves ? "float16" : name_of(expected));
      }
    } else if (const BytesCodec* bytes_codec = find_bytes_codec(name)) {
      check_place(name, true);
      if (out_.shards)
        fail(ErrorKind::kUser, "{}: its shards are encoded once more, with '{}', which Freestone does not read.", file_, name);
      codecs_.push_back(bytes_codec->make(p, element_bytes_));
    } else {
      fail_unknown(file_, name);
    }
  }

  void check_place(const std::string& name, bool behind_bytes) const {
    if (serialized_ != behind_bytes) {
      fail(ErrorKind::kData, "{}: codec '{}' stands {} the one that makes bytes of elements.", file_, name,
           serialized_ ? "behind" : "before");
    }
  }

  /// Filters on elements work on them as they are stored: the byte order is known now.
  void add_filters() {
    for (Filter& filter : filters_) {
      filter.elements.order = filter.stored.order = out_.byte_order;
      const Json configuration = {{"offset", filter.offset}, {"scale", filter.scale}};
      codecs_.push_back(filter.codec->make(Parameters(file_, filter.name, configuration), filter.elements, filter.stored));
      element_bytes_ = size_of(filter.stored.dtype);
    }
  }

  void take_shards(const Parameters& p) {
    if (inside_shard_) fail(ErrorKind::kUser, "{}: it has shards inside shards, which Freestone does not read.", file_);
    if (!out_.order.empty() || !filters_.empty()) {
      fail(ErrorKind::kUser, "{}: its shards hold elements that were transposed or filtered before, which Freestone does not read.", file_);
    }
    serialized_ = true;
    const Shape shard = out_.chunk, inner = shape_from(file_, "chunk_shape of its shards", p.at("chunk_shape"), 1);
    ShardLayout layout;
    if (inner.rank() != shard.rank()) fail(ErrorKind::kData, "{}: chunks {} in shards {}.", file_, to_string(inner), to_string(shard));
    Index count = 1;
    for (int k = 0; k < inner.rank(); ++k) {
      if (shard[k] % inner[k] != 0)
        fail(ErrorKind::kData, "{}: chunks {} do not fill shards {}.", file_, to_string(inner), to_string(shard));
      layout.chunks.push_back(shard[k] / inner[k]);
      if (__builtin_mul_overflow(count, layout.chunks[k], &count) || count > kMostInShard) {
        fail(ErrorKind::kData, "{}: shards {} of chunks {} hold more than {} of them. The metadata are damaged.", file_, to_string(shard),
             to_string(inner), kMostInShard);
      }
    }
    const Json index_codecs = p.at("index_codecs");
    if (!index_codecs.is_array()) p.damaged("index_codecs");
    for (const Json& value : index_codecs) {
      const std::string name = named_codec(file_, value).name;
      if (name != "bytes" && name != "crc32c" && name != "crc32" && name != "adler32") {
        fail(ErrorKind::kUser, "{}: the index of its shards is encoded with '{}', which Freestone does not read.", file_, name);
      }
    }
    const ElementType whole{.transform = {.stored = DType::kUint64, .dtype = DType::kUint64}, .label = ""};
    CodecList index = ListReader(file_, whole, inner, true).read(index_codecs);
    layout.order = index.byte_order;
    layout.index_codecs = std::move(index.codecs);
    const std::string location = p.text("index_location", "end");
    if (location != "start" && location != "end") p.damaged("index_location");
    layout.index_at_end = location == "end";
    CodecList chunks = ListReader(file_, type_, inner, true).read(p.at("codecs"));
    chunks.shards = std::move(layout);
    out_ = std::move(chunks);
  }

  // A shard of a million chunks has an index of 16 MB.
  static constexpr Index kMostInShard = Index{1} << 20;
  struct Filter {
    const NumberCodec* codec;
    std::string name;
    StoredType elements, stored;
    double offset, scale;
  };
  const std::string& file_;
  const ElementType& type_;
  const ElementTransform& transform_;
  bool inside_shard_;
  Index element_bytes_;
  bool serialized_ = false, has_delta_ = false;
  std::vector<Filter> filters_;
  std::vector<CodecRef> codecs_;
  CodecList out_;
};

}  // namespace

CodecList codecs_v3(const std::string& name, const Json& list, const ElementType& type, const Shape& chunk) {
  return ListReader(name, type, chunk, false).read(list);
}

CodecChain codecs_v2(const std::string& name, const Json& filters, const Json& compressor, Index element_bytes, Index chunk_elements) {
  if (!filters.is_null() && !filters.is_array()) fail(ErrorKind::kData, "{}: filters is no list.", name);
  std::vector<CodecRef> codecs;
  for (const Json& filter : filters) add_codec_v2(name, filter, element_bytes, chunk_elements, codecs);
  if (!compressor.is_null()) add_codec_v2(name, compressor, element_bytes, chunk_elements, codecs);
  return CodecChain(std::move(codecs));
}

}  // namespace freestone::formats::zarr
