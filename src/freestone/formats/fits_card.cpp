#include "freestone/formats/fits_card.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "freestone/formats/attribute_numbers.h"

namespace freestone::formats::fits {
namespace {

constexpr std::size_t kCard = static_cast<std::size_t>(kCardBytes);
constexpr std::string_view kContinue = "CONTINUE";

std::string_view trimmed_end(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return trimmed_end(text);
}

bool is_keyword_char(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = c == '\t' ? ' ' : '?';
  }
  return out;
}

using Value = AttributeValue;

/// An int64 when it is one, else a uint64, else a double; false when it is none.
bool parse_number(std::string_view token, Value& value) {
  std::string text(token);
  if (!text.empty() && text.front() == '+') text.erase(0, 1);
  if (text.empty() || text.find_first_not_of("0123456789+-.eEdD") != std::string::npos) return false;
  const char* const last = text.data() + text.size();
  std::int64_t whole = 0;
  const auto [whole_end, whole_error] = std::from_chars(text.data(), last, whole);
  if (whole_error == std::errc() && whole_end == last) {
    value.emplace<std::int64_t>(whole);
    return true;
  }
  std::uint64_t large = 0;
  const auto [large_end, large_error] = std::from_chars(text.data(), last, large);
  if (large_error == std::errc() && large_end == last) {
    value.emplace<std::uint64_t>(large);
    return true;
  }
  for (char& c : text) {
    if (c == 'd' || c == 'D') c = 'E';
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (end != last) return false;
  if (error == std::errc::result_out_of_range) {
    // Too small is zero; too large is no number.
    const auto exponent = text.find_first_of("eE");
    if (exponent == std::string::npos || exponent + 1 >= text.size() || text[exponent + 1] != '-') return false;
    number = 0;
  } else if (error != std::errc()) {
    return false;
  }
  value.emplace<double>(number);
  return true;
}

/// What stands behind "= " of a card.
struct Field {
  Value value;
  std::string comment;
  bool is_text = false;   ///< it was a quoted string
  bool is_valid = false;  ///< by the standard's grammar
};

std::string comment_of(std::string_view rest) {
  rest = trimmed(rest);
  if (rest.empty()) return "";
  if (rest.front() == '/') rest.remove_prefix(1);
  return std::string(trimmed(rest));
}

Field parse_field(std::string_view text) {
  Field field;
  std::size_t at = text.find_first_not_of(' ');
  if (at == std::string_view::npos) {
    field.value = std::string();
    field.is_valid = true;
    return field;
  }
  if (text[at] == '\'') {
    std::string value;
    bool closed = false;
    for (++at; at < text.size(); ++at) {
      if (text[at] != '\'') {
        value += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '\'') {
        value += '\'';
        ++at;
      } else {
        closed = true;
        ++at;
        break;
      }
    }
    const std::string_view rest = trimmed(text.substr(std::min(at, text.size())));
    field.comment = comment_of(rest);
    field.is_text = true;
    field.is_valid = closed && (rest.empty() || rest.front() == '/');
    field.value = std::string(trimmed_end(value));
    return field;
  }
  const std::size_t slash = text.find('/', at);
  const std::string_view token = trimmed(text.substr(at, slash == std::string_view::npos ? text.size() : slash - at));
  if (slash != std::string_view::npos) field.comment = comment_of(text.substr(slash));
  if (token == "T" || token == "F") {
    field.value = token == "T";
    field.is_valid = true;
  } else if (parse_number(token, field.value)) {
    field.is_valid = token.find_first_of("ed") == std::string_view::npos;
  } else {
    field.value = std::string(token);
    field.is_valid = token.empty();
  }
  return field;
}

struct Card {
  std::string_view key;    ///< without trailing blanks; for HIERARCH what follows it
  std::string_view value;  ///< what follows "= ", or the text of a commentary card
  bool has_value = false;
  bool is_hierarch = false;
};

Card split_card(std::string_view card) {
  Card out;
  out.key = trimmed_end(card.substr(0, 8));
  if (out.key == "HIERARCH") {
    const std::size_t equals = card.find('=');
    if (equals != std::string_view::npos && equals > 9) {
      out.key = trimmed(card.substr(8, equals - 8));
      out.value = card.substr(equals + 1);
      out.has_value = out.is_hierarch = true;
      return out;
    }
  }
  out.has_value = card[8] == '=' && (card[9] == ' ' || card[9] == '\'') && out.key != "COMMENT" && out.key != "HISTORY" && !out.key.empty() &&
                  out.key != kContinue;
  out.value = out.has_value ? card.substr(9) : card.substr(8);
  return out;
}

bool is_commentary(std::string_view key) { return key.empty() || key == "COMMENT" || key == "HISTORY"; }

bool has_prefix_and_number(std::string_view key, std::string_view prefix) {
  return key.size() > prefix.size() && key.starts_with(prefix) &&
         key.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

/// Keywords that say how the data unit is stored, or what was true of other pixels.
bool is_structural(std::string_view key) {
  static constexpr std::string_view kKeys[] = {
      "SIMPLE", "XTENSION", "BITPIX",  "NAXIS",   "EXTEND",   "PCOUNT",   "GCOUNT",  "GROUPS",   "BSCALE",  "BZERO",   "BLANK",
      "END",    "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX",  "INHERIT",  "TFIELDS", "THEAP",    "ZIMAGE",  "ZBITPIX", "ZNAXIS",
      "ZPCOUNT", "ZGCOUNT", "ZSIMPLE", "ZTENSION", "ZEXTEND", "ZBLOCKED", "ZCMPTYPE", "ZQUANTIZ", "ZDITHER0", "ZMASKCMP", "ZBLANK",
      "ZSCALE", "ZZERO",   "ZHECKSUM", "ZDATASUM", "BLOCKED"};
  if (std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys)) return true;
  for (const std::string_view prefix :
       {"NAXIS", "PTYPE", "PSCAL", "PZERO", "TTYPE", "TFORM", "TUNIT", "TSCAL", "TZERO", "TNULL", "TDISP", "TDIM", "TBCOL", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL"}) {
    if (has_prefix_and_number(key, prefix)) return true;
  }
  return false;
}

std::string padded(std::string card) {
  card.resize(kCard, ' ');
  return card;
}

std::string text_of_double(double value) {
  std::string text = format_number(value);
  for (char& c : text) c = c == 'e' ? 'E' : c;
  if (text.find_first_of(".E") == std::string::npos) text += ".0";
  return text;
}

std::string with_comment(std::string card, const std::string& comment) {
  if (!comment.empty() && card.size() + 3 < kCard) card += " / " + comment.substr(0, kCard - card.size() - 3);
  return padded(std::move(card));
}

/// COMMENT, HISTORY and blank cards: lines of 72 characters.
std::string commentary_cards(std::string_view key, std::string_view text) {
  std::string out, head = fmt::format("{:<8}", key);
  std::size_t begin = 0;
  do {
    const std::size_t line = std::min(text.find('\n', begin), text.size());
    const std::size_t n = std::min<std::size_t>(line - begin, kCard - 8);
    out += padded(head + printable(text.substr(begin, n)));
    begin += n;
    if (begin < text.size() && text[begin] == '\n') ++begin;
  } while (begin < text.size());
  return out;
}

/// "'" doubled, so that a piece never ends between the two.
std::vector<std::string> quoted_pieces(const std::string& text, std::size_t longest) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    const std::string_view mark = c == '\'' ? "''" : std::string_view(&c, 1);
    if (pieces.back().size() + mark.size() > longest) pieces.emplace_back();
    pieces.back() += mark;
  }
  return pieces;
}

std::string text_cards(const std::string& head, const std::string& text, const std::string& comment) {
  const auto whole = quoted_pieces(text, kCard);
  if (whole.size() == 1 && head.size() + whole[0].size() + 2 <= kCard) {
    return with_comment(fmt::format("{:<30}", fmt::format("{}'{:<8}'", head, whole[0])), comment);
  }
  // One character less for "&".
  const auto pieces = quoted_pieces(text, kCard - 10 - 3);
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool last = i + 1 == pieces.size();
    const std::string card = (i == 0 ? head : std::string(kContinue) + "  ") + "'" + pieces[i] + (last ? "'" : "&'");
    out += last ? with_comment(card, comment) : padded(card);
  }
  return out;
}

}  // namespace

std::vector<Attribute> parse_cards(std::string_view text) {
  std::vector<Attribute> out;
  bool continues = false;  // the last attribute is a string that ended in "&"
  for (std::size_t at = 0; at + kCard <= text.size(); at += kCard) {
    const std::string_view raw = text.substr(at, kCard);
    const Card card = split_card(raw);
    if (card.key == kContinue && continues) {
      const Field more = parse_field(raw.substr(8));
      if (more.is_text) {
        auto& value = std::get<std::string>(out.back().value);
        value.pop_back();
        value += std::get<std::string>(more.value);
        continues = value.ends_with('&');
        if (!more.comment.empty()) out.back().comment += (out.back().comment.empty() ? "" : " ") + more.comment;
        continue;
      }
    }
    continues = false;
    if (!card.has_value) {
      out.push_back({std::string(card.key), std::string(trimmed_end(card.value)), ""});
      continue;
    }
    Field field = parse_field(card.value);
    continues = field.is_text && std::get<std::string>(field.value).ends_with('&');
    out.push_back({std::string(card.key), std::move(field.value), std::move(field.comment)});
  }
  return out;
}

std::string format_cards(const Attribute& attribute) {
  // Cards hold no lists.
  if (is_list(attribute.value)) return format_cards({attribute.key, text_of(attribute.value), attribute.comment});
  const std::string comment = printable(attribute.comment);
  std::string key = attribute.key;
  for (char& c : key) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (is_commentary(key)) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    return commentary_cards(key, text != nullptr ? *text : comment);
  }
  const bool plain = key.size() <= 8 && std::all_of(key.begin(), key.end(), is_keyword_char);
  if (!plain) {
    key = printable(key);
    std::replace(key.begin(), key.end(), '=', '_');
  }
  const std::string head = plain ? fmt::format("{:<8}= ", key) : fmt::format("HIERARCH {} = ", key);

  std::string value;
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    if (plain) return text_cards(head, printable(*text), comment);
    value = fmt::format("'{}'", quoted_pieces(printable(*text), text->size() * 2 + 1)[0]);
  } else if (const auto* flag = std::get_if<bool>(&attribute.value)) {
    value = *flag ? "T" : "F";
  } else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
    value = std::to_string(*whole);
  } else if (const auto* large = std::get_if<std::uint64_t>(&attribute.value)) {
    value = std::to_string(*large);
  } else if (const double number = std::get<double>(attribute.value); std::isfinite(number)) {
    value = text_of_double(number);  // FITS has no NaN in headers: such a keyword stays without a value
  }
  if (plain) return with_comment(fmt::format("{}{:>20}", head, value), comment);
  if (head.size() + value.size() > kCard) return commentary_cards("COMMENT", key + " = " + value);
  return with_comment(head + value, comment);
}

std::string sanitised_cards(std::string_view cards) {
  ensure(cards.size() % kCard == 0, "header cards are 80 characters each");
  std::string out;
  bool keeps_continuations = false;
  for (std::size_t at = 0; at < cards.size(); at += kCard) {
    std::string raw = printable(cards.substr(at, kCard));
    const Card card = split_card(raw);
    if (card.key == kContinue) {
      const Field field = parse_field(std::string_view(raw).substr(8));
      if (keeps_continuations && field.is_text && field.is_valid) {
        out += raw;
        keeps_continuations = std::get<std::string>(field.value).ends_with('&');
      }
      continue;
    }
    keeps_continuations = false;
    if (is_structural(card.key) && !card.is_hierarch) continue;
    if (!card.has_value) {
      if (is_commentary(card.key)) {
        out += raw;
      } else {
        out += commentary_cards("COMMENT", trimmed_end(raw));
      }
      continue;
    }
    Field field = parse_field(card.value);
    const bool plain = !card.is_hierarch && std::all_of(card.key.begin(), card.key.end(), is_keyword_char) && raw[9] == ' ';
    if (field.is_valid && (plain || card.is_hierarch)) {
      out += raw;
      keeps_continuations = field.is_text && std::get<std::string>(field.value).ends_with('&');
    } else {
      out += format_cards({std::string(card.key), std::move(field.value), std::move(field.comment)});
    }
  }
  return out;
}

std::string without_key(std::string_view cards, std::string_view key) {
  std::string out;
  bool dropping = false;
  for (std::size_t at = 0; at + kCard <= cards.size(); at += kCard) {
    const std::string_view raw = cards.substr(at, kCard);
    const Card card = split_card(raw);
    if (card.key != kContinue) dropping = card.has_value && card.key == key;
    if (!dropping) out += raw;
  }
  return out;
}

}  // namespace freestone::formats::fits
