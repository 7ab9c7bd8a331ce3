#include "freestone/formats/fits_header.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "freestone/formats/attribute_numbers.h"

namespace freestone::formats::fits {
namespace {

constexpr std::size_t kCard = static_cast<std::size_t>(kCardBytes);
constexpr const char* kDamaged = "The header is damaged, or the file was cut short.";

/// "9.4 PB": for amounts that need not fit 64 bits.
std::string amount(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
  int unit = 0;
  while (bytes >= 999.5 && unit < 8) {
    bytes /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} B", bytes);
  if (!(bytes < 1e6)) return "more than any disk holds";
  return fmt::format("{:.{}f} {}", bytes, bytes < 10 ? 1 : 0, kUnits[unit]);
}

bool is_keyword(std::string_view field) {
  return std::all_of(field.begin(), field.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

std::string hdu_name(int number) { return number == 0 ? "the primary header" : fmt::format("the header of HDU {}", number); }

/// The cards up to END, in `cards`; the return value is where the data begin.
Index read_cards(const ByteReader& reader, Index offset, int number, std::string& cards) {
  const std::string& file = reader.name();
  Index at = offset;
  Index step = 4 * kBlockBytes;
  while (true) {
    const Index left = reader.size() - at;
    if (left < kBlockBytes) {
      fail(ErrorKind::kData, "{}: {} at offset {} has no END card before the file ends. {}", file, hdu_name(number), offset, kDamaged);
    }
    if (at - offset >= kLargestHeader) {
      fail(ErrorKind::kData, "{}: {} at offset {} has no END card in its first {}. The header is damaged.", file, hdu_name(number), offset,
           format_bytes(kLargestHeader));
    }
    const Index n = std::min(step, left / kBlockBytes * kBlockBytes);
    const std::size_t before = cards.size();
    cards.resize(before + static_cast<std::size_t>(n));
    reader.read_exactly(at, std::as_writable_bytes(std::span(cards.data() + before, static_cast<std::size_t>(n))));
    for (std::size_t card = before; card < cards.size(); card += kCard) {
      const std::string_view text(cards.data() + card, kCard);
      if (text.starts_with("END") && text.find_first_not_of(' ', 3) == std::string_view::npos) {
        const Index used = static_cast<Index>(card + kCard);
        cards.resize(card);
        for (char& c : cards) {
          if (c < 0x20 || c > 0x7e) c = ' ';
        }
        return offset + (used + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
      }
      if (!is_keyword(text.substr(0, 8))) {
        fail(ErrorKind::kData, "{}: {} holds bytes that are no text at offset {} (card {}), and no END card before. {}", file, hdu_name(number),
             offset + static_cast<Index>(card), card / kCard + 1, kDamaged);
      }
    }
    at += n;
    step = std::min<Index>(step * 4, 256 * kBlockBytes);
  }
}

Index required(const std::string& file, const Hdu& hdu, const std::string& key) {
  const auto value = hdu.integer(file, key);
  if (!value) fail(ErrorKind::kData, "{}: {} is missing in {}. The header is damaged.", file, key, hdu_name(hdu.number));
  return *value;
}

/// Bytes of the data unit: |BITPIX|/8 * GCOUNT * (PCOUNT + NAXIS1 * NAXIS2 ...), FITS standard 4.0, equations 1 and 2.
void measure(const ByteReader& reader, Hdu& hdu) {
  const std::string& file = reader.name();
  const bool extension = !hdu.extension.empty();
  const bool counts = extension || hdu.kind == HduKind::kRandomGroups;
  const Index pcount = counts ? hdu.integer(file, "PCOUNT").value_or(0) : 0;
  const Index gcount = counts ? hdu.integer(file, "GCOUNT").value_or(1) : 1;
  if (pcount < 0) fail(ErrorKind::kData, "{}: PCOUNT = {} in {} is negative. The header is damaged.", file, pcount, hdu_name(hdu.number));
  if (gcount < 0) fail(ErrorKind::kData, "{}: GCOUNT = {} in {} is negative. The header is damaged.", file, gcount, hdu_name(hdu.number));

  const Index width = std::abs(hdu.bitpix) / 8;
  Index elements = hdu.axes.empty() ? 0 : 1;
  double needed = hdu.axes.empty() ? 0 : 1;
  bool overflows = false, is_empty = false;
  std::size_t largest = 0;
  for (std::size_t k = hdu.kind == HduKind::kRandomGroups ? 1 : 0; k < hdu.axes.size(); ++k) {
    // An empty axis makes the product zero, but does not excuse what the others claim.
    const Index length = std::max<Index>(hdu.axes[k], 1);
    is_empty = is_empty || hdu.axes[k] == 0;
    overflows = __builtin_mul_overflow(elements, length, &elements) || overflows;
    needed *= static_cast<double>(length);
    if (hdu.axes[k] > hdu.axes[largest]) largest = k;
  }
  Index bytes = 0;
  overflows = __builtin_mul_overflow(elements, Index{16}, &bytes) || overflows;
  if (is_empty) elements = 0;
  overflows = __builtin_add_overflow(elements, pcount, &elements) || overflows;
  overflows = __builtin_mul_overflow(elements, gcount, &elements) || overflows;
  overflows = __builtin_mul_overflow(elements, width, &elements) || overflows;
  needed = (needed + static_cast<double>(pcount)) * static_cast<double>(gcount) * static_cast<double>(width);
  const Index room = reader.size() - hdu.data_offset;
  if (overflows || elements > std::max<Index>(room, 0)) {
    std::string field = fmt::format("PCOUNT = {}", pcount);
    if (!hdu.axes.empty() && static_cast<double>(pcount) <= static_cast<double>(hdu.axes[largest])) {
      field = fmt::format("NAXIS{} = {}", largest + 1, hdu.axes[largest]);
    }
    fail(ErrorKind::kData, "{}: {}{} needs {}, the file has {}. {}", file, field, hdu.number == 0 ? "" : fmt::format(" in HDU {}", hdu.number),
         amount(needed + static_cast<double>(hdu.data_offset)), amount(static_cast<double>(reader.size())), kDamaged);
  }
  hdu.data_bytes = elements;
}

}  // namespace

const Attribute* Hdu::find(std::string_view key) const {
  const auto at = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) { return a.key == key; });
  return at == attributes.end() ? nullptr : &*at;
}

std::optional<Index> Hdu::integer(const std::string& file, std::string_view key) const {
  const Attribute* attribute = find(key);
  if (attribute == nullptr) return std::nullopt;
  if (const auto* whole = std::get_if<std::int64_t>(&attribute->value)) return *whole;
  std::string shown = "'?'";
  if (const auto* text = std::get_if<std::string>(&attribute->value)) shown = "'" + *text + "'";
  if (const auto* number = std::get_if<double>(&attribute->value)) {
    if (*number == std::floor(*number) && std::abs(*number) < 9e15) return static_cast<Index>(*number);
    shown = format_number(*number);
  }
  if (const auto* large = std::get_if<std::uint64_t>(&attribute->value)) shown = std::to_string(*large);
  if (const auto* flag = std::get_if<bool>(&attribute->value)) shown = *flag ? "T" : "F";
  fail(ErrorKind::kData, "{}: {} = {} in HDU {} is not a whole number. The header is damaged.", file, key, shown, number);
}

double Hdu::number_or(std::string_view key, double otherwise) const {
  const Attribute* attribute = find(key);
  return attribute == nullptr ? otherwise : number_of(attribute->value).value_or(otherwise);
}

std::string Hdu::text(std::string_view key) const {
  const Attribute* attribute = find(key);
  const auto* value = attribute == nullptr ? nullptr : std::get_if<std::string>(&attribute->value);
  if (value == nullptr) return "";
  const auto first = value->find_first_not_of(' ');
  return first == std::string::npos ? "" : value->substr(first, value->find_last_not_of(' ') - first + 1);
}

Hdu read_hdu(const ByteReader& reader, Index offset, int number) {
  const std::string& file = reader.name();
  Hdu hdu;
  hdu.number = number;
  hdu.header_offset = offset;
  hdu.data_offset = read_cards(reader, offset, number, hdu.cards);
  hdu.attributes = parse_cards(hdu.cards);
  const std::string first = hdu.attributes.empty() ? "" : hdu.attributes.front().key;
  if (number == 0) {
    if (first != "SIMPLE") fail(ErrorKind::kData, "{}: its first card is '{}', not SIMPLE: it is not a FITS file.", file, first);
    const auto* simple = std::get_if<bool>(&hdu.attributes.front().value);
    if (simple == nullptr || !*simple) fail(ErrorKind::kData, "{}: SIMPLE is not T: the file says that it does not follow the FITS standard.", file);
  } else {
    if (first != "XTENSION") fail(ErrorKind::kData, "{}: the first card of HDU {} is '{}', not XTENSION. The header is damaged.", file, number, first);
    hdu.extension = hdu.text("XTENSION");
    if (hdu.extension.empty()) fail(ErrorKind::kData, "{}: XTENSION of HDU {} names no type. The header is damaged.", file, number);
  }

  const Index bitpix = required(file, hdu, "BITPIX");
  if (bitpix != 8 && bitpix != 16 && bitpix != 32 && bitpix != 64 && bitpix != -32 && bitpix != -64) {
    fail(ErrorKind::kData, "{}: BITPIX = {} in {} is none of 8, 16, 32, 64, -32, -64. The header is damaged.", file, bitpix, hdu_name(number));
  }
  hdu.bitpix = static_cast<int>(bitpix);
  const Index naxis = required(file, hdu, "NAXIS");
  if (naxis < 0 || naxis > 999) {
    fail(ErrorKind::kData, "{}: NAXIS = {} in {} is not between 0 and 999. The header is damaged.", file, naxis, hdu_name(number));
  }
  for (Index k = 1; k <= naxis; ++k) {
    const std::string key = fmt::format("NAXIS{}", k);
    const Index length = required(file, hdu, key);
    if (length < 0) fail(ErrorKind::kData, "{}: {} = {} in {} is negative. The header is damaged.", file, key, length, hdu_name(number));
    hdu.axes.push_back(length);
  }

  hdu.name = hdu.text("EXTNAME");
  if (const double version = hdu.number_or("EXTVER", 1); std::abs(version) < 1e9) hdu.version = static_cast<Index>(version);
  const auto is_true = [&](const char* key) {
    const Attribute* attribute = hdu.find(key);
    const auto* flag = attribute == nullptr ? nullptr : std::get_if<bool>(&attribute->value);
    return flag != nullptr && *flag;
  };
  if (number == 0) {
    if (is_true("GROUPS") && !hdu.axes.empty() && hdu.axes[0] == 0) hdu.kind = HduKind::kRandomGroups;
  } else if (hdu.extension == "BINTABLE" || hdu.extension == "A3DTABLE") {
    hdu.kind = is_true("ZIMAGE") ? HduKind::kCompressedImage : HduKind::kBinaryTable;
  } else if (hdu.extension == "TABLE") {
    hdu.kind = HduKind::kAsciiTable;
  } else if (hdu.extension != "IMAGE" && hdu.extension != "IUEIMAGE") {
    hdu.kind = HduKind::kOther;
  }
  measure(reader, hdu);
  return hdu;
}

std::vector<Hdu> read_hdus(const ByteReader& reader) {
  char start[8] = {};
  if (reader.size() == 0) fail(ErrorKind::kData, "{}: the file is empty.", reader.name());
  if (reader.size() >= 8) reader.read_exactly(0, std::as_writable_bytes(std::span(start)));
  if (std::memcmp(start, "SIMPLE  ", 8) != 0) {
    fail(ErrorKind::kData, "{}: it does not begin with SIMPLE: it is not a FITS file.", reader.name());
  }
  std::vector<Hdu> hdus;
  for (Index offset = 0; reader.size() - offset >= kBlockBytes || offset == 0; offset = hdus.back().end()) {
    if (offset > 0) {
      reader.read_exactly(offset, std::as_writable_bytes(std::span(start)));
      if (std::memcmp(start, "XTENSION", 8) != 0) break;
    }
    hdus.push_back(read_hdu(reader, offset, static_cast<int>(hdus.size())));
  }
  return hdus;
}

ElementTransform pixel_transform(const std::string& file, const Hdu& hdu) {
  ElementTransform t;
  t.order = ByteOrder::kBig;
  const double scale = hdu.number_or("BSCALE", 1), zero = hdu.number_or("BZERO", 0);
  const bool is_scaled = scale != 1 || zero != 0;
  switch (hdu.bitpix) {
    case 8: t.stored = DType::kUint8; break;
    case 16: t.stored = DType::kInt16; break;
    case 32: t.stored = DType::kInt32; break;
    case 64: t.stored = DType::kInt64; break;
    case -32: t.stored = DType::kFloat32; break;
    default: t.stored = DType::kFloat64; break;
  }
  t.dtype = t.stored;
  const bool integers = hdu.bitpix > 0;
  const auto* blank = hdu.find("BLANK");
  if (integers && blank != nullptr) t.blank = hdu.integer(file, "BLANK");
  if (integers && !t.blank && scale == 1) {
    const auto unsigned_zero = std::ldexp(1.0, hdu.bitpix - 1);
    if (hdu.bitpix == 8 && zero == -128) t.dtype = DType::kInt8;
    if (hdu.bitpix == 16 && zero == unsigned_zero) t.dtype = DType::kUint16;
    if (hdu.bitpix == 32 && zero == unsigned_zero) t.dtype = DType::kUint32;
    if (hdu.bitpix == 64 && zero == unsigned_zero) t.dtype = DType::kUint64;
    t.flips_sign = t.dtype != t.stored;
    if (t.flips_sign) return t;
  }
  if (!is_scaled && !t.blank) return t;
  t.scales = true;
  t.scale = scale;
  t.offset = zero;
  if (integers) t.dtype = hdu.bitpix <= 16 ? DType::kFloat32 : DType::kFloat64;
  return t;
}

}  // namespace freestone::formats::fits
