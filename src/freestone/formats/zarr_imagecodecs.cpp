#include "freestone/formats/zarr_imagecodecs.h"

#include <algorithm>
#include <array>

#include "freestone/storage/codec_tiff.h"

namespace freestone::formats::zarr {
namespace {

using Codecs = std::vector<CodecRef>;
struct Chunk {
  Index element_bytes, elements;
};

/// "<u2": unsigned, signed or floating numbers of 1, 2, 4 or 8 bytes; float16 among them, which no DType has.
struct Numbers {
  Index bytes = 1;
  ByteOrder order = ByteOrder::kLittle;
};
Numbers numbers_at(const Parameters& p) {
  const std::string type = p.text("dtype", "");
  const bool is_known = type.size() == 3 && std::string_view("<>|=").find(type[0]) != std::string_view::npos &&
                        std::string_view("uif").find(type[1]) != std::string_view::npos && std::string_view("1248").find(type[2]) != std::string_view::npos;
  if (!is_known) p.damaged("dtype");
  return {type[2] - '0', type[0] == '>' ? ByteOrder::kBig : ByteOrder::kLittle};
}

/// The rows of a filter: along `axis` of `shape`; what follows that axis are the samples of a pixel.
TiffRow row_at(const Parameters& p, const Numbers& numbers, Index chunk_elements) {
  if (p.whole("dist", 1) != 1) p.unread("dist");
  const Shape shape = shape_from(p.file(), "shape of codec '" + p.codec() + "'", p.at("shape"), 1);
  int axis = p.whole("axis", -1);
  if (axis < 0) axis += shape.rank();
  if (axis < 0 || axis >= shape.rank()) p.damaged("axis");
  TiffRow row{.elements = 1, .samples = 1, .element_bytes = numbers.bytes, .order = numbers.order};
  for (int k = shape.rank() - 1; k >= axis; --k) {
    if (k > axis) row.samples *= shape[k];
    if (__builtin_mul_overflow(row.elements, shape[k], &row.elements) || row.elements > chunk_elements) p.damaged("shape");
  }
  return row;
}

/// TIFF's filters give numbers in native order; the array's have the one that its dtype says.
void add_swap(const Numbers& numbers, Codecs& out) {
  if (numbers.bytes == 1 || numbers.order == kNativeOrder) return;
  const DType type = numbers.bytes == 2 ? DType::kUint16 : numbers.bytes == 4 ? DType::kUint32 : DType::kUint64;
  out.push_back(as_type_codec({type, numbers.order}, {type, kNativeOrder}));
}

void add_delta(const Parameters& p, const Chunk& chunk, Codecs& out) {
  const Numbers numbers = numbers_at(p);
  add_swap(numbers, out);
  out.push_back(horizontal_differences_codec(row_at(p, numbers, chunk.elements)));
}

void add_floatpred(const Parameters& p, const Chunk& chunk, Codecs& out) {
  const Numbers numbers = numbers_at(p);
  if (numbers.bytes == 1) p.damaged("dtype");
  add_swap(numbers, out);
  out.push_back(floating_differences_codec(row_at(p, numbers, chunk.elements)));
}

struct Known {
  std::string_view name;
  void (*add)(const Parameters&, const Chunk&, Codecs&);
};
constexpr std::string_view kPrefix = "imagecodecs_";
constexpr std::array kKnown{
    Known{"delta", add_delta},
    Known{"floatpred", add_floatpred},
    Known{"lzw", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(tiff_lzw_codec()); }},
    Known{"packbits", [](const Parameters&, const Chunk& chunk, Codecs& out) { out.push_back(packbits_codec(chunk.element_bytes)); }},
    Known{"zlib", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(zlib_codec(6)); }},
    Known{"deflate",
          [](const Parameters& p, const Chunk&, Codecs& out) {
            if (p.truth("raw")) p.unread("raw");
            out.push_back(zlib_codec(6));
          }},
    Known{"zstd", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(zstd_codec(3)); }},
    Known{"lzma", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(xz_codec(6)); }},
    Known{"bz2", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(bz2_codec(9)); }},
    Known{"lz4",
          [](const Parameters& p, const Chunk&, Codecs& out) {
            if (!p.truth("header")) p.unread("no header");
            out.push_back(lz4_codec());
          }},
    Known{"lz4h5", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(framed_lz4_codec()); }},
    Known{"blosc", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(blosc_codec({})); }},
    Known{"bitorder", [](const Parameters&, const Chunk&, Codecs& out) { out.push_back(reversed_bits_codec()); }},
};

}  // namespace

bool add_imagecodec(const Parameters& p, Index element_bytes, Index chunk_elements, std::vector<CodecRef>& out) {
  const std::string_view name = p.codec();
  if (!name.starts_with(kPrefix)) return false;
  const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.name == name.substr(kPrefix.size()); });
  if (known == kKnown.end()) return false;
  known->add(p, {element_bytes, chunk_elements}, out);
  return true;
}

std::string known_imagecodecs() {
  std::string out;
  for (const Known& known : kKnown) out += fmt::format("{}{}{}", out.empty() ? "" : ", ", kPrefix, known.name);
  return out;
}

}  // namespace freestone::formats::zarr
