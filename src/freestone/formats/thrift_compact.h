/// Thrift's compact protocol, which Parquet's headers are in: values by field numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"

namespace freestone::formats::thrift {

enum class Type : std::uint8_t { kStop = 0, kTrue = 1, kFalse = 2, kByte = 3, kI16 = 4, kI32 = 5, kI64 = 6, kDouble = 7, kBinary = 8, kList = 9, kSet = 10, kMap = 11, kStruct = 12 };

/// Reads from the start of some bytes. What is not asked for is passed over.
class Reader {
 public:
  Reader(std::string name, std::span<const std::byte> bytes) : name_(std::move(name)), bytes_(bytes) {}
  /// Bytes read so far.
  std::size_t position() const { return at_; }

  /// Calls `field(number, type)` for each field of a struct; it reads the value, or leaves it.
  void read_struct(const std::function<void(int field, Type type)>& field);
  /// Calls `element(type)` for each element of a list, which it must read or leave.
  void read_list(const std::function<void(Type type)>& element);
  /// A whole number of any width, or a truth value.
  std::int64_t read_number(Type type);
  std::string read_text(Type type);

 private:
  std::uint8_t byte();
  std::uint64_t varint();
  void pass_over(Type type);
  [[noreturn]] void fail_damaged(const char* what) const;
  std::string name_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// Writes structs: `begin`, fields in the order of their numbers, `end`.
class Writer {
 public:
  void begin() { last_.push_back(0); }
  void end();
  void number(int field, std::int64_t value, Type type);
  void text(int field, const std::string& value);
  /// A list follows as `count` elements.
  void list(int field, std::size_t count, Type element);
  void struct_field(int field);
  /// Elements of a list.
  void element(std::int64_t value) { varint(zigzag(value)); }
  void element(const std::string& value);
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  static std::uint64_t zigzag(std::int64_t value) { return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63); }
  void varint(std::uint64_t value);
  void header(int field, Type type);
  std::vector<std::byte> bytes_;
  std::vector<int> last_;
};

}  // namespace freestone::formats::thrift
