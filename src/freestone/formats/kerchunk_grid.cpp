#include "freestone/formats/kerchunk_grid.h"

#include <charconv>

namespace freestone::formats::kerchunk {

ChunkGrid grid_of(const ReferenceArray& array) {
  return {Shape(array.document.at("shape").get<std::vector<Index>>()), Shape(array.document.at("chunks").get<std::vector<Index>>())};
}

Dims position_of(const ChunkGrid& grid, Index number) {
  const int rank = grid.shape().rank();
  Dims out(rank);
  for (int k = rank - 1; k >= 0; --k) {
    out[k] = number % grid.count(k);
    number /= grid.count(k);
  }
  return out;
}

std::string key_of(const Dims& position) {
  std::string key;
  for (const Index p : position) key += fmt::format("{}{}", key.empty() ? "" : ".", p);
  return key.empty() ? "0" : key;
}

std::optional<Index> chunk_number(std::string_view key, char separator, const ChunkGrid& grid) {
  const int rank = grid.shape().rank();
  if (rank == 0) return key == "0" ? std::optional<Index>(0) : std::nullopt;
  Dims position(rank);
  for (int k = 0; k < rank; ++k) {
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), position[k]);
    if (error != std::errc() || position[k] < 0 || position[k] >= grid.count(k)) return std::nullopt;
    key.remove_prefix(static_cast<std::size_t>(end - key.data()));
    if (k + 1 == rank) break;
    if (key.empty() || key.front() != separator) return std::nullopt;
    key.remove_prefix(1);
  }
  return key.empty() ? std::optional<Index>(grid.index_of(position)) : std::nullopt;
}

}  // namespace freestone::formats::kerchunk
