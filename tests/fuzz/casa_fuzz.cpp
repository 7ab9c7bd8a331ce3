// Any bytes at all as the tables of a CASA image: the first two bytes say how long table.dat is, what follows it is table.f0. They are read,
// or refused with an Error of kind data or user; what was read makes a header, and keywords that are read again.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/casa_test.cpp runs it on mutated files without.
#include <algorithm>

#include "answers.h"
#include "freestone/formats/casa_coordinates.h"
#include "freestone/formats/casa_table.h"

namespace {

using namespace freestone;
using namespace freestone::formats::casa;
using fuzzing::require;

void look_at_table(std::string_view bytes) {
  const TableFile table = read_table_file("fuzz", bytes);
  const std::vector<Index> shape{6, 5, 4};
  const Description said = describe("fuzz", table.keywords, shape);
  require(said.cards.size() % 80 == 0, "cards of another length");
  AipsWriter again;
  again.record(keywords_of(said.cards, said.tables, shape));
  AipsReader("again", again.bytes()).record();
}

void look_at_array(std::string_view bytes, const char* manager, Index bits) {
  fuzzing::expect_answer_or_clear_error([&] {
    const TiledArray array = read_tiled_array("fuzz", bytes, manager, true, bits);
    require(array.shape.size() == array.tile.size() && array.offset >= 0 && array.tile_bytes >= 0, "an array without a place");
    for (std::size_t k = 0; k < array.tile.size(); ++k) require(array.tile[k] > 0 && array.shape[k] >= 0, "a tile without elements");
  });
}

}  // namespace

int look_at_casa(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t split = size < 2 ? 0 : std::min<std::size_t>(static_cast<std::size_t>(data[0]) * 256 + data[1], size - 2);
  const std::string_view table = bytes.substr(std::min<std::size_t>(2, size), split), rest = bytes.substr(std::min<std::size_t>(2, size) + split);
  fuzzing::expect_answer_or_clear_error([&] { look_at_table(table); });
  for (const char* manager : {"TiledCellStMan", "TiledShapeStMan", "TiledColumnStMan"}) {
    look_at_array(rest, manager, 32);
    look_at_array(rest, manager, 1);
  }
  return 0;
}

#ifdef FREESTONE_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { return look_at_casa(data, size); }
#endif
