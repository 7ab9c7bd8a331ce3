// Any bytes at all as the metadata of a Zarr array and, behind a zero byte, as one of its chunks: the parsers and codecs answer or throw
// an Error of kind data or user, and nothing else happens.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/fuzz_test.cpp runs it on mutated metadata without.
#include <algorithm>

#include "answers.h"
#include "freestone/formats/zarr_metadata.h"

namespace {

using namespace freestone;
using fuzzing::expect_answer_or_clear_error;
using fuzzing::require;

void look_at_chunk(const formats::zarr::ArrayMetadata& array, ConstBytes chunk) {
  constexpr Index kMost = Index{1} << 20;
  const Index raw_bytes = element_count(array.chunk) * size_of(array.type.transform.stored);
  if (raw_bytes <= kMost && array.codecs.largest_encoded(raw_bytes) <= 4 * kMost) {
    std::vector<std::byte> raw(static_cast<std::size_t>(raw_bytes)),
        scratch(static_cast<std::size_t>(array.codecs.decode_scratch_bytes(raw_bytes)));
    expect_answer_or_clear_error([&] {
      array.codecs.decode(chunk, raw, scratch);
      std::vector<std::byte> out(static_cast<std::size_t>(element_count(array.chunk) * size_of(array.type.transform.dtype)));
      array.type.transform.decode(raw.data(), out.data(), element_count(array.chunk));
    });
  }
  if (array.shards && array.shards->count() <= kMost / 16) {
    expect_answer_or_clear_error([&] { ShardIndex(MemoryReader("fuzz", chunk), *array.shards); });
  }
}

}  // namespace

int look_at_zarr(const unsigned char* data, std::size_t size) {
  const auto* end = std::find(data, data + size, '\0');
  const std::string_view text(reinterpret_cast<const char*>(data), static_cast<std::size_t>(end - data));
  const ConstBytes chunk = std::as_bytes(std::span(end == data + size ? end : end + 1, data + size));
  expect_answer_or_clear_error([&] {
    const formats::zarr::Json json = formats::zarr::parse_json("fuzz", text);
    for (const auto& attribute : formats::zarr::attributes_from(json)) formats::zarr::json_from(attribute);
    for (const bool is_v3 : {true, false}) {
      expect_answer_or_clear_error([&] {
        const auto array = is_v3 ? formats::zarr::read_array_v3("fuzz", json) : formats::zarr::read_array_v2("fuzz", json, json);
        require(array.chunk.rank() == array.shape.rank(), "chunks of another rank");
        // Texts have a fill of their own, and are no elements of a chunk.
        if (array.type.text != formats::zarr::TextForm::kNone) return;
        require(static_cast<Index>(array.fill.size()) == size_of(array.type.transform.dtype), "a fill of another size");
        require(array.order.empty() || static_cast<int>(array.order.size()) == array.shape.rank(), "an order of other axes");
        array.type.transform.check();
        array.key(Dims(array.shape.rank()));
        look_at_chunk(array, chunk);
      });
    }
  });
  return 0;
}

#ifdef FREESTONE_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { return look_at_zarr(data, size); }
#endif
