#include "freestone/label/stored_deflate.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/array/op.h"
#include "freestone/storage/chunked_source.h"

namespace freestone {

namespace {

const Source* source_of(Array array) {
  // Elements move, and none is changed.
  static constexpr std::string_view kMoves[] = {"concat", "reshape", "rechunk"};
  for (;;) {
    const Op& op = *array.node()->op;
    if (op.source()) return op.source().get();
    const bool moves = op.is_view() || std::ranges::find(kMoves, op.name()) != std::end(kMoves);
    if (!moves || array.node()->inputs.empty()) return nullptr;
    array = Array(array.node()->inputs.front());
  }
}

}  // namespace

std::optional<formats::Deflate> stored_deflate(const Array& array) {
  const auto* chunked = dynamic_cast<const ChunkedSource*>(source_of(array));
  if (chunked == nullptr) return std::nullopt;
  std::optional<formats::Deflate> out;
  bool shuffles = false;
  for (const CodecRef& codec : chunked->layout().codecs.codecs()) {
    if (codec->name() == "shuffle") shuffles = true;
    if (codec->name() == "zlib") out = {nlohmann::json::parse(codec->numcodecs()).at("level").get<int>(), shuffles};
  }
  return out;
}

}  // namespace freestone
