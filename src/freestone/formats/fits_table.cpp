#include "freestone/formats/fits_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace freestone::formats::fits {
namespace {

/// A column as TFORM says: how many of what, and the bytes of it in a row.
struct Form {
  Index repeat = 1;
  char code = 'D';
  Index bytes = 0;
};

Index width_of(char code) {
  switch (code) {
    case 'L': case 'B': case 'A': return 1;
    case 'I': return 2;
    case 'J': case 'E': return 4;
    case 'K': case 'D': case 'C': case 'P': return 8;
    case 'M': case 'Q': return 16;
    default: return 0;
  }
}

Form parse_form(const std::string& file, const Hdu& hdu, Index column) {
  const std::string key = fmt::format("TFORM{}", column);
  const std::string text = hdu.text(key);
  Form form;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  if (at != end && *at >= '0' && *at <= '9') {
    const auto [rest, error] = std::from_chars(at, end, form.repeat);
    if (error != std::errc()) form.repeat = -1;
    at = rest;
  }
  form.code = at == end ? '?' : *at;
  const Index width = form.code == 'X' ? 1 : width_of(form.code);
  if (width == 0 || form.repeat < 0 || form.repeat > (Index{1} << 40)) {
    fail(ErrorKind::kData, "{}: {} = '{}' in HDU {} is no column format. The header is damaged.", file, key, text, hdu.number);
  }
  form.bytes = form.code == 'X' ? (form.repeat + 7) / 8 : form.repeat * width;
  return form;
}

template <class T>
T big_endian(const std::byte* at) {
  std::byte native[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) native[i] = at[kNativeOrder == ByteOrder::kBig ? i : sizeof(T) - 1 - i];
  T value;
  std::memcpy(&value, native, sizeof(T));
  return value;
}

/// The stored number; integers are also given as such, for TNULL.
double stored_number(char code, const std::byte* at, Index& whole) {
  switch (code) {
    case 'L': return static_cast<double>(whole = *at == std::byte{'T'} ? 1 : 0);
    case 'B': return static_cast<double>(whole = std::to_integer<Index>(*at));
    case 'I': return static_cast<double>(whole = big_endian<std::int16_t>(at));
    case 'J': return static_cast<double>(whole = big_endian<std::int32_t>(at));
    case 'K': return static_cast<double>(whole = big_endian<std::int64_t>(at));
    case 'E': return static_cast<double>(big_endian<float>(at));
    default: return big_endian<double>(at);
  }
}

void put_big_endian(std::string& out, const void* value, std::size_t bytes) {
  const char* from = static_cast<const char*>(value);
  for (std::size_t i = 0; i < bytes; ++i) out += from[kNativeOrder == ByteOrder::kBig ? i : bytes - 1 - i];
}

template <class T>
bool holds(const std::vector<double>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double v) {
    if constexpr (std::is_integral_v<T>) {
      return v == std::floor(v) && v >= static_cast<double>(std::numeric_limits<T>::min()) &&
             v <= std::nextafter(static_cast<double>(std::numeric_limits<T>::max()), 0.0);
    } else {
      return std::isnan(v) || static_cast<double>(static_cast<T>(v)) == v;
    }
  });
}

/// The code that a column is written with: its own where that loses nothing.
char writing_code(const Table::Column& column) {
  switch (column.code) {
    case 'L': return std::all_of(column.numbers.begin(), column.numbers.end(), [](double v) { return v == 0 || v == 1; }) ? 'L' : 'D';
    case 'B': return holds<std::uint8_t>(column.numbers) || column.numbers.empty() ? 'B' : 'D';
    case 'I': return holds<std::int16_t>(column.numbers) ? 'I' : 'D';
    case 'J': return holds<std::int32_t>(column.numbers) ? 'J' : 'D';
    case 'K': return holds<std::int64_t>(column.numbers) ? 'K' : 'D';
    case 'E': return holds<float>(column.numbers) ? 'E' : 'D';
    default: return 'D';
  }
}

void put_number(std::string& out, char code, double v) {
  const auto put = [&](auto value) { put_big_endian(out, &value, sizeof value); };
  switch (code) {
    case 'L': out += v != 0 ? 'T' : 'F'; return;
    case 'B': return put(static_cast<std::uint8_t>(v));
    case 'I': return put(static_cast<std::int16_t>(v));
    case 'J': return put(static_cast<std::int32_t>(v));
    case 'K': return put(static_cast<std::int64_t>(v));
    case 'E': return put(static_cast<float>(v));
    default: return put(v);
  }
}

}  // namespace

std::optional<Table> read_table(const ByteReader& reader, const Hdu& hdu) {
  const std::string& file = reader.name();
  if (hdu.axes.size() != 2) fail(ErrorKind::kData, "{}: NAXIS = {} in HDU {}, a table, is not 2.", file, hdu.axes.size(), hdu.number);
  const Index row_bytes = hdu.axes[0], rows = hdu.axes[1];
  const Index fields = hdu.integer(file, "TFIELDS").value_or(-1);
  if (fields < 0 || fields > 999) fail(ErrorKind::kData, "{}: TFIELDS in HDU {} is not between 0 and 999.", file, hdu.number);
  std::vector<Form> forms;
  Index used = 0, cells = 0;
  for (Index c = 1; c <= fields; ++c) {
    forms.push_back(parse_form(file, hdu, c));
    used += forms.back().bytes;
    if (width_of(forms.back().code) > 0) cells += forms.back().code == 'A' ? 8 : forms.back().repeat;
  }
  if (used > row_bytes) {
    fail(ErrorKind::kData, "{}: the columns of HDU {} need {} bytes a row, NAXIS1 says {}. The header is damaged.", file, hdu.number, used, row_bytes);
  }
  if (row_bytes > 0 && rows > kLargestTable / row_bytes) return std::nullopt;
  if (cells > 0 && rows > kLargestTable / 8 / cells) return std::nullopt;

  std::vector<std::byte> data(static_cast<std::size_t>(rows * row_bytes));
  if (!data.empty()) reader.read_exactly(hdu.data_offset, data);
  Table table;
  table.name = hdu.name;
  table.rows = rows;
  Index offset = 0;
  for (Index c = 1; c <= fields; ++c) {
    const Form& form = forms[static_cast<std::size_t>(c - 1)];
    const Index begin = offset;
    offset += form.bytes;
    if (std::string_view("XCMPQ").find(form.code) != std::string_view::npos) continue;
    Table::Column column;
    column.name = hdu.text(fmt::format("TTYPE{}", c));
    column.unit = hdu.text(fmt::format("TUNIT{}", c));
    column.code = form.code;
    const double scale = hdu.number_or(fmt::format("TSCAL{}", c), 1), zero = hdu.number_or(fmt::format("TZERO{}", c), 0);
    const bool integers = std::string_view("BIJK").find(form.code) != std::string_view::npos;
    const auto null = integers ? hdu.integer(file, fmt::format("TNULL{}", c)) : std::nullopt;
    if (scale != 1 || zero != 0) column.code = 'D';
    for (Index r = 0; r < rows; ++r) {
      const std::byte* cell = data.data() + r * row_bytes + begin;
      if (form.code == 'A') {
        std::string text(reinterpret_cast<const char*>(cell), static_cast<std::size_t>(form.repeat));
        text.resize(std::min(text.size(), text.find('\0')));
        text.erase(text.find_last_not_of(' ') + 1);
        column.texts.push_back(std::move(text));
        continue;
      }
      const Index width = width_of(form.code);
      for (Index i = 0; i < form.repeat; ++i) {
        Index whole = 0;
        const double value = stored_number(form.code, cell + i * width, whole);
        column.numbers.push_back(null && whole == *null ? std::numeric_limits<double>::quiet_NaN() : value * scale + zero);
      }
    }
    table.columns.push_back(std::move(column));
  }
  return table;
}

std::string format_table(const Table& table) {
  Index rows = table.rows;
  for (const Table::Column& column : table.columns) {
    if (!column.texts.empty()) rows = static_cast<Index>(column.texts.size());
  }
  if (rows == 0) {
    for (const Table::Column& column : table.columns) rows = std::max(rows, static_cast<Index>(column.numbers.size()));
  }
  struct Layout {
    Index repeat;
    char code;
  };
  std::vector<Layout> layouts;
  Index row_bytes = 0;
  for (const Table::Column& column : table.columns) {
    Layout layout{1, 'D'};
    if (!column.texts.empty()) {
      layout = {1, 'A'};
      for (const std::string& text : column.texts) layout.repeat = std::max(layout.repeat, static_cast<Index>(text.size()));
    } else {
      layout.code = column.code == 'A' ? 'A' : writing_code(column);
      if (rows > 0) layout.repeat = static_cast<Index>(column.numbers.size()) / rows;
    }
    const auto given = static_cast<Index>(column.texts.empty() ? column.numbers.size() : column.texts.size());
    if (given != (column.texts.empty() ? layout.repeat * rows : rows)) {
      fail(ErrorKind::kUser, "Table '{}': column '{}' has {} values where there are {} rows.", table.name, column.name, given, rows);
    }
    layouts.push_back(layout);
    row_bytes += layout.repeat * width_of(layout.code);
  }

  std::string out;
  const auto card = [&](std::string key, decltype(Attribute::value) value, std::string comment = "") {
    out += format_cards({std::move(key), std::move(value), std::move(comment)});
  };
  card("XTENSION", std::string("BINTABLE"), "binary table extension");
  card("BITPIX", std::int64_t{8}, "array data type");
  card("NAXIS", std::int64_t{2}, "number of array dimensions");
  card("NAXIS1", row_bytes, "length of dimension 1");
  card("NAXIS2", rows, "length of dimension 2");
  card("PCOUNT", std::int64_t{0}, "number of group parameters");
  card("GCOUNT", std::int64_t{1}, "number of groups");
  card("TFIELDS", static_cast<std::int64_t>(table.columns.size()), "number of table fields");
  if (!table.name.empty()) card("EXTNAME", table.name);
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const Table::Column& column = table.columns[c];
    card(fmt::format("TTYPE{}", c + 1), column.name);
    card(fmt::format("TFORM{}", c + 1), fmt::format("{}{}", layouts[c].repeat, layouts[c].code));
    if (!column.unit.empty()) card(fmt::format("TUNIT{}", c + 1), column.unit);
  }
  out += fmt::format("{:<80}", "END");
  const auto pad = [&](char with) { out.resize((out.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes, with); };
  pad(' ');
  for (Index r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const Table::Column& column = table.columns[c];
      if (layouts[c].code == 'A') {
        std::string text = column.texts[static_cast<std::size_t>(r)];
        text.resize(static_cast<std::size_t>(layouts[c].repeat), ' ');
        out += text;
      } else {
        for (Index i = 0; i < layouts[c].repeat; ++i) put_number(out, layouts[c].code, column.numbers[static_cast<std::size_t>(r * layouts[c].repeat + i)]);
      }
    }
  }
  pad('\0');
  return out;
}

}  // namespace freestone::formats::fits
