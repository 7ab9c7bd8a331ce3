#include "freestone/formats/casa_record.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace freestone::formats::casa {
namespace {

// casacore nests coordinates five deep.
constexpr int kDeepest = 32;
constexpr std::uint32_t kMagic = 0xbebebebe;

/// Bytes of one number in AipsIO; 0: it is none.
Index width_of(Type type) {
  switch (type) {
    case Type::kBool: case Type::kChar: case Type::kUchar: return 1;
    case Type::kShort: case Type::kUshort: return 2;
    case Type::kInt: case Type::kUint: case Type::kFloat: return 4;
    case Type::kDouble: case Type::kComplex: case Type::kInt64: return 8;
    case Type::kDcomplex: return 16;
    default: return 0;
  }
}

/// The type of an array's elements; none when it is no array.
std::optional<Type> element_of(int type) {
  if (type == kArrayOfInt64) return Type::kInt64;
  if (type < kArrayStep) return std::nullopt;
  const int element = type - kArrayStep;
  if (element < static_cast<int>(Type::kBool) || element > static_cast<int>(Type::kString)) return std::nullopt;
  return static_cast<Type>(element);
}

std::string_view name_in_arrays(Type type) {
  switch (type) {
    case Type::kBool: return "Bool";
    case Type::kInt: return "Int";
    case Type::kUint: return "uInt";
    case Type::kFloat: return "float";
    case Type::kInt64: return "Int64";
    case Type::kString: return "String";
    default: return "double";
  }
}

/// casacore's number for the type of a value.
int type_of(const Value& value) {
  struct Visitor {
    int operator()(bool) const { return static_cast<int>(Type::kBool); }
    int operator()(std::int64_t v) const {
      const bool fits = v >= std::numeric_limits<std::int32_t>::min() && v <= std::numeric_limits<std::int32_t>::max();
      return static_cast<int>(fits ? Type::kInt : Type::kInt64);
    }
    int operator()(double) const { return static_cast<int>(Type::kDouble); }
    int operator()(const std::complex<double>&) const { return static_cast<int>(Type::kDcomplex); }
    int operator()(const std::string&) const { return static_cast<int>(Type::kString); }
    int operator()(const TableName&) const { return static_cast<int>(Type::kTable); }
    int operator()(const Numbers& v) const { return v.type == Type::kInt64 ? kArrayOfInt64 : static_cast<int>(v.type) + kArrayStep; }
    int operator()(const Texts&) const { return static_cast<int>(Type::kString) + kArrayStep; }
    int operator()(const std::shared_ptr<Record>&) const { return static_cast<int>(Type::kRecord); }
  };
  return std::visit(Visitor(), value);
}

template <class T>
const T* held_in(const Value* value) {
  return value == nullptr ? nullptr : std::get_if<T>(value);
}

}  // namespace

const Value* Record::find(std::string_view name) const {
  const auto at = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return at == fields.end() ? nullptr : &at->value;
}

const Record* Record::record(std::string_view name) const {
  const auto* held = held_in<std::shared_ptr<Record>>(find(name));
  return held == nullptr ? nullptr : held->get();
}
const Numbers* Record::numbers(std::string_view name) const { return held_in<Numbers>(find(name)); }
const Texts* Record::texts(std::string_view name) const { return held_in<Texts>(find(name)); }

std::optional<double> Record::number(std::string_view name) const {
  const Value* value = find(name);
  if (const auto* v = held_in<double>(value)) return *v;
  if (const auto* v = held_in<std::int64_t>(value)) return static_cast<double>(*v);
  return std::nullopt;
}

std::string Record::text(std::string_view name) const {
  const auto* held = held_in<std::string>(find(name));
  return held == nullptr ? std::string() : *held;
}

void AipsReader::damaged(const std::string& why) const {
  fail(ErrorKind::kData, "{}: at offset {} {}. It is damaged, or was cut short.", file_, at_, why);
}

template <class T>
T AipsReader::whole() {
  if (left() < static_cast<Index>(sizeof(T))) damaged(fmt::format("{} bytes are expected where {} are left", sizeof(T), left()));
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(static_cast<T>(value << 4 << 4) | static_cast<unsigned char>(bytes_[static_cast<std::size_t>(at_) + i]));
  }
  at_ += static_cast<Index>(sizeof(T));
  return value;
}

bool AipsReader::boolean() { return whole<std::uint8_t>() != 0; }
std::uint32_t AipsReader::uint32() { return whole<std::uint32_t>(); }
std::int32_t AipsReader::int32() { return static_cast<std::int32_t>(uint32()); }
std::int64_t AipsReader::int64() { return static_cast<std::int64_t>(whole<std::uint64_t>()); }

double AipsReader::number(Type type) {
  switch (type) {
    case Type::kBool: return boolean() ? 1 : 0;
    case Type::kChar: return static_cast<std::int8_t>(whole<std::uint8_t>());
    case Type::kUchar: return whole<std::uint8_t>();
    case Type::kShort: return static_cast<std::int16_t>(whole<std::uint16_t>());
    case Type::kUshort: return whole<std::uint16_t>();
    case Type::kInt: return int32();
    case Type::kUint: return uint32();
    case Type::kFloat: return static_cast<double>(std::bit_cast<float>(uint32()));
    case Type::kDouble: return std::bit_cast<double>(whole<std::uint64_t>());
    case Type::kInt64: return static_cast<double>(int64());
    default: damaged(fmt::format("a number has the type {}", static_cast<int>(type)));
  }
}

std::string AipsReader::text() {
  const std::uint32_t length = uint32();
  if (static_cast<Index>(length) > left()) damaged(fmt::format("a text of {} bytes is announced where {} are left", length, left()));
  std::string out(bytes_.substr(static_cast<std::size_t>(at_), length));
  at_ += static_cast<Index>(length);
  return out;
}

void AipsReader::skip(Index bytes) {
  if (bytes < 0 || bytes > left()) damaged(fmt::format("{} bytes are announced where {} are left", bytes, left()));
  at_ += bytes;
}

void AipsReader::magic() {
  if (left() < 4 || uint32() != kMagic) {
    fail(ErrorKind::kData, "{}: it does not begin as the tables of CASA do (0xbebebebe). It is damaged, or was cut short.", file_);
  }
}

AipsReader::Object AipsReader::enter(std::string_view kind) {
  const Index start = at_;
  const Index length = static_cast<Index>(uint32());
  if (length < 12 || length > end_ - start) {
    damaged(fmt::format("an object of {} bytes is announced where {} are left", length, end_ - start));
  }
  Object object{.end_before = end_, .end = start + length};
  end_ = object.end;
  object.kind = text();
  object.version = static_cast<Index>(uint32());
  if (!kind.empty() && object.kind != kind) damaged(fmt::format("'{}' is expected, not '{}'", kind, object.kind.substr(0, 40)));
  if (++depth_ > kDeepest) damaged(fmt::format("objects lie in each other more than {} deep", kDeepest));
  return object;
}

void AipsReader::leave(const Object& object) {
  at_ = object.end;
  end_ = object.end_before;
  --depth_;
}

Index AipsReader::count_of(std::uint32_t n, Index bytes_each) {
  if (static_cast<Index>(n) > left() / bytes_each) damaged(fmt::format("{} values are announced where {} bytes are left", n, left()));
  return static_cast<Index>(n);
}

std::vector<Index> AipsReader::position() {
  const Object object = enter("IPosition");
  const bool wide = object.version >= 2;
  std::vector<Index> out(static_cast<std::size_t>(count_of(uint32(), wide ? 8 : 4)));
  for (Index& value : out) value = wide ? int64() : int32();
  leave(object);
  return out;
}

std::vector<std::int64_t> AipsReader::block(bool wide) {
  const Object object = enter("Block");
  std::vector<std::int64_t> out(static_cast<std::size_t>(count_of(uint32(), wide ? 8 : 4)));
  for (std::int64_t& value : out) value = wide ? int64() : static_cast<std::int64_t>(uint32());
  leave(object);
  return out;
}

std::vector<AipsReader::Described> AipsReader::description() {
  const Object object = enter("RecordDesc");
  // A field takes twelve bytes at the least: two texts and a number.
  std::vector<Described> fields(static_cast<std::size_t>(count_of(uint32(), 12)));
  for (Described& field : fields) {
    field.name = text();
    field.type = int32();
    if (field.type == static_cast<int>(Type::kRecord)) {
      description();  // of fixed sub-records; their values say again what they hold
    } else if (element_of(field.type)) {
      position();
    } else if (field.type == static_cast<int>(Type::kTable)) {
      text();
    }
    if (object.version >= 2) text();
  }
  leave(object);
  return fields;
}

Value AipsReader::array(Type type) {
  const Object object = enter();
  if (!object.kind.starts_with("Array")) damaged(fmt::format("an array is expected, not '{}'", object.kind.substr(0, 40)));
  const Index rank = count_of(uint32(), 4);
  if (rank > kMaxRank) damaged(fmt::format("an array has {} axes", rank));
  if (object.version < 3) skip(4 * rank);  // of each axis where it begins
  std::vector<Index> shape(static_cast<std::size_t>(rank));
  Index product = rank == 0 ? 0 : 1;
  for (Index& extent : shape) {
    extent = int32();
    if (extent < 0 || __builtin_mul_overflow(product, extent, &product)) damaged(fmt::format("an axis of an array has {} elements", extent));
  }
  const Index width = type == Type::kString ? 4 : width_of(type);
  const std::uint32_t announced = uint32();
  // Of booleans eight are in a byte.
  const Index count = type == Type::kBool ? static_cast<Index>(announced) : count_of(announced, width);
  if (count != product) damaged(fmt::format("an array of {} elements has {}", product, count));
  Value out;
  if (type == Type::kString) {
    Texts texts{std::move(shape), {}};
    for (Index i = 0; i < count; ++i) texts.values.push_back(text());
    out = std::move(texts);
  } else if (type == Type::kBool) {
    if ((count + 7) / 8 > left()) damaged(fmt::format("{} values are announced where {} bytes are left", count, left()));
    Numbers numbers{type, std::move(shape), {}};
    for (Index i = 0; i < count; ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[static_cast<std::size_t>(at_ + i / 8)]);
      numbers.values.push_back(byte >> (i % 8) & 1);
    }
    out = std::move(numbers);
  } else {
    const bool complex = type == Type::kComplex || type == Type::kDcomplex;
    const Type part = type == Type::kComplex ? Type::kFloat : type == Type::kDcomplex ? Type::kDouble : type;
    Numbers numbers{type, std::move(shape), {}};
    for (Index i = 0; i < count * (complex ? 2 : 1); ++i) numbers.values.push_back(number(part));
    out = std::move(numbers);
  }
  leave(object);
  return out;
}

Value AipsReader::value(int type) {
  if (const auto element = element_of(type)) return array(*element);
  switch (static_cast<Type>(type)) {
    case Type::kBool: return boolean();
    case Type::kFloat: case Type::kDouble: return number(static_cast<Type>(type));
    case Type::kChar: case Type::kUchar: case Type::kShort: case Type::kUshort: case Type::kInt: case Type::kUint:
      return static_cast<std::int64_t>(number(static_cast<Type>(type)));
    case Type::kInt64: return int64();
    case Type::kComplex: case Type::kDcomplex: {
      const Type part = static_cast<Type>(type) == Type::kComplex ? Type::kFloat : Type::kDouble;
      const double real = number(part);
      return std::complex<double>(real, number(part));
    }
    case Type::kString: return text();
    case Type::kTable: return TableName{text()};
    case Type::kRecord: return std::make_shared<Record>(record());
  }
  damaged(fmt::format("a value has the type {}, which is none", type));
}

void AipsReader::skip_value(int type) { value(type); }

Record AipsReader::record() {
  const Object object = enter();
  if (object.kind != "TableRecord" && object.kind != "Record") damaged(fmt::format("a record is expected, not '{}'", object.kind.substr(0, 40)));
  const std::vector<Described> fields = description();
  int32();  // whether its fields are fixed
  Record out;
  for (const Described& field : fields) out.set(field.name, value(field.type));
  leave(object);
  return out;
}

void AipsWriter::put(std::uint64_t value, int bytes) {
  for (int i = bytes; i-- > 0;) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
}
void AipsWriter::float32(float value) { put(std::bit_cast<std::uint32_t>(value), 4); }
void AipsWriter::float64(double value) { put(std::bit_cast<std::uint64_t>(value), 8); }

void AipsWriter::text(std::string_view value) {
  uint32(static_cast<std::uint32_t>(value.size()));
  bytes_ += value;
}

std::size_t AipsWriter::enter(std::string_view kind, std::uint32_t version) {
  const std::size_t object = bytes_.size();
  uint32(0);
  text(kind);
  uint32(version);
  return object;
}

void AipsWriter::leave(std::size_t object) {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - object);
  for (std::size_t i = 0; i < 4; ++i) bytes_[object + i] = static_cast<char>(length >> (8 * (3 - i)) & 0xff);
}

void AipsWriter::position(const std::vector<Index>& values) {
  const bool wide = std::any_of(values.begin(), values.end(), [](Index v) { return v > std::numeric_limits<std::int32_t>::max(); });
  const std::size_t object = enter("IPosition", wide ? 2 : 1);
  uint32(static_cast<std::uint32_t>(values.size()));
  for (const Index value : values) wide ? int64(value) : int32(static_cast<std::int32_t>(value));
  leave(object);
}

void AipsWriter::describe(const Record& record) {
  const std::size_t object = enter("RecordDesc", 2);
  uint32(static_cast<std::uint32_t>(record.fields.size()));
  for (const Record::Field& field : record.fields) {
    const int type = type_of(field.value);
    text(field.name);
    int32(type);
    if (type == static_cast<int>(Type::kRecord)) {
      describe(Record());
    } else if (element_of(type)) {
      position({-1});
    } else if (type == static_cast<int>(Type::kTable)) {
      text("");
    }
    text("");
  }
  leave(object);
}

void AipsWriter::value(const Value& value) {
  struct Visitor {
    AipsWriter& to;
    void shape(const std::vector<Index>& shape, std::size_t count) const {
      to.uint32(static_cast<std::uint32_t>(shape.size()));
      for (const Index extent : shape) to.int32(static_cast<std::int32_t>(extent));
      to.uint32(static_cast<std::uint32_t>(count));
    }
    void operator()(bool v) const { to.boolean(v); }
    void operator()(std::int64_t v) const {
      type_of(Value(v)) == static_cast<int>(Type::kInt) ? to.int32(static_cast<std::int32_t>(v)) : to.int64(v);
    }
    void operator()(double v) const { to.float64(v); }
    void operator()(const std::complex<double>& v) const { to.float64(v.real()), to.float64(v.imag()); }
    void operator()(const std::string& v) const { to.text(v); }
    void operator()(const TableName& v) const { to.text(v.name); }
    void operator()(const std::shared_ptr<Record>& v) const { to.record(*v); }
    void operator()(const Texts& v) const {
      const std::size_t object = to.enter("Array<String>", 3);
      shape(v.shape, v.values.size());
      for (const std::string& text : v.values) to.text(text);
      to.leave(object);
    }
    void operator()(const Numbers& v) const {
      const std::size_t object = to.enter(fmt::format("Array<{}>", name_in_arrays(v.type)), 3);
      shape(v.shape, v.values.size());
      for (const double number : v.values) {
        if (v.type == Type::kFloat) to.float32(static_cast<float>(number));
        else if (v.type == Type::kInt) to.int32(static_cast<std::int32_t>(number));
        else if (v.type == Type::kUint) to.uint32(static_cast<std::uint32_t>(number));
        else if (v.type == Type::kInt64) to.int64(static_cast<std::int64_t>(number));
        else to.float64(number);
      }
      to.leave(object);
    }
  };
  std::visit(Visitor{*this}, value);
}

void AipsWriter::record(const Record& record, std::string_view kind) {
  const std::size_t object = enter(kind, 1);
  describe(record);
  int32(1);  // fields may be added
  for (const Record::Field& field : record.fields) value(field.value);
  leave(object);
}

}  // namespace freestone::formats::casa
