#include "freestone/formats/npy.h"

#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/storage/manifest_source.h"
#include "freestone/storage/raw_sink.h"

namespace freestone::formats::npy {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// NumPy's own headers are below 64 KiB unless a structured dtype has thousands of fields, which Freestone does not read.
constexpr Index kLargestHeader = Index{1} << 20;

/// Walks the text of the header, a Python dict of three entries.
class Scanner {
 public:
  Scanner(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  /// True, and past it, when `c` is next.
  bool takes(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!takes(c)) damaged(fmt::format("'{}' is expected", c));
  }
  std::string string() {
    skip_blanks();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') damaged("a quoted string is expected");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) damaged("a string does not end");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    skip_blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    damaged("True or False is expected");
  }
  Index whole() {
    skip_blanks();
    Index value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) damaged("a whole number is expected");
    at_ = static_cast<std::size_t>(end - text_.data());
    takes('L');  // Python 2 wrote long integers so
    return value;
  }
  bool next_is(char c) {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool at_end() {
    skip_blanks();
    return at_ >= text_.size();
  }
  [[noreturn]] void damaged(const std::string& why) const {
    fail(ErrorKind::kData, "{}: the npy header is damaged: {} at character {}.", file_, why, at_);
  }

 private:
  const std::string& file_;
  std::string_view text_;
  std::size_t at_ = 0;
};

void set_dtype(const std::string& file, const std::string& descr, Header& header) {
  std::string_view code = descr;
  header.order = kNativeOrder;
  if (!code.empty() && std::string_view("<>=|").find(code.front()) != std::string_view::npos) {
    if (code.front() == '<') header.order = ByteOrder::kLittle;
    if (code.front() == '>') header.order = ByteOrder::kBig;
    code.remove_prefix(1);
  }
  static constexpr std::pair<std::string_view, DType> kCodes[] = {
      {"b1", DType::kBool},   {"?", DType::kBool},    {"i1", DType::kInt8},    {"i2", DType::kInt16},   {"i4", DType::kInt32},
      {"i8", DType::kInt64},  {"u1", DType::kUint8},  {"u2", DType::kUint16},  {"u4", DType::kUint32},  {"u8", DType::kUint64},
      {"f4", DType::kFloat32}, {"f8", DType::kFloat64}, {"c8", DType::kComplex64}, {"c16", DType::kComplex128}};
  header.halves = code == "f2";
  if (header.halves) {
    header.dtype = DType::kFloat32;
    return;
  }
  for (const auto& [name, dtype] : kCodes) {
    if (code == name) {
      header.dtype = dtype;
      return;
    }
  }
  fail(ErrorKind::kUser, "{}: its dtype '{}' is none that Freestone reads (bool, int8 to uint64, float32, float64, complex).", file, descr);
}

std::string format_header(const Spec& spec) {
  std::string descr;
  switch (spec.dtype) {
    case DType::kBool: descr = "|b1"; break;
    case DType::kInt8: descr = "|i1"; break;
    case DType::kUint8: descr = "|u1"; break;
    default:
      descr = fmt::format("<{}{}", is_complex(spec.dtype) ? 'c' : is_floating(spec.dtype) ? 'f' : is_unsigned_integer(spec.dtype) ? 'u' : 'i',
                          size_of(spec.dtype));
  }
  std::string shape;
  for (const Index length : spec.shape) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", length);
  if (spec.shape.rank() == 1) shape += ",";
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  dict.resize((dict.size() + 1 + 10 + 63) / 64 * 64 - 10 - 1, ' ');
  dict += '\n';
  std::string out(kMagic);
  out += {'\1', '\0', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return out + dict;
}

}  // namespace

Header read_header(const ByteReader& reader) {
  const std::string& file = reader.name();
  unsigned char start[12] = {};
  if (reader.size() < 10) fail(ErrorKind::kData, "{}: {} bytes are too few for an npy file.", file, reader.size());
  reader.read_exactly(0, std::as_writable_bytes(std::span(start, static_cast<std::size_t>(std::min<Index>(12, reader.size())))));
  if (std::memcmp(start, kMagic.data(), kMagic.size()) != 0) fail(ErrorKind::kData, "{}: it is not an npy file.", file);
  const int version = start[6];
  if (version < 1 || version > 3) fail(ErrorKind::kData, "{}: npy version {} is not known (1 to 3 are).", file, version);
  const Index begin = version == 1 ? 10 : 12;
  const Index length = start[8] + Index{start[9]} * 256 + (version == 1 ? 0 : Index{start[10]} * 65536 + Index{start[11]} * 16777216);
  if (begin + length > reader.size()) {
    fail(ErrorKind::kData, "{}: the npy header of {} bytes is longer than the file ({} bytes). It was cut short.", file, length, reader.size());
  }
  if (length > kLargestHeader) fail(ErrorKind::kData, "{}: an npy header of {} is none. The file is damaged.", file, format_bytes(length));
  std::string text(static_cast<std::size_t>(length), ' ');
  reader.read_exactly(begin, std::as_writable_bytes(std::span(text)));

  Header header;
  header.data_offset = begin + length;
  bool has_descr = false, has_order = false, has_shape = false;
  Scanner scanner(file, text);
  scanner.expect('{');
  while (!scanner.takes('}')) {
    const std::string key = scanner.string();
    scanner.expect(':');
    if (key == "descr") {
      if (scanner.next_is('[')) fail(ErrorKind::kUser, "{}: it holds records (a structured dtype), which Freestone does not read.", file);
      set_dtype(file, scanner.string(), header);
      has_descr = true;
    } else if (key == "fortran_order") {
      header.fortran_order = scanner.boolean();
      has_order = true;
    } else if (key == "shape") {
      scanner.expect('(');
      header.shape = {};
      while (!scanner.takes(')')) {
        const Index extent = scanner.whole();
        if (extent < 0) scanner.damaged(fmt::format("an axis of {} elements", extent));
        if (header.shape.rank() == kMaxRank) fail(ErrorKind::kUser, "{}: it has more than {} axes.", file, kMaxRank);
        header.shape.push_back(extent);
        if (!scanner.takes(',') && !scanner.next_is(')')) scanner.damaged("',' or ')' is expected");
      }
      has_shape = true;
    } else {
      scanner.damaged(fmt::format("an entry '{}'", key));
    }
    if (!scanner.takes(',') && !scanner.next_is('}')) scanner.damaged("',' or '}' is expected");
  }
  if (!scanner.at_end()) scanner.damaged("nothing more is expected");
  if (!has_descr || !has_order || !has_shape) scanner.damaged("descr, fortran_order or shape is missing");

  Index bytes = size_of(header.transform().stored);
  bool overflows = false, is_empty = false;
  for (const Index extent : header.shape) {
    is_empty = is_empty || extent == 0;
    overflows = __builtin_mul_overflow(bytes, std::max<Index>(extent, 1), &bytes) || overflows;
  }
  const Index room = reader.size() - header.data_offset;
  if (overflows || (!is_empty && bytes > room)) {
    fail(ErrorKind::kData, "{}: shape {} of {} needs {}, the file has {} behind its header. The header is damaged, or the file was cut short.", file,
         to_string(header.shape), name_of(header.dtype), overflows ? "more than 2^63 bytes" : format_bytes(bytes), format_bytes(room));
  }
  return header;
}

Contents open(std::shared_ptr<const File> file) {
  const Header header = read_header(*file);
  Shape shape = header.shape;
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  const nlohmann::json reference{{"path", file->location()}, {"variable", ""}};
  Variable variable;
  if (header.fortran_order && shape.rank() > 1) variable.attributes.push_back({"fortran_order", true, "axes are given in reverse"});
  Contents contents{.format = "npy", .path = file->name()};
  variable.source = std::make_shared<ManifestSource>(
      contiguous_manifest(file, header.data_offset, shape, header.transform(),
                          reference.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  contents.variables.push_back(std::move(variable));
  return contents;
}

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) {
  RawLayout layout;
  layout.shape = spec.shape;
  layout.transform = {.stored = spec.dtype, .order = ByteOrder::kLittle, .dtype = spec.dtype};
  std::string header = format_header(spec);
  layout.data_offset = static_cast<Index>(header.size());
  layout.file_bytes = layout.data_offset + spec.bytes();
  layout.blocks.push_back({0, std::move(header)});
  return std::make_shared<RawSink>(request.path, request.overwrite, std::move(layout));
}

}  // namespace freestone::formats::npy
