#include <algorithm>
#include <cstring>

#include "freestone/core/buffer.h"
#include "freestone/storage/codec.h"

namespace freestone {

std::string CodecChain::names() const {
  std::string out;
  for (const CodecRef& codec : codecs_) {
    if (!codec->name().empty()) out += fmt::format("{}{}", out.empty() ? "" : ", ", codec->name());
  }
  return out;
}

std::vector<Index> CodecChain::sizes(Index raw_bytes, Index (Codec::*bound)(Index) const) const {
  std::vector<Index> out{raw_bytes};
  for (const CodecRef& codec : codecs_) out.push_back((*codec.*bound)(out.back()));
  return out;
}

Index CodecChain::largest_encoded(Index raw_bytes) const { return sizes(raw_bytes, &Codec::largest_encoded).back(); }

Index CodecChain::decode_scratch_bytes(Index raw_bytes) const {
  const std::vector<Index> sizes = this->sizes(raw_bytes, &Codec::largest_encoded);
  Index largest = 0;
  for (std::size_t i = 1; i + 1 < sizes.size(); ++i) largest = std::max(largest, Scratch::rounded(sizes[i]));
  return codecs_.size() > 2 ? 2 * largest : largest;
}

Index CodecChain::encode_scratch_bytes(Index raw_bytes) const {
  const std::vector<Index> sizes = this->sizes(raw_bytes, &Codec::largest_made);
  Index largest = 0;
  for (std::size_t i = 1; i < sizes.size(); ++i) largest = std::max(largest, Scratch::rounded(sizes[i]));
  return codecs_.size() > 1 ? 2 * largest : largest;
}

void CodecChain::decode(ConstBytes encoded, Bytes raw, Bytes scratch) const {
  const std::vector<Index> sizes = this->sizes(static_cast<Index>(raw.size()), &Codec::largest_encoded);
  ensure(static_cast<Index>(scratch.size()) >= decode_scratch_bytes(sizes.front()), "a codec chain got too little scratch memory");
  const std::size_t half = scratch.size() / (codecs_.size() > 2 ? 2 : 1) / Buffer::kAlignment * Buffer::kAlignment;
  if (codecs_.empty() && encoded.size() == raw.size() && !raw.empty()) std::memcpy(raw.data(), encoded.data(), raw.size());
  for (std::size_t i = codecs_.size(); i-- > 0;) {
    const Bytes to = i == 0 ? raw : scratch.subspan(i % 2 == 0 && codecs_.size() > 2 ? half : 0).first(static_cast<std::size_t>(sizes[i]));
    encoded = to.first(static_cast<std::size_t>(codecs_[i]->decode(encoded, to)));
  }
  if (encoded.size() != raw.size()) fail(ErrorKind::kData, "{} bytes come out where the chunk has {}", encoded.size(), raw.size());
}

void CodecChain::decode_ranges(ConstBytes encoded, Bytes raw, Bytes scratch, const std::vector<ByteRange>& ranges) const {
  if (codecs_.size() != 1 || !codecs_[0]->decode_ranges(encoded, raw, ranges)) decode(encoded, raw, scratch);
}

CodecChain CodecChain::without(std::uint32_t skipped) const {
  std::vector<CodecRef> left;
  for (std::size_t i = 0; i < codecs_.size(); ++i) {
    if (i >= 32 || (skipped >> i & 1) == 0) left.push_back(codecs_[i]);
  }
  return CodecChain(std::move(left));
}

ConstBytes CodecChain::encode(ConstBytes raw, Bytes scratch) const {
  ensure(static_cast<Index>(scratch.size()) >= encode_scratch_bytes(static_cast<Index>(raw.size())),
         "a codec chain got too little scratch memory");
  const std::size_t half = scratch.size() / (codecs_.size() > 1 ? 2 : 1) / Buffer::kAlignment * Buffer::kAlignment;
  for (std::size_t i = 0; i < codecs_.size(); ++i) {
    const Bytes to = scratch.subspan(i % 2 == 1 ? half : 0, half);
    raw = to.first(static_cast<std::size_t>(codecs_[i]->encode(raw, to)));
  }
  return raw;
}

}  // namespace freestone
