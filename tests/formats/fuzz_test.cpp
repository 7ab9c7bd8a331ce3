// The short form of the fuzzer: seeds and deterministic mutations. FREESTONE_FUZZ_ROUNDS makes it a long one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "freestone/formats/fits.h"
#include "freestone/formats/fits_table.h"
#include "storage/temporary_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
int look_at_zarr(const unsigned char* data, std::size_t size);
int look_at_tiff(const unsigned char* data, std::size_t size);

namespace freestone::formats {
namespace {

std::vector<std::string> seeds() {
  WriteRequest request;
  request.attributes = {{"OBJECT", std::string("it's a long name ") + std::string(150, 'x'), "with a comment"},
                        {"CRVAL3", 1.15e11, "Hz"},
                        {"ESO DET CHIP", std::string("one"), ""},
                        {"HISTORY", std::string("was here"), ""},
                        {"EXTNAME", std::string("DATA"), ""},
                        {"BMAJ", 1.5, ""}};
  std::vector<std::string> out;
  for (const DType dtype : {DType::kUint16, DType::kFloat32, DType::kInt64}) {
    std::string file = fits::format_header({{3, 4, 5}, dtype}, request);
    file.resize(file.size() + 2880, '\0');
    Table table;
    table.name = "BEAMS";
    table.columns = {{.name = "BMAJ", .unit = "arcsec", .numbers = {1, 2, 3}, .code = 'E'}, {.name = "POL", .texts = {"I", "Q", "U"}}};
    file += fits::format_table(table);
    out.push_back(file);
  }
  out.push_back(std::string("\x93NUMPY\x01\x00\x46\x00", 10) + "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }           \n" + std::string(48, 'x'));
  return out;
}

std::string mutated(const std::vector<std::string>& seeds, std::mt19937_64& random) {
  static const std::vector<std::string> kCards = {
      "NAXIS   =                  999", "NAXIS   =                   -1", "NAXIS1  =  9223372036854775807", "NAXIS3  =           4000000000",
      "BITPIX  =                   -8", "BITPIX  =                 '8 '", "PCOUNT  =  9223372036854775807", "GCOUNT  = -9223372036854775808",
      "TFORM1  = '9999999999999999E'", "TFORM1  = '1P(4)   '", "TFIELDS =                  999", "TNULL1  =                  1.5", "END", "CONTINUE  'more&'",
      "CONTINUE", "HIERARCH = = =", "HIERARCH", "GROUPS  =                    T", "ZIMAGE  =                    T", "BLANK   =   99999999999999999999",
      "BZERO   =               1E9999", "EXTVER  =               1D3000", "X       = '''''''", "X       = (1.0, 2.0)", "        =", "NAXIS1  =                    0"};
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::string out = seeds[pick(seeds.size())];
  for (std::size_t times = 1 + pick(6); times > 0; --times) {
    const std::size_t at = pick(out.size());
    switch (pick(7)) {
      case 0: out[at] = static_cast<char>(random()); break;
      case 1: out[at] = "0123456789-+.ED'/=& TF"[pick(22)]; break;
      case 2: out.resize(at + 1); break;
      case 3: out.insert(at, out.substr(pick(out.size()), 80 * pick(60))); break;
      case 4: {  // a whole card becomes another
        std::string card = kCards[pick(kCards.size())];
        card.resize(80, ' ');
        out.replace(at / 80 * 80, 80, card);
        break;
      }
      case 5: {  // digits of a number
        for (std::size_t i = at; i < std::min(out.size(), at + 80); ++i) {
          if (out[i] >= '0' && out[i] <= '9') out[i] = static_cast<char>('0' + pick(10));
        }
        break;
      }
      default: out.erase(at / 80 * 80, 80 * pick(3)); break;
    }
    if (out.empty()) out = "S";
  }
  return out;
}

TEST(FitsHeader, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 20000;
  const auto inputs = seeds();
  std::mt19937_64 random(20240607);
  for (const std::string& seed : inputs) LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(seed.data()), seed.size());
  for (long i = 0; i < rounds; ++i) {
    const std::string file = mutated(inputs, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(file.data()), file.size());
  }
}

const char* const kZarr[] = {
    R"({"zarr_format": 3, "node_type": "array", "shape": [4, 6], "data_type": "float16", "chunk_grid": {"name": "regular", "configuration":
{"chunk_shape": [4, 6]}}, "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "fill_value": "NaN", "codecs": [{"name":
"sharding_indexed", "configuration": {"chunk_shape": [2, 3], "codecs": [{"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes",
"configuration": {"endian": "big"}}, {"name": "blosc", "configuration": {"cname": "zstd", "clevel": 3, "shuffle": "bitshuffle", "typesize": 2, "blocksize":
0}}], "index_codecs": [{"name": "bytes"}, {"name": "crc32c"}], "index_location": "end"}}], "attributes": {"n": NaN, "l": [1, {"a": -Infinity}]},
"dimension_names": ["y", null]})",
    R"({"zarr_format": 3, "shape": [5], "data_type": {"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 10}}, "chunk_grid": {"name":
"regular", "configuration": {"chunk_shape": [3]}}, "chunk_key_encoding": {"name": "v2"}, "fill_value": "NaT", "codecs": [{"name": "numcodecs.delta",
"configuration": {"dtype": "<i8", "astype": "<i4"}}, "bytes", {"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}}, {"name": "numcodecs.bz2",
"configuration": {"level": 1}}, {"name": "gzip", "configuration": {"level": 5}}, {"name": "numcodecs.adler32"}]})",
    R"({"zarr_format": 2, "shape": [10, 10], "chunks": [3, 4], "dtype": ">f8", "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": -1,
"blocksize": 0}, "fill_value": "AAAAAAAA8D8=", "order": "F", "filters": [{"id": "fixedscaleoffset", "offset": 1.5, "scale": 10, "dtype": ">f8", "astype":
"<i2"}, {"id": "delta", "dtype": "<i2"}], "dimension_separator": "/", "_ARRAY_DIMENSIONS": ["y", "x"]})",
    R"({"zarr_format": 2, "shape": [], "chunks": [], "dtype": "|u1", "compressor": {"id": "zstd", "level": 1}, "fill_value": "0x7f", "order": "C", "filters": null})",
    R"({"zarr_format": 2, "shape": [2], "chunks": [1], "dtype": [["a", "<i4"]], "compressor": {"id": "lz4"}, "fill_value": [1, "Infinity"], "order": "C"})",
    R"({"zarr_format": 2, "shape": [3], "chunks": [2], "dtype": "<U2", "compressor": null, "fill_value": 0, "order": "C", "filters": null})"};

std::string mutated_json(std::mt19937_64& random) {
  static const std::vector<std::string> kParts = {"-1", "1e999", "18446744073709551616", "9223372036854775807", "null", "[]", "{}", "\"\"", "NaN", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
                                                  "[[[[[[[[", "\"bytes\"", "\"zstd\"", "{\"name\": \"sharding_indexed\"}", "\\u0000", "4611686018427387904", "\"<M8[\"", "\"0x\"", "true"};
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::string out = kZarr[pick(std::size(kZarr))];
  for (std::size_t times = pick(5); times > 0 && !out.empty(); --times) {
    const std::size_t at = pick(out.size());
    switch (pick(6)) {
      case 0: out[at] = static_cast<char>(random()); break;
      case 1: out[at] = "0123456789-+.eE[]{}:,\"<>"[pick(24)]; break;
      case 2: out.resize(at + 1); break;
      case 3: out.insert(at, out.substr(pick(out.size()), pick(60))); break;
      case 4: {  // a value becomes another
        const std::size_t colon = out.find(": ", at);
        if (colon != std::string::npos) out.replace(colon + 2, std::min(out.find_first_of(",}]", colon), out.size()) - colon - 2, kParts[pick(kParts.size())]);
        break;
      }
      default: out.erase(at, pick(20)); break;
    }
  }
  out += '\0';
  for (std::size_t n = pick(200); n > 0; --n) out += static_cast<char>(random());
  return out;
}

TEST(ZarrMetadata, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 20000;
  std::mt19937_64 random(20240608);
  for (long i = 0; i < rounds; ++i) {
    const std::string input = mutated_json(random);
    look_at_zarr(reinterpret_cast<const unsigned char*>(input.data()), input.size());
  }
}

/// Files of ours, of several layouts and compressions, with everything that metadata can be.
std::vector<std::string> tiffs() {
  std::vector<std::string> out;
  const testing_files::Folder folder;
  const std::string path = folder / "seed.tif";
  for (const char* compressor : {"none", "lzw", "deflate", "packbits", "lzma"}) {
    for (const Shape& chunks : {Shape{16, 16}, Shape{7, 40}, Shape{3, 16, 32}}) {
      WriteRequest request{.path = path, .overwrite = true};
      request.attributes = {{"nodata", std::int64_t{7}, ""}, {"crs", std::string("EPSG:32633"), ""}, {"scale", 0.5, ""},
                            {"GeoTransform", std::vector<double>{1, 2, 0, 3, 0, -4}, ""}, {"title", std::string("a < b"), ""},
                            {"band_names", std::vector<std::string>{"r", "g", "b"}, ""}};
      request.packing.chunks = chunks;
      request.packing.compressor = compressor;
      const Spec spec{{3, 30, 40}, out.size() % 2 == 0 ? DType::kInt16 : DType::kFloat32};
      std::vector<std::byte> data(static_cast<std::size_t>(spec.bytes()));
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i / 7);
      const auto sink = create_sink(spec, request);
      sink->create();
      std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(Box(spec.shape))));
      Scratch scratch(memory);
      sink->write(Box(spec.shape), View::contiguous(data.data(), spec.dtype, spec.shape), scratch, Cancel());
      sink->finish();
      out.push_back(testing_files::get(path));
    }
  }
  return out;
}

TEST(TiffFuzz, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 10000;
  const auto inputs = tiffs();
  std::mt19937_64 random(20240609);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (long i = 0; i < rounds; ++i) {
    std::string file = inputs[pick(inputs.size())];
    // The directory is what follows the last tile; its offset is in the header.
    std::uint32_t at = 0;
    for (std::size_t k = 0; k < 4; ++k) at |= static_cast<std::uint32_t>(static_cast<unsigned char>(file[4 + k])) << (8 * k);
    for (std::size_t times = pick(5); times > 0; --times) {
      const std::size_t entry = std::min(file.size() - 1, at + 2 + 12 * pick(20) + pick(12));
      switch (pick(6)) {
        case 0: file[pick(file.size())] = static_cast<char>(random()); break;
        case 1: file[entry] = static_cast<char>(random()); break;
        case 2: file[entry] = static_cast<char>("\0\1\2\3\4\7\x10\x7f\x80\xff"[pick(10)]); break;
        case 3: file.resize(std::max<std::size_t>(8, pick(file.size()))); break;
        case 4: file[pick(8)] = "IM*+\0\x08\xff\x10"[pick(8)]; break;
        default: file[std::min(file.size() - 1, at + pick(500))] = static_cast<char>(random()); break;
      }
    }
    look_at_tiff(reinterpret_cast<const unsigned char*>(file.data()), file.size());
  }
}

}  // namespace
}  // namespace freestone::formats
