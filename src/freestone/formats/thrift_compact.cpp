#include "freestone/formats/thrift_compact.h"

namespace freestone::formats::thrift {
namespace {

constexpr int kDeepest = 32;

}  // namespace

void Reader::fail_damaged(const char* what) const { fail(ErrorKind::kData, "{}: its metadata are damaged: {} (at byte {} of them).", name_, what, at_); }

std::uint8_t Reader::byte() {
  if (at_ >= bytes_.size()) fail_damaged("they end too soon");
  return std::to_integer<std::uint8_t>(bytes_[at_++]);
}

std::uint64_t Reader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t part = byte();
    value |= std::uint64_t{part & 0x7fU} << shift;
    if ((part & 0x80) == 0) return value;
  }
  fail_damaged("a number is too long");
}

void Reader::read_struct(const std::function<void(int, Type)>& field) {
  if (++depth_ > kDeepest) fail_damaged("they are nested too deeply");
  for (int number = 0;;) {
    const std::uint8_t head = byte();
    const auto type = static_cast<Type>(head & 0x0f);
    if (type == Type::kStop) break;
    if (type > Type::kStruct) fail_damaged("a field is of no type");
    const int step = head >> 4;
    if (step != 0) {
      number += step;
    } else {
      const std::uint64_t coded = varint();
      number = static_cast<int>(static_cast<std::int64_t>(coded >> 1) ^ -static_cast<std::int64_t>(coded & 1));
    }
    const std::size_t before = at_;
    field(number, type);
    // Truth values are in the type itself, and leaving them is reading them.
    if (at_ == before) pass_over(type);
  }
  --depth_;
}

void Reader::read_list(const std::function<void(Type)>& element) {
  if (++depth_ > kDeepest) fail_damaged("they are nested too deeply");
  const std::uint8_t head = byte();
  const auto type = static_cast<Type>(head & 0x0f);
  if (type == Type::kStop || type > Type::kStruct) fail_damaged("a list is of no type");
  const std::uint64_t count = head >> 4 == 15 ? varint() : head >> 4;
  // Each takes a byte at least.
  if (count > bytes_.size() - at_) fail_damaged("a list is longer than all of them");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t before = at_;
    element(type);
    if (at_ == before) pass_over(type == Type::kTrue || type == Type::kFalse ? Type::kByte : type);
  }
  --depth_;
}

std::int64_t Reader::read_number(Type type) {
  switch (type) {
    case Type::kTrue: return 1;
    case Type::kFalse: return 0;
    case Type::kByte: return static_cast<std::int8_t>(byte());
    case Type::kI16:
    case Type::kI32:
    case Type::kI64: {
      const std::uint64_t coded = varint();
      return static_cast<std::int64_t>(coded >> 1) ^ -static_cast<std::int64_t>(coded & 1);
    }
    default: fail_damaged("something else stands where a number should");
  }
}

std::string Reader::read_text(Type type) {
  if (type != Type::kBinary) fail_damaged("something else stands where a text should");
  const std::uint64_t size = varint();
  if (size > bytes_.size() - at_) fail_damaged("a text is longer than all of them");
  std::string out(reinterpret_cast<const char*>(bytes_.data() + at_), size);
  at_ += size;
  return out;
}

void Reader::pass_over(Type type) {
  switch (type) {
    case Type::kTrue:
    case Type::kFalse: return;
    case Type::kDouble:
      if (bytes_.size() - at_ < 8) fail_damaged("they end too soon");
      at_ += 8;
      return;
    case Type::kBinary: read_text(type); return;
    case Type::kList:
    case Type::kSet: read_list([](Type) {}); return;
    case Type::kMap: {
      const std::uint64_t count = varint();
      if (count == 0) return;
      if (count > bytes_.size() - at_) fail_damaged("a map is longer than all of them");
      const std::uint8_t types = byte();
      for (std::uint64_t i = 0; i < count; ++i) {
        for (const int part : {types >> 4, types & 0x0f}) {
          if (part == 0 || part > 12) fail_damaged("a map is of no type");
          pass_over(part <= 2 ? Type::kByte : static_cast<Type>(part));
        }
      }
      return;
    }
    case Type::kStruct: read_struct([](int, Type) {}); return;
    default: read_number(type); return;
  }
}

void Writer::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>(value | 0x80));
  bytes_.push_back(static_cast<std::byte>(value));
}

void Writer::header(int field, Type type) {
  const int step = field - last_.back();
  ensure(step > 0 && step < 16, "fields of a struct in another order");
  bytes_.push_back(static_cast<std::byte>(step << 4 | static_cast<int>(type)));
  last_.back() = field;
}

void Writer::end() {
  bytes_.push_back(std::byte{0});
  last_.pop_back();
}

void Writer::number(int field, std::int64_t value, Type type) {
  header(field, type);
  varint(zigzag(value));
}

void Writer::text(int field, const std::string& value) {
  header(field, Type::kBinary);
  element(value);
}

void Writer::list(int field, std::size_t count, Type element) {
  header(field, Type::kList);
  bytes_.push_back(static_cast<std::byte>((count < 15 ? count : 15) << 4 | static_cast<std::size_t>(element)));
  if (count >= 15) varint(count);
}

void Writer::struct_field(int field) {
  header(field, Type::kStruct);
  begin();
}

void Writer::element(const std::string& value) {
  varint(value.size());
  for (const char c : value) bytes_.push_back(static_cast<std::byte>(c));
}

}  // namespace freestone::formats::thrift
