#include "freestone/formats/netcdf3_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "freestone/base/utf8.h"
#include "freestone/formats/attribute_numbers.h"

namespace freestone::formats::netcdf3 {
namespace {

// Attributes of some megabytes are known (histories); what is larger is none.
constexpr Index kLargestHeader = Index{32} << 20;
constexpr Index kMostOfAKind = 100'000;
constexpr Index kLargestVariable = Index{1} << 62;

enum Tag : std::uint32_t { kAbsent = 0, kDimensions = 0x0a, kVariables = 0x0b, kAttributes = 0x0c };

struct TypeRow {
  DType dtype;
  std::string_view comment;  ///< of attributes; "" for what a number without one becomes
};
constexpr TypeRow kTypes[] = {{DType::kInt8, "int8"},     {DType::kUint8, ""},       {DType::kInt16, "int16"},   {DType::kInt32, ""},
                              {DType::kFloat32, "float32"}, {DType::kFloat64, ""},     {DType::kUint8, "uint8"},   {DType::kUint16, "uint16"},
                              {DType::kUint32, "uint32"},   {DType::kInt64, "int64"},  {DType::kUint64, "uint64"}};

const TypeRow& row_of(Type type) { return kTypes[static_cast<std::size_t>(type) - 1]; }

/// Text as UTF-8: older files hold Latin-1. Zeros at the end are C's.
std::string text_from(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return as_utf8(text);
}

template <class T>
T number_at(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) {
    char* const raw = reinterpret_cast<char*>(&value);
    std::reverse(raw, raw + sizeof(T));
  }
  return value;
}

/// Walks the header; the file is read in blocks.
class Scanner {
 public:
  explicit Scanner(const ByteReader& reader) : reader_(reader) {}

  Index at() const { return at_; }
  const std::string& file() const { return reader_.name(); }
  int version = 1;

  std::uint32_t word(const char* what) { return number_at<std::uint32_t>(take(4, what)); }
  /// A count or a length: 32 bits, in CDF-5 64.
  Index count(const char* what) { return version == 5 ? long_count(what) : Index{word(what)}; }
  void skip_count(const char* what) { take(version == 5 ? 8 : 4, what); }
  /// Where a variable begins.
  Index offset(const char* what) { return version == 1 ? Index{word(what)} : long_count(what); }
  /// The number of records; -1: it is not known, the writer was streaming.
  Index records() {
    const char* const bytes = take(version == 5 ? 8 : 4, "the number of records");
    if (std::all_of(bytes, bytes + (version == 5 ? 8 : 4), [](char c) { return c == '\xff'; })) return -1;
    at_ -= version == 5 ? 8 : 4;
    return count("the number of records");
  }
  std::string name(const char* what) {
    const Index length = count(what);
    check_room(length, what);
    std::string text = text_from(std::string(take(padded(length), what), static_cast<std::size_t>(length)));
    if (text.empty()) damaged(fmt::format("{} is empty", what));
    return text;
  }
  /// The entries of a list, of `least` bytes each.
  Index list(Tag tag, const char* what, Index least) {
    const Index begin = at_;
    const std::uint32_t found = word(what);
    const Index entries = count(what);
    if (found != tag && (found != kAbsent || entries != 0)) {
      fail(ErrorKind::kData, "{}: {}: the list at offset {} has the tag {} where {} is expected. The header is damaged.", file(), what, begin, found,
           static_cast<std::uint32_t>(tag));
    }
    if (entries > (reader_.size() - at_) / least) {
      fail(ErrorKind::kData, "{}: {}: {} at offset {} do not fit into the file ({} bytes). The header is damaged, or the file was cut short.", file(),
           what, entries, begin, reader_.size());
    }
    return entries;
  }
  Attribute attribute() {
    Attribute out{.key = name("the name of an attribute")};
    const Type type = this->type("an attribute");
    const Index values = count("the values of an attribute");
    const Index width = type == Type::kChar ? 1 : size_of(dtype_of(type));
    check_room(values > reader_.size() / width ? reader_.size() : values * width, "the values of an attribute");
    const char* const bytes = take(padded(values * width), "the values of an attribute");
    out.comment = row_of(type).comment;
    switch (type) {
      case Type::kChar: out.value = text_from(std::string(bytes, static_cast<std::size_t>(values))); break;
      case Type::kByte: set_whole<std::int8_t>(out, bytes, values); break;
      case Type::kShort: set_whole<std::int16_t>(out, bytes, values); break;
      case Type::kInt: set_whole<std::int32_t>(out, bytes, values); break;
      case Type::kUbyte: set_whole<std::uint8_t>(out, bytes, values); break;
      case Type::kUshort: set_whole<std::uint16_t>(out, bytes, values); break;
      case Type::kUint: set_whole<std::uint32_t>(out, bytes, values); break;
      case Type::kInt64: set_whole<std::int64_t>(out, bytes, values); break;
      case Type::kFloat: set_list(out, numbers<float, double>(bytes, values)); break;
      case Type::kDouble: set_list(out, numbers<double, double>(bytes, values)); break;
      case Type::kUint64: {
        auto all = numbers<std::uint64_t, std::uint64_t>(bytes, values);
        out.value = all.size() == 1 ? whole_value(all.front()) : whole_value(std::move(all));
        break;
      }
    }
    return out;
  }
  std::vector<Attribute> attributes(const char* what) {
    std::vector<Attribute> out;
    for (Index left = list(kAttributes, what, version == 5 ? 20 : 12); left > 0; --left) out.push_back(attribute());
    return out;
  }
  Type type(const char* what) {
    const std::uint32_t number = word(what);
    const std::uint32_t last = version == 5 ? 11 : 6;
    if (number < 1 || number > last) damaged(fmt::format("the type of {} is {} (1 to {} are types)", what, number, last));
    return static_cast<Type>(number);
  }
  [[noreturn]] void damaged(const std::string& why) const {
    fail(ErrorKind::kData, "{}: {}, before offset {}. The header is damaged.", file(), why, at_);
  }

 private:
  Index long_count(const char* what) {
    const auto value = number_at<std::uint64_t>(take(8, what));
    if (value >> 62 != 0) damaged(fmt::format("{} is {}", what, value));
    return static_cast<Index>(value);
  }
  void check_room(Index bytes, const char* what) const {
    if (bytes > reader_.size() - at_) {
      fail(ErrorKind::kData, "{}: {} at offset {} needs {} bytes, the file ends at {}. It is damaged, or was cut short.", file(), what, at_, bytes,
           reader_.size());
    }
    if (bytes > kLargestHeader - at_) {
      fail(ErrorKind::kData, "{}: {} at offset {}: a header of more than {} is none. The file is damaged.", file(), what, at_,
           format_bytes(kLargestHeader));
    }
  }
  /// The next bytes, there until the next call.
  const char* take(Index bytes, const char* what) {
    check_room(bytes, what);
    if (at_ < block_begin_ || at_ + bytes > block_begin_ + static_cast<Index>(block_.size())) {
      block_.resize(static_cast<std::size_t>(std::min(std::max(bytes, Index{64} << 10), reader_.size() - at_)));
      reader_.read_exactly(at_, std::as_writable_bytes(std::span(block_)));
      block_begin_ = at_;
    }
    const char* const out = block_.data() + (at_ - block_begin_);
    at_ += bytes;
    return out;
  }
  template <class Stored, class T>
  static std::vector<T> numbers(const char* bytes, Index count) {
    std::vector<T> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(number_at<Stored>(bytes + i * sizeof(Stored)));
    return out;
  }
  template <class T>
  static void set_list(Attribute& out, std::vector<T> values) {
    if (values.size() == 1) {
      out.value = values[0];
    } else {
      out.value = std::move(values);
    }
  }
  template <class Stored>
  static void set_whole(Attribute& out, const char* bytes, Index count) {
    set_list(out, numbers<Stored, std::int64_t>(bytes, count));
  }

  const ByteReader& reader_;
  Index at_ = 0, block_begin_ = 0;
  std::vector<char> block_;
};

std::vector<int> dims_from(Scanner& in, const std::string& variable, std::size_t dims) {
  std::vector<int> out;
  const Index rank = in.count("the rank of a variable");
  for (Index k = 0; k < rank; ++k) {
    const Index number = in.count("a dimension of a variable");
    if (number >= static_cast<Index>(dims)) {
      in.damaged(fmt::format("variable '{}': axis {} is dimension {}, and there are {}", variable, k, number, dims));
    }
    out.push_back(static_cast<int>(number));
  }
  return out;
}

/// From the first byte of the records to behind the last element of one: the last padding of a file may be missing.
Index bytes_in_record(const Header& header, Index first) {
  Index end = first;
  for (const StoredVariable& variable : header.variables) {
    if (variable.is_record) end = std::max(end, variable.begin + variable.bytes);
  }
  return end - first;
}

/// As many records as the file has whole.
Index streamed_records(const Header& header, Index file_bytes) {
  Index first = std::numeric_limits<Index>::max();
  for (const StoredVariable& variable : header.variables) {
    if (variable.is_record) first = std::min(first, variable.begin);
  }
  if (header.record_bytes == 0 || first > file_bytes) return 0;
  const Index one = bytes_in_record(header, first), room = file_bytes - first;
  return room < one ? 0 : (room - one) / header.record_bytes + 1;
}

/// Every variable lies between the header and the end of the file.
void check_places(const std::string& file, const Header& header, Index header_bytes, Index file_bytes) {
  const Index records = header.records();
  for (const StoredVariable& variable : header.variables) {
    Index bytes = variable.bytes;
    if (bytes == 0 || (variable.is_record && records == 0)) continue;
    bool overflows = false;
    if (variable.is_record) {
      Index before = 0;
      overflows = __builtin_mul_overflow(records - 1, header.record_bytes, &before) || __builtin_add_overflow(before, bytes, &bytes);
    }
    if (variable.begin < header_bytes) {
      fail(ErrorKind::kData, "{}: variable '{}' begins at offset {}, inside the header ({} bytes). The header is damaged.", file, variable.name,
           variable.begin, header_bytes);
    }
    if (overflows || variable.begin > file_bytes || bytes > file_bytes - variable.begin) {
      fail(ErrorKind::kData, "{}: variable '{}' needs {} from offset {} on{}, the file ends at {}. The header is damaged, or the file was cut short.",
           file, variable.name, overflows ? "more than 2^63 bytes" : format_bytes(bytes), variable.begin,
           variable.is_record ? fmt::format(" ({} records)", records) : "", file_bytes);
    }
  }
}

}  // namespace

DType dtype_of(Type type) { return row_of(type).dtype; }

std::optional<Type> type_of(DType dtype) {
  if (dtype == DType::kBool) return Type::kByte;
  for (const Type type : {Type::kByte, Type::kShort, Type::kInt, Type::kFloat, Type::kDouble, Type::kUbyte, Type::kUshort, Type::kUint, Type::kInt64,
                          Type::kUint64}) {
    if (dtype_of(type) == dtype) return type;
  }
  return std::nullopt;
}

void Header::measure(const std::string& file, ErrorKind kind) {
  int record_variables = 0;
  Index unpadded = 0;
  record_bytes = 0;
  bool overflows = false;
  for (StoredVariable& variable : variables) {
    variable.is_record = !variable.dims.empty() && variable.dims[0] == record_dim && record_dim >= 0;
    variable.bytes = size_of(dtype_of(variable.type));
    for (std::size_t k = variable.is_record ? 1 : 0; k < variable.dims.size(); ++k) {
      const int dim = variable.dims[k];
      if (dim == record_dim) {
        fail(kind, "{}: variable '{}': '{}' is axis {}; in netCDF-3 a dimension that is unlimited or without elements can only be the first.", file,
             variable.name, dims[static_cast<std::size_t>(dim)].name, k);
      }
      overflows = __builtin_mul_overflow(variable.bytes, dims[static_cast<std::size_t>(dim)].length, &variable.bytes) || overflows;
      if (overflows || variable.bytes > kLargestVariable) {
        fail(kind, "{}: variable '{}' has more than 2^62 bytes.{}", file, variable.name, kind == ErrorKind::kData ? " The header is damaged." : "");
      }
    }
    if (!variable.is_record) continue;
    ++record_variables;
    unpadded = variable.bytes;
    overflows = __builtin_add_overflow(record_bytes, padded(variable.bytes), &record_bytes);
    if (overflows) fail(kind, "{}: variable '{}': a record has more than 2^62 bytes.", file, variable.name);
  }
  if (record_variables == 1) record_bytes = unpadded;
}

Header read_header(const ByteReader& reader) {
  Scanner in(reader);
  char magic[4] = {};
  if (reader.size() >= 4) reader.read_exactly(0, std::as_writable_bytes(std::span(magic)));
  if (std::memcmp(magic, "CDF", 3) != 0) fail(ErrorKind::kData, "{}: it is no netCDF-3 file: it does not begin with 'CDF'.", reader.name());
  in.word("magic");
  Header header;
  header.version = in.version = magic[3];
  if (header.version != 1 && header.version != 2 && header.version != 5) {
    fail(ErrorKind::kData, "{}: version {} of netCDF-3 is not known (1, 2 and 5 are).", reader.name(), header.version);
  }
  const Index records = in.records();

  const Index dims = in.list(kDimensions, "the dimensions", header.version == 5 ? 20 : 12);
  if (dims > kMostOfAKind) fail(ErrorKind::kUser, "{}: {} dimensions are more than Freestone handles ({}).", reader.name(), dims, kMostOfAKind);
  for (Index k = 0; k < dims; ++k) {
    Dimension dim;
    dim.name = in.name("the name of a dimension");
    dim.length = in.count("the length of a dimension");
    if (dim.length == 0) {
      if (header.record_dim >= 0) in.damaged(fmt::format("'{}' is a second record dimension", dim.name));
      header.record_dim = static_cast<int>(k);
    }
    header.dims.push_back(std::move(dim));
  }
  header.attributes = in.attributes("the attributes of the file");
  const Index variables = in.list(kVariables, "the variables", header.version == 5 ? 52 : 28);
  if (variables > kMostOfAKind) {
    fail(ErrorKind::kUser, "{}: {} variables are more than Freestone handles ({}).", reader.name(), variables, kMostOfAKind);
  }
  for (Index k = 0; k < variables; ++k) {
    StoredVariable variable;
    variable.name = in.name("the name of a variable");
    variable.dims = dims_from(in, variable.name, header.dims.size());
    variable.attributes = in.attributes("the attributes of a variable");
    variable.type = in.type("a variable");
    in.skip_count("the size of a variable");  // 32 bits do not hold it where it matters: the dimensions say it
    variable.begin = in.offset("the offset of a variable");
    header.variables.push_back(std::move(variable));
  }
  header.measure(reader.name(), ErrorKind::kData);
  if (header.record_dim >= 0) {
    header.dims[static_cast<std::size_t>(header.record_dim)].length = records >= 0 ? records : streamed_records(header, reader.size());
  }
  check_places(reader.name(), header, in.at(), reader.size());
  return header;
}

}  // namespace freestone::formats::netcdf3
