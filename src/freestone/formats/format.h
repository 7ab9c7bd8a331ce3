/// Formats: from files to Sources with their metadata, and from arrays to files.
///
/// Opening reads metadata only: a file becomes a list of variables, each a Source (a chunk manifest) and its attributes
/// in the format's own words. Writing gives a Sink that touches nothing before `create`. A format is one file (or a few
/// of one prefix) and one row in the list in format.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "freestone/core/source.h"

namespace freestone::formats {

/// One value, or a list of one kind (never a list of one where the format tells them apart). Whole numbers are int64; uint64 is one that int64
/// does not hold, and a list in which there is such a one.
using AttributeValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>,
                                    std::uint64_t, std::vector<std::uint64_t>>;

struct Attribute {
  std::string key;
  AttributeValue value;
  std::string comment;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

/// A small table, read whole (a beam for each channel, say).
struct Table {
  struct Column {
    std::string name, unit;
    std::vector<double> numbers;     ///< one a row; cells of several numbers follow each other
    std::vector<std::string> texts;  ///< one a row, for columns of text; then `numbers` is empty
    char code = 'D';                 ///< FITS type of the numbers: L B I J K E D; written so where it holds them
  };
  std::string name;
  Index rows = 0;
  std::vector<Column> columns;
};

/// The value on one line: words as they are, lists between brackets.
std::string text_of(const AttributeValue& value);

/// Texts of a variable: names of stations, labels. They are no numbers, so no Array.
struct Texts {
  Shape shape;
  std::vector<std::string> values;  ///< C order
};

struct Variable {
  std::string name;  ///< FITS: EXTNAME or ""; in a group: its path there
  int hdu = 0;       ///< number in the file
  std::shared_ptr<const Source> source;  ///< null: no pixels, or none that can be read
  std::vector<Attribute> attributes;     ///< COMMENT, HISTORY and blank cards included, in the file's order
  std::vector<std::string> dims;         ///< names of the axes, "" for one without; empty when the format has none
  std::string header;                    ///< FITS: the cards, 80 characters each, without END
  std::string mask;                      ///< the variable of the same file that is true where elements count; "": all do
  std::string note;                      ///< why it cannot be read, when it holds data and `source` is null
  std::shared_ptr<const Texts> texts = nullptr;  ///< of a variable of texts (then `source` is null), when they are no more than some ten thousand
};

/// A group below the whole, and what it says of itself.
struct Group {
  std::string path;  ///< "daily/mean"
  std::vector<Attribute> attributes;
};

struct Contents {
  using Group = formats::Group;
  std::string format, path;
  std::vector<Variable> variables;
  std::vector<Table> tables;
  std::vector<Attribute> attributes;  ///< of the whole: a group's
  std::vector<Group> groups = {};     ///< empty where the format has none
  std::vector<std::string> unlimited_dims = {};  ///< names of dimensions that may grow, of all groups
  bool is_group = false;              ///< variables have names, and none of them comes first
  bool is_unpacked = false;           ///< read from a decompressed copy: where things lie in it is no place of the file
};

/// Reads the metadata of a file, or of a folder that is a Zarr node or a CASA image. The format is told by its first bytes, then by the suffix.
/// @throws Error kind io: it cannot be read; kind data: damaged, naming the field; kind user: no known format, listing them
Contents open_file(const std::string& path);

/// The variable that a selector ("" = the first with pixels, "1" = HDU number, "DATA" or "DATA,2" = name and version) means. In a group
/// it is a name, and "" is the only array that is no coordinate (1-D and named as its axis).
/// @throws Error kind user: there is none, listing what there is, or it cannot be read, with the reason
const Variable& select_variable(const Contents& contents, const std::string& selector);

/// Of `dims` those that may grow in a new file of `format` whose variables have the axes `variables`: netCDF-3 has one such dimension, the first
/// of every variable that has it; formats other than HDF5, NetCDF-4 and netCDF-3 have none.
std::vector<std::string> unlimited_dims_in(const std::string& format, const std::vector<std::string>& dims,
                                           const std::vector<std::vector<std::string>>& variables);

/// A path and the part of the file that is meant: "cube.fits[DATA]" is {"cube.fits", "DATA"}. A file literally so named wins.
struct Selected {
  std::string path, selector;
};
Selected split_selector(const std::string& path);

/// How images are stored, where the format has a choice (geotiff, cog).
struct RasterPacking {
  std::string interleave;           ///< "band": each band for itself; "pixel": the bands of a pixel together
  std::optional<int> predictor;     ///< 1: none, 2: differences, 3: differences of floats
  std::string overviews;            ///< "auto": until one fits a tile; "none"; or factors, powers of two that grow: "2,4,8"
  std::string overview_resampling;  ///< nearest, average, rms, mode, min, max
  std::string bigtiff;              ///< "yes", "no" or "if-needed"
  friend bool operator==(const RasterPacking&, const RasterPacking&) = default;
};

/// How formats with chunks store elements. What is left out is decided by the format.
struct Packing {
  Shape chunks;            ///< of what is compressed as one piece
  Shape shards;            ///< of what is one file, where it holds several chunks
  std::string compressor;  ///< zarr: none, zstd, gzip, zlib, lz4, bz2, blosc-lz4 -lz4hc -blosclz -snappy -zlib -zstd; geotiff: none, deflate, lzw, zstd, packbits, lzma, jpeg, webp, lerc;
                           ///< netcdf4 and hdf5: none, deflate, zstd, lzf, lz4, bz2, blosc-lz4 -lz4hc -blosclz -snappy -zlib -zstd
  std::optional<int> level;
  std::optional<bool> shuffle;  ///< hdf5: bytes of elements sorted before they are compressed (by default where it helps)
  bool fletcher32 = false;      ///< hdf5: a checksum behind each chunk
  int version = 0;         ///< of the format: 2 or 3 for Zarr
  RasterPacking raster;
  bool is_default() const {
    return chunks.empty() && shards.empty() && compressor.empty() && !level && version == 0 && !shuffle && !fletcher32 && raster == RasterPacking{};
  }
};

/// Deflate as an array's own file has it.
struct Deflate {
  int level = 4;
  bool shuffle = true;  ///< bytes of elements are sorted before
};

struct WriteRequest {
  std::string path;
  std::string name;    ///< of the array, in formats whose files hold several; "" = "data"
  std::string format;  ///< "" = told by the suffix
  bool overwrite = false;
  std::vector<Attribute> attributes;  ///< written after `header_cards`; a key that is there already is replaced
  std::vector<Attribute> plain_attributes;  ///< as `attributes`, for formats without cards: FITS leaves them out
  std::string header_cards;           ///< FITS cards, 80 characters each; structural ones and scaling are left out
  std::vector<Table> tables;          ///< appended as binary tables where the format has them
  std::vector<std::string> dims;      ///< names of the axes, "" for one without; kept where the format has them
  Packing packing;
  Shape nominal_chunks;               ///< those of the array that is written, where it has some: the default
  bool chunks_are_wanted = false;     ///< somebody asked for them (rechunk): they are kept however small
  std::optional<Deflate> nominal_deflate = {};  ///< of elements that are still those of a file: what netcdf4 and hdf5 do when `packing` names no compressor
  std::vector<std::string> unlimited_dims;  ///< of `dims`: that may grow later, where the format has such
  std::string append;                 ///< the unlimited dimension along which the array is put behind what the file has; "" = a new file
};

/// Nothing is touched on disk until `Sink::create`.
/// @throws Error kind user: no format of that name or suffix, or it cannot hold this shape or dtype
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

/// A sink of the array, and one of bool on its last two axes, true where pixels count: for formats that hold a mask beside an image
/// (FormatChoice::holds_mask). Both are written, or none.
/// @throws Error kind user: as `create_sink`, or the format has no masks
std::vector<std::shared_ptr<Sink>> create_masked_sinks(const Spec& spec, const WriteRequest& request);

/// One array of a file that holds several.
struct VariableRequest {
  std::string name;  ///< in a group below: its path
  Spec spec;
  std::vector<std::string> dims;  ///< one an axis; variables that share a name share the length
  std::vector<Attribute> attributes;
  Packing packing;
  Shape nominal_chunks;             ///< see WriteRequest
  bool chunks_are_wanted = false;
  std::optional<Deflate> nominal_deflate = {};
};

/// Texts beside the arrays of a file.
struct TextRequest {
  std::string name;
  Texts texts;
  std::vector<std::string> dims;  ///< one an axis
  std::vector<Attribute> attributes;
  bool is_coordinate = false;     ///< of the variables that have its axes
};

struct DatasetRequest {
  std::string path;
  std::string format;  ///< "" = told by the suffix
  bool overwrite = false;
  std::vector<Attribute> attributes;  ///< of the whole
  std::vector<VariableRequest> variables;
  std::vector<std::string> unlimited_dims;  ///< that may grow later, where the format has such
  std::vector<TextRequest> texts = {};  ///< netcdf4, hdf5 and zarr have such; others leave them out
  std::vector<Group> groups = {};  ///< what those groups say of themselves that variables are in; others are left out
  std::string append = {};  ///< see WriteRequest; variables without that dimension must be in the file as they are, and are not written again
};

/// A sink for each variable, in their order. They share one temporary output: the first `create` makes it, it gets its final name when the
/// last of them has finished, and `abort` of one is the end of all.
/// @throws Error kind user: no format of that name or suffix, one whose files hold a single array, or dims that disagree, naming the variable
std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request);

struct FormatInfo {
  std::string name;
  std::vector<std::string> suffixes;
  bool can_read = false, can_write = false;
  std::string description;
};

/// All formats, in the order in which they are tried.
std::vector<FormatInfo> formats();

}  // namespace freestone::formats
