// Any bytes at all as a TIFF file: it is opened and its small images are read, or there is an Error of kind data or user; nothing else
// happens.
// With clang: -fsanitize=fuzzer,address,undefined. tests/formats/fuzz_test.cpp runs it on mutated files without.
#include <sys/mman.h>
#include <unistd.h>

#include "answers.h"
#include "freestone/formats/tiff.h"

namespace {

using namespace freestone;
using fuzzing::require;

template <class F>
void expect_answer_or_clear_error(F&& f) {
  fuzzing::expect_answer_or_clear_error(f, [](const Error& error) {
    require(std::string(error.what()).find("fuzz.tif") != std::string::npos, error.what());
  });
}

void look_at(const Source& source) {
  constexpr Index kMost = Index{1} << 20;
  const Box box(source.spec().shape);
  double count = 1;
  for (const Index n : box.shape) count *= static_cast<double>(n);
  if (count * static_cast<double>(size_of(source.spec().dtype)) > static_cast<double>(kMost) || source.encoded_bytes(box) > 8 * kMost) return;
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box))), out(static_cast<std::size_t>(source.spec().bytes()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(out.data(), source.spec().dtype, box.shape), Cancel());
}

}  // namespace

int look_at_tiff(const unsigned char* data, std::size_t size) {
  const int descriptor = memfd_create("fuzz.tif", MFD_CLOEXEC);
  require(descriptor >= 0 && (size == 0 || write(descriptor, data, size) == static_cast<ssize_t>(size)), "no file in memory");
  const auto file = File::adopt(descriptor, "fuzz.tif", static_cast<Index>(size));
  expect_answer_or_clear_error([&] {
    const formats::Contents contents = formats::tiff::open(file);
    require(!contents.variables.empty(), "a file without images");
    int looked_at = 0;
    for (const formats::Variable& variable : contents.variables) {
      require(variable.source || !variable.note.empty(), "neither source nor note");
      if (!variable.source) continue;
      require(static_cast<int>(variable.dims.size()) == variable.source->spec().shape.rank(), "names of other axes");
      if (++looked_at <= 8) expect_answer_or_clear_error([&] { look_at(*variable.source); });
    }
  });
  return 0;
}

#ifdef FREESTONE_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) { return look_at_tiff(data, size); }
#endif
