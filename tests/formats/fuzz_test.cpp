// The short form of the fuzzer: seeds and deterministic mutations. FREESTONE_FUZZ_ROUNDS makes it a long one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "freestone/formats/fits.h"
#include "freestone/formats/fits_table.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

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

}  // namespace
}  // namespace freestone::formats
