/// Records of CASA's tables: names with values, nested, in the byte form that casacore calls AipsIO.
///
/// All numbers are big-endian. An object is its length (this field counted), the name of its kind, a version and its content; the first
/// object of a file stands behind a magic number. Every length is checked against what is there before anything is made of it, and
/// records nest only so deep.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "freestone/storage/file.h"

namespace freestone::formats::casa {

/// casacore's numbers for types of values; arrays of a type have that of their elements and kArrayStep more.
enum class Type : int {
  kBool = 0, kChar = 1, kUchar = 2, kShort = 3, kUshort = 4, kInt = 5, kUint = 6, kFloat = 7, kDouble = 8, kComplex = 9, kDcomplex = 10,
  kString = 11, kTable = 12, kRecord = 25, kInt64 = 29,
};
inline constexpr int kArrayStep = 13, kArrayOfInt64 = 30;

class Record;

/// An array of numbers; the first axis runs fastest.
struct Numbers {
  Type type = Type::kDouble;
  std::vector<Index> shape;
  std::vector<double> values;  ///< of complex numbers real and imaginary parts in turn
};
struct Texts {
  std::vector<Index> shape;
  std::vector<std::string> values;
};
/// The name of a table that belongs to this one: "././mask0" is a folder in the table's own.
struct TableName {
  std::string name;
};

using Value =
    std::variant<bool, std::int64_t, double, std::complex<double>, std::string, TableName, Numbers, Texts, std::shared_ptr<Record>>;

class Record {
 public:
  struct Field {
    std::string name;
    Value value;
  };
  std::vector<Field> fields;

  void set(std::string name, Value value) { fields.push_back({std::move(name), std::move(value)}); }
  const Value* find(std::string_view name) const;
  /// Null: none of that name, or something else.
  const Record* record(std::string_view name) const;
  const Numbers* numbers(std::string_view name) const;
  const Texts* texts(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  std::string text(std::string_view name) const;  ///< "" when there is none
};

/// Reads AipsIO in memory, never beyond the object that it is in.
class AipsReader {
 public:
  /// @param file for messages
  AipsReader(std::string file, std::string_view bytes) : file_(std::move(file)), bytes_(bytes), end_(static_cast<Index>(bytes.size())) {}

  /// An object's content, until `leave`.
  struct Object {
    std::string kind;
    Index version = 0;
    Index end_before = 0, end = 0;
  };
  /// The magic number that a file begins with.
  void magic();
  /// @throws Error kind data: the next object is of another kind than `kind`, unless that is empty, or longer than what it lies in
  Object enter(std::string_view kind = {});
  /// Goes behind the object, whatever is left of it.
  void leave(const Object& object);

  bool boolean();
  std::int32_t int32();
  std::uint32_t uint32();
  std::int64_t int64();
  double number(Type type);  ///< of a type that is no complex, text, table or record
  std::string text();
  /// Goes over `bytes`.
  void skip(Index bytes);
  std::vector<Index> position();  ///< an IPosition
  std::vector<std::int64_t> block(bool wide);  ///< a Block of whole numbers of 32 or 64 bits
  /// An object of kind "TableRecord" or "Record".
  Record record();
  /// One value of a type, without a description: the default of a column.
  void skip_value(int type);

  Index at() const { return at_; }
  Index left() const { return end_ - at_; }
  const std::string& file() const { return file_; }
  [[noreturn]] void damaged(const std::string& why) const;

 private:
  struct Described {
    std::string name;
    int type = 0;
  };
  template <class T>
  T whole();
  std::vector<Described> description();
  Value value(int type);
  Value array(Type type);
  Index count_of(std::uint32_t n, Index bytes_each);

  std::string file_;
  std::string_view bytes_;
  Index at_ = 0, end_;
  int depth_ = 0;
};

/// Makes AipsIO.
class AipsWriter {
 public:
  const std::string& bytes() const { return bytes_; }
  void magic() { uint32(0xbebebebe); }
  /// Begins an object; `leave(enter(...))` closes it.
  std::size_t enter(std::string_view kind, std::uint32_t version);
  void leave(std::size_t object);
  void boolean(bool value) { bytes_ += static_cast<char>(value ? 1 : 0); }
  void uint32(std::uint32_t value) { put(value, 4); }
  void int32(std::int32_t value) { put(static_cast<std::uint32_t>(value), 4); }
  void int64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }
  void float32(float value);
  void float64(double value);
  void text(std::string_view value);
  void position(const std::vector<Index>& values);
  void record(const Record& record, std::string_view kind = "TableRecord");

 private:
  void put(std::uint64_t value, int bytes);
  void describe(const Record& record);
  void value(const Value& value);
  std::string bytes_;
};

}  // namespace freestone::formats::casa
