#include "freestone/formats/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::put;

std::string npy(const std::string& dict, int version = 1, std::size_t data = 0) {
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(dict.size() >> (8 * i) & 0xff);
  return out + dict + std::string(data, '\1');
}

npy::Header header_of(const std::string& file) { return npy::read_header(MemoryReader("a.npy", std::as_bytes(std::span(file)))); }

TEST(NpyRead, KnowsVersionsOneToThreeAndAnySpacing) {
  for (const int version : {1, 2, 3}) {
    const npy::Header h = header_of(npy("{ \"shape\" :( 3L ,4),'fortran_order':False ,'descr':'>i2'}\n", version, 24));
    EXPECT_EQ(h.shape, (Shape{3, 4}));
    EXPECT_EQ(h.dtype, DType::kInt16);
    EXPECT_EQ(h.order, ByteOrder::kBig);
  }
  EXPECT_EQ(header_of(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", 1, 1)).shape.rank(), 0);
  EXPECT_EQ(header_of(npy("{'descr': '<c16', 'fortran_order': True, 'shape': (2,), }", 1, 32)).dtype, DType::kComplex128);
}

TEST(NpyRead, GivesFortranOrderReversed) {
  const Folder folder;
  put(folder / "f.npy", npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 1, 6));
  const Contents contents = open_file(folder / "f.npy");
  EXPECT_EQ(contents.variables[0].source->spec().shape, (Shape{3, 2}));
  ASSERT_EQ(contents.variables[0].attributes.size(), 1u);
  EXPECT_EQ(contents.variables[0].attributes[0].key, "fortran_order");
}

TEST(NpyRead, HalvesBecomeFloat32) {
  const Folder folder;
  put(folder / "h.npy", npy("{'descr': '>f2', 'fortran_order': False, 'shape': (3,), }") + std::string("\x3c\x00\xc2\x00\x7c\x00", 6));
  const Contents contents = open_file(folder / "h.npy");
  const Source& source = *select_variable(contents, "").source;
  ASSERT_EQ(source.spec(), (Spec{{3}, DType::kFloat32}));
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(Box(Shape{3}))));
  float out[3];
  source.fetch(Box(Shape{3}), encoded, Cancel());
  source.decode(Box(Shape{3}), encoded, View::contiguous(out, DType::kFloat32, {3}), Cancel());
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], -3.0f);
  EXPECT_EQ(out[2], INFINITY);
}

TEST(NpyRead, RefusesHostileHeaders) {
  const std::pair<std::string, const char*> kCases[] = {
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }", 1, 80), "needs 745 GiB"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 4000000000, 4000000000), }", 1, 80), "more than 2^63"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "whole number"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"), "-1 elements"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9223372036854775807, 4), }"), "more than 2^63"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }", 1, 8), "16 axes"},
      {npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 1, 8), "'|O'"},
      {npy("{'descr': '<f2', 'fortran_order': False, 'shape': (5,), }", 1, 8), "needs 10 B"},
      {npy("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", 1, 16), "'<f16'"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 1, 8), "structured"},
      {npy("{'descr': '<f8', 'fortran_order': False}", 1, 8), "missing"},
      {npy("{'descr': '<f8', 'fortran_order': maybe, 'shape': (1,)}", 1, 8), "True or False"},
      {npy("{'descr': '<f8"), "does not end"},
      {npy("{'evil': __import__('os')}"), "entry 'evil'"},
      {npy("{'descr': __import__('os')}"), "quoted string"},
      {npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } and more", 1, 8), "nothing more"},
      {npy("", 9), "version 9"},
      {std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f{}", 14), "longer than the file"},
      {std::string("\x93NUMPY"), "too few"},
      {"not at all an npy", "not an npy"},
  };
  for (const auto& [file, says] : kCases) {
    const Error error = error_of([&] { header_of(file); });
    EXPECT_TRUE(error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kUser);
    EXPECT_SAYS(error, says);
    EXPECT_SAYS(error, "a.npy");
  }
}

}  // namespace
}  // namespace freestone::formats
