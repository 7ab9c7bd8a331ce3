// Any bytes at all as a netCDF-3 file: the header is read, or refused with an Error of kind data or user, and what it promises lies in the
// file; what was read is written again and read the same.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/netcdf3_test.cpp runs it on mutated files without.
#include <algorithm>

#include "answers.h"
#include "freestone/formats/netcdf3_header.h"

namespace {

using namespace freestone;
using namespace freestone::formats::netcdf3;
using fuzzing::require;

void look_at(const Header& header, Index file_bytes) {
  for (const StoredVariable& variable : header.variables) {
    require(!variable.name.empty(), "a variable without a name");
    for (const int dim : variable.dims) require(dim >= 0 && static_cast<std::size_t>(dim) < header.dims.size(), "a dimension that is not there");
    const Index records = variable.is_record ? header.records() : 1;
    if (records == 0 || variable.bytes == 0) continue;
    require(variable.begin >= 0 && variable.bytes <= file_bytes && variable.begin <= file_bytes - variable.bytes, "a variable outside the file");
    if (records > 1) {
      require(header.record_bytes >= variable.bytes, "records that lie on each other");
      require(records - 1 <= (file_bytes - variable.begin - variable.bytes) / header.record_bytes, "records outside the file");
    }
  }
}

}  // namespace

int look_at_netcdf3(const unsigned char* data, std::size_t size) {
  const MemoryReader reader("fuzz", std::as_bytes(std::span(data, size)));
  fuzzing::expect_answer_or_clear_error([&] {
    const Header header = read_header(reader);
    look_at(header, reader.size());
    std::string again = format_header(header);
    // As long as before, so that everything still has its place.
    again.resize(std::max(again.size(), size), '\0');
    try {
      const Header second = read_header(MemoryReader("again", std::as_bytes(std::span(again))));
      require(second.variables.size() == header.variables.size() && second.dims.size() == header.dims.size(), "written otherwise than read");
      for (std::size_t i = 0; i < header.variables.size(); ++i) {
        require(second.variables[i].bytes == header.variables[i].bytes && second.variables[i].name == header.variables[i].name, "a variable written otherwise");
      }
    } catch (const Error& error) {
      // Texts that were not UTF-8 are longer now, and the header may reach into the data.
      require(error.kind() == ErrorKind::kData, error.what());
    }
  });
  return 0;
}

#ifdef FREESTONE_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { return look_at_netcdf3(data, size); }
#endif
