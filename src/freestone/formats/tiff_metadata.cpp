#include "freestone/formats/tiff_metadata.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/tiff_geo.h"

namespace freestone::formats::tiff {
namespace {

// Of names of axes in a file of ours.
constexpr std::string_view kOurDomain = "FREESTONE";
constexpr std::size_t kMostItems = 100'000;

struct NamedTag {
  const char* name;
  Tag tag;
};
constexpr NamedTag kTexts[] = {{"TIFFTAG_DOCUMENTNAME", kDocumentName}, {"TIFFTAG_IMAGEDESCRIPTION", kImageDescription},
                               {"TIFFTAG_SOFTWARE", kSoftware},         {"TIFFTAG_DATETIME", kDateTime},
                               {"TIFFTAG_ARTIST", kArtist},             {"TIFFTAG_HOSTCOMPUTER", kHostComputer},
                               {"TIFFTAG_COPYRIGHT", kCopyright}};
constexpr NamedTag kNumbers[] = {{"TIFFTAG_XRESOLUTION", kXResolution}, {"TIFFTAG_YRESOLUTION", kYResolution}};

struct PhotometricName {
  Index number;
  const char* name;
};
constexpr PhotometricName kPhotometricNames[] = {{kWhiteIsZero, "white is zero"}, {kRgb, "rgb"}, {kPalette, "palette"}, {kSeparated, "cmyk"},
                                                 {kYCbCr, "ycbcr"}, {kCieLab, "cielab"}};

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Nodata as an attribute, and as one element; nothing where the type has no such value.
void read_nodata(const std::string& text, const Image& image, Metadata& out) {
  const auto number = parse_whole<double>(text);
  const auto store = [&](auto value) {
    out.fill.resize(sizeof value);
    std::memcpy(out.fill.data(), &value, sizeof value);
  };
  if (is_integer(image.dtype)) {
    const auto whole = parse_whole<std::int64_t>(text);
    const auto large = parse_whole<std::uint64_t>(text);
    std::optional<AttributeValue> value;
    if (whole) {
      value = *whole;
    } else if (large) {
      value = *large;
    } else if (number) {
      value = whole_value(*number);
    }
    out.attributes.push_back({"nodata", value.value_or(text), ""});
    const AttributeNumbers numbers = numbers_of(value.value_or(text));
    with_real_type(image.dtype, [&]<class T>(TypeTag<T>) {
      if constexpr (std::is_integral_v<T>) {
        if (value && can_hold(image.dtype, numbers)) store(numbers.as<T>().front());
      }
    });
    return;
  }
  number ? out.attributes.push_back({"nodata", *number, ""}) : out.attributes.push_back({"nodata", text, ""});
  if (!number) return;
  if (image.dtype == DType::kFloat32) store(static_cast<float>(*number));
  if (image.dtype == DType::kFloat64) store(*number);
}

std::string unescaped(std::string_view text) {
  static constexpr std::pair<std::string_view, char> kNames[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    bool found = false;
    for (const auto& [name, c] : kNames) {
      if (!found && text.substr(i).starts_with(name)) {
        out += c;
        i += name.size();
        found = true;
      }
    }
    if (!found && text.substr(i).starts_with("&#") && i + 2 < text.size()) {
      const bool is_hex = text[i + 2] == 'x';
      const std::size_t begin = i + (is_hex ? 3 : 2);
      unsigned code = 0;
      const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), code, is_hex ? 16 : 10);
      if (error == std::errc() && end < text.data() + text.size() && *end == ';' && code > 0 && code < 128) {
        out += static_cast<char>(code);
        i = static_cast<std::size_t>(end - text.data()) + 1;
        found = true;
      }
    }
    if (!found) out += text[i++];
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c == '\0' ? ' ' : c;
    }
  }
  return out;
}

/// One <Item> of GDAL_METADATA.
struct Item {
  std::string name, domain, role, text;
  std::optional<Index> sample;
};

std::vector<Item> parse_items(std::string_view xml) {
  std::vector<Item> out;
  for (std::size_t at = xml.find("<Item"); at != std::string_view::npos && out.size() < kMostItems; at = xml.find("<Item", at)) {
    const std::size_t open_end = xml.find('>', at);
    if (open_end == std::string_view::npos) break;
    const bool is_empty = xml[open_end - 1] == '/';
    const std::size_t close = is_empty ? open_end + 1 : xml.find("</Item>", open_end);
    if (close == std::string_view::npos) break;
    Item item;
    std::string_view words = xml.substr(at + 5, open_end - at - 5);
    while (true) {
      const std::size_t equals = words.find('=');
      if (equals == std::string_view::npos || equals + 1 >= words.size()) break;
      const char quote = words[equals + 1];
      const std::size_t end = quote == '"' || quote == '\'' ? words.find(quote, equals + 2) : std::string_view::npos;
      if (end == std::string_view::npos) break;
      const std::string_view key = trimmed(words.substr(0, equals));
      const std::string value = unescaped(words.substr(equals + 2, end - equals - 2));
      if (key == "name") item.name = value;
      if (key == "domain") item.domain = value;
      if (key == "role") item.role = value;
      if (key == "sample") item.sample = parse_whole<Index>(value);
      words.remove_prefix(end + 1);
    }
    // GDAL escapes texts twice: once itself, once as XML.
    if (!is_empty) item.text = unescaped(unescaped(xml.substr(open_end + 1, close - open_end - 1)));
    out.push_back(std::move(item));
    at = close;
  }
  return out;
}

/// Values of all bands as one attribute: one alone where they are equal.
template <class T>
void put_bands(const std::string& key, const std::map<Index, T>& values, Index bands, const T& otherwise, bool may_be_one, Metadata& out) {
  // Thousands of bands of which a few are named: the list would be longer than what the file says.
  if (values.empty() || bands > 64 * static_cast<Index>(values.size())) {
    for (const auto& [band, value] : values) out.attributes.push_back({fmt::format("band_{}:{}", band + 1, key), value, ""});
    return;
  }
  std::vector<T> list(static_cast<std::size_t>(bands), otherwise);
  for (const auto& [band, value] : values) list[static_cast<std::size_t>(band)] = value;
  if (may_be_one && std::all_of(list.begin(), list.end(), [&](const T& v) { return v == list.front(); })) {
    out.attributes.push_back({key, list.front(), ""});
  } else {
    out.attributes.push_back({key, list, ""});
  }
}

void read_items(const std::string& xml, Index bands, Metadata& out) {
  std::map<Index, std::string> names, units;
  std::map<Index, double> scales, offsets;
  for (const Item& item : parse_items(xml)) {
    if (item.domain == kOurDomain && item.name == "axes") {
      std::string_view rest = item.text;
      while (out.dims.size() <= 3) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        out.dims.emplace_back(rest.substr(0, comma));
        if (comma == rest.size()) break;
        rest.remove_prefix(comma + 1);
      }
      continue;
    }
    const bool of_band = item.sample && *item.sample >= 0 && *item.sample < bands;
    const auto number = parse_whole<double>(trimmed(item.text));
    if (of_band && item.role == "description") {
      names[*item.sample] = item.text;
    } else if (of_band && item.role == "unittype") {
      units[*item.sample] = item.text;
    } else if (of_band && item.role == "scale" && number) {
      scales[*item.sample] = *number;
    } else if (of_band && item.role == "offset" && number) {
      offsets[*item.sample] = *number;
    } else {
      std::string key = item.domain.empty() ? item.name : fmt::format("{}:{}", item.domain, item.name);
      if (of_band) key = fmt::format("band_{}:{}", *item.sample + 1, key);
      if (!item.name.empty()) out.attributes.push_back({key, item.text, ""});
    }
  }
  put_bands(std::string("band_names"), names, bands, std::string(), false, out);
  put_bands(std::string("units"), units, bands, std::string(), true, out);
  put_bands(std::string("scale"), scales, bands, 1.0, true, out);
  put_bands(std::string("offset"), offsets, bands, 0.0, true, out);
}

std::string number_text(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

std::string item_text(std::string_view name, const std::string& text, std::string_view role = {}, std::optional<Index> sample = {},
                      std::string_view domain = {}) {
  std::string out = fmt::format("  <Item name=\"{}\"", escaped(std::string(name)));
  if (sample) out += fmt::format(" sample=\"{}\"", *sample);
  if (!role.empty()) out += fmt::format(" role=\"{}\"", role);
  if (!domain.empty()) out += fmt::format(" domain=\"{}\"", escaped(std::string(domain)));
  return out + ">" + escaped(escaped(text)) + "</Item>\n";
}

/// An attribute that has one value for all bands, or one for each; none when it is something else.
std::vector<std::string> of_bands(const AttributeValue& value, Index bands) {
  std::vector<std::string> out;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) out = *texts;
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    for (const double n : *numbers) out.push_back(number_text(n));
  }
  if (const auto* wholes = std::get_if<std::vector<std::int64_t>>(&value)) {
    for (const std::int64_t n : *wholes) out.push_back(std::to_string(n));
  }
  if (const auto number = number_of(value)) {
    out.assign(static_cast<std::size_t>(bands), std::holds_alternative<double>(value) ? number_text(*number) : text_of(value));
  }
  if (const auto* text = std::get_if<std::string>(&value)) out.assign(static_cast<std::size_t>(bands), *text);
  if (static_cast<Index>(out.size()) != bands) out.clear();
  return out;
}

/// An attribute of no other place: an item of the image, of a domain or of a band.
std::string plain_item(const Attribute& attribute, Index bands) {
  const std::string text = std::holds_alternative<double>(attribute.value) ? number_text(std::get<double>(attribute.value)) : text_of(attribute.value);
  std::string_view key = attribute.key;
  std::optional<Index> sample;
  if (key.starts_with("band_")) {
    const std::size_t colon = key.find(':');
    const auto number = colon == std::string_view::npos ? std::nullopt : parse_whole<Index>(key.substr(5, colon - 5));
    if (number && *number >= 1 && *number <= bands) {
      sample = *number - 1;
      key.remove_prefix(colon + 1);
    }
  }
  const std::size_t colon = key.find(':');
  const bool has_domain = colon != std::string_view::npos && colon > 0 && colon + 1 < key.size();
  return item_text(has_domain ? key.substr(colon + 1) : key, text, {}, sample, has_domain ? key.substr(0, colon) : "");
}

template <class T>
void append(std::string& bytes, T value) {
  static_assert(std::endian::native == std::endian::little);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

TagToWrite rational_tag(std::uint16_t tag, double value) {
  TagToWrite out{tag, FieldType::kRational, 1, {}};
  std::uint32_t divisor = 1;
  while (divisor < 1'000'000 && value * divisor != std::trunc(value * divisor) && value * divisor < 1e8) divisor *= 10;
  append(out.bytes, static_cast<std::uint32_t>(std::clamp(std::round(value * divisor), 0.0, 4294967295.0)));
  append(out.bytes, divisor);
  return out;
}

}  // namespace

TagToWrite ascii_tag(std::uint16_t tag, const std::string& text) {
  return {tag, FieldType::kAscii, static_cast<Index>(text.size()) + 1, text + '\0'};
}
TagToWrite short_tag(std::uint16_t tag, const std::vector<Index>& values) {
  TagToWrite out{tag, FieldType::kShort, static_cast<Index>(values.size()), {}};
  for (const Index value : values) append(out.bytes, static_cast<std::uint16_t>(value));
  return out;
}
TagToWrite double_tag(std::uint16_t tag, const std::vector<double>& values) {
  TagToWrite out{tag, FieldType::kDouble, static_cast<Index>(values.size()), {}};
  for (const double value : values) append(out.bytes, value);
  return out;
}

Metadata read_metadata(const Directory& directory, const Image& image) {
  Metadata out;
  if (directory.has(kGdalNodata)) read_nodata(std::string(trimmed(directory.text(kGdalNodata))), image, out);
  read_geo(directory, out.attributes);
  if (directory.has(kGdalMetadata)) read_items(directory.text(kGdalMetadata), image.bands, out);
  const std::size_t rank = out.dims.size();
  out.has_band_axis = rank == 3;
  if (rank != 2 && rank != 3) out.dims.clear();
  if (image.bands > 1 && rank == 2) out.dims.clear();
  for (const NamedTag& known : kTexts) {
    if (directory.has(known.tag)) out.attributes.push_back({known.name, directory.text(known.tag), ""});
  }
  for (const NamedTag& known : kNumbers) {
    const auto values = directory.numbers(known.tag, 1);
    if (!values.empty()) out.attributes.push_back({known.name, values.front(), ""});
  }
  if (directory.has(kResolutionUnit)) out.attributes.push_back({"TIFFTAG_RESOLUTIONUNIT", directory.integer(kResolutionUnit, 2), ""});
  for (const PhotometricName& known : kPhotometricNames) {
    // What JPEG's YCbCr decodes to is RGB.
    const Index found = image.photometric == kYCbCr && image.compression == kJpeg ? Index{kRgb} : image.photometric;
    if (known.number == found) out.attributes.push_back({"photometric", std::string(known.name), ""});
  }
  if (directory.has(kColorMap)) out.attributes.push_back({"colormap", directory.integers(kColorMap, 3 * 65536), "red, green, blue"});
  if (const auto extra = directory.count(kExtraSamples) < image.bands ? directory.integers(kExtraSamples, image.bands) : std::vector<Index>();
      std::any_of(extra.begin(), extra.end(), [](Index kind) { return kind != 0; })) {
    out.attributes.push_back({"extra_samples", extra, "0: unspecified, 1: opacity that the colours know, 2: opacity"});
  }
  if (image.bits % 8 != 0) out.attributes.push_back({"nbits", std::int64_t{image.bits}, "bits of a sample"});
  return out;
}

std::vector<TagToWrite> metadata_tags(const std::vector<Attribute>& attributes, Index bands, const std::vector<std::string>& dims, bool has_band_axis) {
  std::vector<TagToWrite> out = geo_tags(attributes);
  std::string items;
  for (const Attribute& attribute : attributes) {
    const std::string& key = attribute.key;
    const auto* text = std::get_if<std::string>(&attribute.value);
    if (key.empty() || is_geo(attribute) || key == "photometric" || key == "colormap" || key == "extra_samples" || key == "nbits") continue;
    if (key == "nodata" || key == "_FillValue") {
      // One of the two: the first that comes.
      if (std::any_of(out.begin(), out.end(), [](const TagToWrite& tag) { return tag.tag == kGdalNodata; })) continue;
      const auto number = number_of(attribute.value);
      if (text != nullptr) {
        out.push_back(ascii_tag(kGdalNodata, *text));
      } else if (number) {
        out.push_back(ascii_tag(kGdalNodata, std::holds_alternative<double>(attribute.value) ? number_text(*number) : text_of(attribute.value)));
      }
      continue;
    }
    const auto* known = std::find_if(std::begin(kTexts), std::end(kTexts), [&](const NamedTag& t) { return key == t.name; });
    if (known != std::end(kTexts) && text != nullptr) {
      out.push_back(ascii_tag(known->tag, *text));
      continue;
    }
    const auto* counted = std::find_if(std::begin(kNumbers), std::end(kNumbers), [&](const NamedTag& t) { return key == t.name; });
    const auto number = number_of(attribute.value);
    if (counted != std::end(kNumbers) && number && *number >= 0) {
      out.push_back(rational_tag(counted->tag, *number));
      continue;
    }
    if (key == "TIFFTAG_RESOLUTIONUNIT" && number) {
      out.push_back(short_tag(kResolutionUnit, {static_cast<Index>(std::clamp(*number, 1.0, 3.0))}));
      continue;
    }
    static constexpr std::pair<std::string_view, std::string_view> kRoles[] = {
        {"band_names", "description"}, {"units", "unittype"}, {"scale", "scale"}, {"offset", "offset"}};
    const auto* role = std::find_if(std::begin(kRoles), std::end(kRoles), [&](const auto& r) { return key == r.first; });
    const auto values = role == std::end(kRoles) ? std::vector<std::string>() : of_bands(attribute.value, bands);
    if (values.empty()) {
      items += plain_item(attribute, bands);
      continue;
    }
    std::string name(role->second);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    for (std::size_t band = 0; band < values.size(); ++band) {
      if (!values[band].empty()) items += item_text(name, values[band], role->second, static_cast<Index>(band));
    }
  }
  const std::vector<std::string> usual = bands > 1 ? std::vector<std::string>{"band", "y", "x"} : std::vector<std::string>{"y", "x"};
  std::vector<std::string> named = dims;
  if (named.empty()) named = has_band_axis ? std::vector<std::string>{"band", "y", "x"} : std::vector<std::string>{"y", "x"};
  if (named != usual) items += item_text("axes", fmt::format("{}", fmt::join(named, ",")), {}, {}, kOurDomain);
  if (!items.empty()) out.push_back(ascii_tag(kGdalMetadata, "<GDALMetadata>\n" + items + "</GDALMetadata>\n"));
  return out;
}

}  // namespace freestone::formats::tiff
