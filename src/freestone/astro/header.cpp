#include "freestone/astro/header.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "freestone/base/error.h"

namespace freestone::astro {
namespace {

constexpr std::size_t kCard = 80;
constexpr std::size_t kValueStart = 10;
constexpr std::size_t kLongestQuoted = 68;  // characters between the quotes of one card

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}
std::string_view trimmed_right(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_commentary(std::string_view keyword) { return keyword.empty() || keyword == "COMMENT" || keyword == "HISTORY"; }
bool is_printable(char c) { return c >= 32 && c < 127; }

std::optional<double> read_double(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::string copy(text);
  for (char& c : copy)
    if (c == 'D' || c == 'd') c = 'E';
  double value = 0;
  const auto [rest, code] = std::from_chars(copy.data(), copy.data() + copy.size(), value);
  if (copy.empty() || code != std::errc() || rest != copy.data() + copy.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

CardValue read_plain_value(std::string_view text) {
  text = trimmed(text);
  if (text == "T") return true;
  if (text == "F") return false;
  std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  Index integer = 0;
  const auto [rest, code] = std::from_chars(digits.data(), digits.data() + digits.size(), integer);
  if (!digits.empty() && code == std::errc() && rest == digits.data() + digits.size()) return integer;
  if (const auto number = read_double(text)) return *number;
  return std::monostate();
}

struct ValueAndComment {
  CardValue value;
  std::string comment;
};

/// What stands behind "KEYWORD = ": a quoted string or a word, then "/ comment".
ValueAndComment read_value(std::string_view field) {
  ValueAndComment out;
  const std::size_t start = field.find_first_not_of(' ');
  if (start == std::string_view::npos) return out;
  std::size_t after = start;
  if (field[start] == '\'') {
    std::string text;
    for (after = start + 1; after < field.size(); ++after) {
      if (field[after] != '\'')
        text += field[after];
      else if (after + 1 < field.size() && field[after + 1] == '\'')
        text += field[++after];
      else
        break;
    }
    out.value = std::string(trimmed_right(text));
    after = std::min(after + 1, field.size());
  }
  const std::size_t slash = field.find('/', after);
  if (field[start] != '\'') out.value = read_plain_value(field.substr(start, slash == std::string_view::npos ? slash : slash - start));
  if (slash != std::string_view::npos) out.comment = std::string(trimmed(field.substr(slash + 1)));
  return out;
}

Card parse_card(std::string_view raw) {
  Card card;
  card.raw = std::string(raw);
  card.keyword = upper(trimmed_right(raw.substr(0, 8)));
  if (card.keyword == "HIERARCH" && raw.find('=') != std::string_view::npos) {
    const std::size_t equals = raw.find('=');
    card.keyword = upper(trimmed(raw.substr(8, equals - 8)));
    ValueAndComment read = read_value(raw.substr(equals + 1));
    card.value = std::move(read.value), card.comment = std::move(read.comment);
  } else if (!is_commentary(card.keyword) && raw.substr(8, 2) == "= ") {
    ValueAndComment read = read_value(raw.substr(kValueStart));
    card.value = std::move(read.value), card.comment = std::move(read.comment);
  } else {
    card.comment = std::string(trimmed_right(raw.substr(8)));
  }
  return card;
}

std::string filled(std::string card) {
  card.resize((card.size() + kCard - 1) / kCard * kCard, ' ');
  return card;
}

std::string format_double(double value) {
  std::string text = upper(fmt::format("{}", value));
  if (text.find_first_of(".E") == std::string::npos) text += ".0";
  return text;
}

void check_printable(std::string_view keyword, std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_printable))
    fail(ErrorKind::kUser, "{}: a FITS header holds printable ASCII only, not '{}'.", keyword, text);
}

/// "KEYWORD = " of 10 characters, or "HIERARCH A B = ".
std::string start_of_card(std::string_view keyword) {
  const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  if (!keyword.empty() && keyword.size() <= 8 && std::all_of(keyword.begin(), keyword.end(), allowed))
    return fmt::format("{:<8}= ", keyword);
  const bool hierarch = !keyword.empty() && keyword.size() <= 60 &&
                        std::all_of(keyword.begin(), keyword.end(), [&](char c) { return allowed(c) || c == ' '; });
  if (!hierarch) fail(ErrorKind::kUser, "'{}' is not a FITS keyword: letters, digits, '-' and '_' only.", keyword);
  return fmt::format("HIERARCH {} = ", keyword);
}

std::string format_text(const std::string& start, std::string_view text, std::string_view comment) {
  std::string quoted;
  for (char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  const std::size_t room = kLongestQuoted + kValueStart - std::min(start.size(), kValueStart + kLongestQuoted - 10);
  if (quoted.size() <= room) {
    const std::string card = fmt::format("{}'{:<8}'", start, quoted);
    const std::string whole = comment.empty() ? card : fmt::format("{:<30} / {}", card, comment);
    return filled(whole.substr(0, kCard));
  }
  // In pieces that end in '&', each but the first in a CONTINUE card; an escaped quote stays in one piece.
  std::string out;
  std::string line = start;
  std::size_t at = 0;
  while (at < quoted.size()) {
    const std::size_t space = kCard - line.size() - 2;
    std::size_t take = std::min(quoted.size() - at, space);
    const bool last = at + take == quoted.size();
    if (!last) {
      --take;
      std::size_t quotes = 0;
      while (quotes < take && quoted[at + take - 1 - quotes] == '\'') ++quotes;
      if (quotes % 2 == 1) --take;
    }
    out += filled(fmt::format("{}'{}{}'", line, quoted.substr(at, take), last ? "" : "&"));
    at += take;
    line = "CONTINUE  ";
  }
  return out;
}

std::string format_commentary(std::string_view keyword, std::string_view text) {
  std::string out;
  do {
    const std::string_view piece = text.substr(0, kCard - 8);
    out += filled(fmt::format("{:<8}{}", keyword, piece));
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return out;
}

/// True when `keyword` is `stem`, then digits (and `between` and digits, if any), then perhaps a letter for an alternate WCS.
bool matches(std::string_view keyword, std::string_view stem, bool one_number, bool two_numbers) {
  if (!keyword.starts_with(stem)) return false;
  keyword.remove_prefix(stem.size());
  const auto take_digits = [&] {
    std::size_t n = 0;
    while (n < keyword.size() && std::isdigit(static_cast<unsigned char>(keyword[n]))) ++n;
    keyword.remove_prefix(n);
    return n > 0;
  };
  if ((one_number || two_numbers) && !take_digits()) return false;
  if (two_numbers && keyword.starts_with('_')) {
    keyword.remove_prefix(1);
    if (!take_digits()) return false;
  } else if (two_numbers && keyword.size() > 1) {
    return false;
  }
  return keyword.empty() || (keyword.size() == 1 && keyword[0] >= 'A' && keyword[0] <= 'Z');
}

bool is_structural_keyword(std::string_view k) {
  static const std::array kNames = {"SIMPLE",  "BITPIX",  "EXTEND", "XTENSION", "PCOUNT",  "GCOUNT",   "GROUPS",  "BSCALE",  "BZERO",
                                    "BLANK",   "EXTNAME", "EXTVER", "EXTLEVEL", "INHERIT", "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX",
                                    "TFIELDS", "THEAP",   "BUNIT",  "BMAJ",     "BMIN",    "BPA",      "CASAMBM", "NAXIS",   "END"};
  static const std::array kNumbered = {"NAXIS", "TTYPE", "TFORM",  "TUNIT", "TSCAL", "TZERO", "TNULL",
                                       "TDIM",  "TDISP", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL"};
  static const std::array kCompression = {"ZIMAGE",   "ZCMPTYPE", "ZBITPIX", "ZNAXIS",  "ZQUANTIZ", "ZDITHER0",
                                          "ZSIMPLE",  "ZTENSION", "ZEXTEND", "ZPCOUNT", "ZGCOUNT",  "ZHECKSUM",
                                          "ZDATASUM", "ZBLANK",   "ZSCALE",  "ZZERO",   "ZMASKCMP", "ZBLOCKED"};
  const auto is_k = [&](const char* name) { return k == name; };
  return std::any_of(kNames.begin(), kNames.end(), is_k) || std::any_of(kCompression.begin(), kCompression.end(), is_k) ||
         std::any_of(kNumbered.begin(), kNumbered.end(), [&](const char* stem) { return matches(k, stem, true, false); });
}

}  // namespace

bool is_wcs_keyword(std::string_view keyword) {
  const std::string k = upper(keyword);
  static const std::array kNumbered = {"CTYPE", "CRPIX", "CRVAL", "CDELT", "CUNIT", "CNAME",
                                       "CROTA", "CRDER", "CSYER", "CZPHS", "CPERI", "PROJP"};
  static const std::array kPaired = {"CD", "PC", "PV", "PS"};
  static const std::array kWhole = {"WCSAXES", "WCSNAME", "LONPOLE", "LATPOLE", "EQUINOX", "RADESYS", "RESTFRQ",
                                    "RESTWAV", "SPECSYS", "SSYSOBS", "SSYSSRC", "VELOSYS", "ZSOURCE", "VELANGL"};
  static const std::array kExact = {"EPOCH",   "RADECSYS", "RESTFREQ", "VELREF", "A_ORDER",
                                    "B_ORDER", "AP_ORDER", "BP_ORDER", "A_DMAX", "B_DMAX"};
  static const std::array kDistortion = {"A_", "B_", "AP_", "BP_"};
  return std::any_of(kNumbered.begin(), kNumbered.end(), [&](const char* stem) { return matches(k, stem, true, false); }) ||
         std::any_of(kPaired.begin(), kPaired.end(), [&](const char* stem) { return matches(k, stem, true, true); }) ||
         std::any_of(kWhole.begin(), kWhole.end(), [&](const char* stem) { return matches(k, stem, false, false); }) ||
         std::any_of(kExact.begin(), kExact.end(), [&](const char* name) { return k == name; }) ||
         std::any_of(kDistortion.begin(), kDistortion.end(), [&](const char* stem) { return matches(k, stem, true, true); });
}

FitsHeader FitsHeader::parse(std::string_view cards) {
  FitsHeader header;
  for (std::size_t at = 0; at < cards.size(); at += kCard) {
    std::string raw(cards.substr(at, kCard));
    raw.resize(kCard, ' ');
    // What is not text (a damaged header) is not passed on.
    for (char& c : raw)
      if (!is_printable(c)) c = ' ';
    if (trimmed_right(raw) == "END") break;
    Card card = parse_card(raw);
    Card* const before = header.cards_.empty() ? nullptr : &header.cards_.back();
    std::string* const open = before ? std::get_if<std::string>(&before->value) : nullptr;
    if (card.keyword == "CONTINUE" && open && open->ends_with('&')) {
      ValueAndComment read = read_value(raw.substr(8));
      if (const auto* more = std::get_if<std::string>(&read.value)) {
        open->pop_back();
        *open += *more;
        before->raw += raw;
        if (!read.comment.empty()) before->comment += (before->comment.empty() ? "" : " ") + read.comment;
        continue;
      }
    }
    header.cards_.push_back(std::move(card));
  }
  return header;
}

const Card* FitsHeader::find(std::string_view keyword) const {
  const std::string name = upper(keyword);
  const auto at = std::find_if(cards_.begin(), cards_.end(), [&](const Card& c) { return c.keyword == name; });
  return at == cards_.end() ? nullptr : &*at;
}

std::optional<double> FitsHeader::number(std::string_view keyword) const {
  const Card* const card = find(keyword);
  if (!card) return std::nullopt;
  if (const auto* value = std::get_if<double>(&card->value)) return *value;
  if (const auto* value = std::get_if<Index>(&card->value)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::string>(&card->value)) return read_double(*value);
  return std::nullopt;
}

std::optional<Index> FitsHeader::integer(std::string_view keyword) const {
  if (const Card* const card = find(keyword))
    if (const auto* value = std::get_if<Index>(&card->value)) return *value;
  const auto value = number(keyword);
  if (!value || *value != std::floor(*value) || std::abs(*value) > 9e15) return std::nullopt;
  return static_cast<Index>(*value);
}

std::optional<bool> FitsHeader::logical(std::string_view keyword) const {
  const Card* const card = find(keyword);
  const auto* value = card ? std::get_if<bool>(&card->value) : nullptr;
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::string> FitsHeader::text(std::string_view keyword) const {
  const Card* const card = find(keyword);
  const auto* value = card ? std::get_if<std::string>(&card->value) : nullptr;
  return value ? std::optional(*value) : std::nullopt;
}

std::vector<std::string> FitsHeader::history() const {
  std::vector<std::string> lines;
  for (const Card& card : cards_)
    if (card.keyword == "HISTORY") lines.push_back(card.comment);
  return lines;
}

void FitsHeader::set(std::string_view keyword, CardValue value, std::string_view comment) {
  const std::string name = upper(keyword);
  format_card(name, value, comment);  // refuses what cannot be written
  const auto at = std::find_if(cards_.begin(), cards_.end(), [&](const Card& c) { return c.keyword == name; });
  if (at != cards_.end()) {
    at->value = std::move(value);
    if (!comment.empty()) at->comment = std::string(comment);
    at->raw.clear();
    return;
  }
  auto place = cards_.end();
  while (place != cards_.begin() && is_commentary(std::prev(place)->keyword)) --place;
  cards_.insert(place, Card{name, std::move(value), std::string(comment), ""});
}

bool FitsHeader::remove(std::string_view keyword) {
  const std::string name = upper(keyword);
  return std::erase_if(cards_, [&](const Card& c) { return c.keyword == name; }) > 0;
}

void FitsHeader::add_history(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (!is_printable(c)) c = '?';
  do {
    const std::string piece = clean.substr(0, kCard - 8);
    cards_.push_back(Card{"HISTORY", std::monostate(), piece, ""});
    clean.erase(0, piece.size());
  } while (!clean.empty());
}

FitsHeader FitsHeader::without_structure() const {
  FitsHeader out;
  for (const Card& card : cards_)
    if (!is_structural_keyword(card.keyword) && !is_wcs_keyword(card.keyword)) out.cards_.push_back(card);
  return out;
}

std::string FitsHeader::format() const {
  std::string out;
  for (const Card& card : cards_) out += card.raw.empty() ? format_card(card.keyword, card.value, card.comment) : card.raw;
  return out;
}

std::string format_card(std::string_view keyword, const CardValue& value, std::string_view comment) {
  const std::string name = upper(keyword);
  check_printable(name, comment);
  if (is_commentary(name)) return format_commentary(name, comment);
  const std::string start = start_of_card(name);
  std::string word;
  if (const auto* text = std::get_if<std::string>(&value)) {
    check_printable(name, *text);
    return format_text(start, *text, comment);
  }
  if (const auto* logical = std::get_if<bool>(&value)) word = *logical ? "T" : "F";
  if (const auto* integer = std::get_if<Index>(&value)) word = std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) {
    if (!std::isfinite(*number)) fail(ErrorKind::kUser, "{} = {}: a FITS header holds finite numbers only.", name, *number);
    word = format_double(*number);
  }
  std::string card = fmt::format("{}{:>20}", start, word);
  if (!comment.empty()) card += fmt::format(" / {}", comment);
  return filled(card.substr(0, kCard));
}

}  // namespace freestone::astro
