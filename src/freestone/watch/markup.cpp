#include "freestone/watch/markup.h"

#include <cstdint>

#include "freestone/base/utf8.h"

namespace freestone::watch {

std::string valid_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const auto first = static_cast<std::uint8_t>(text[0]);
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else if (first < 0x20 || first == 0x7F)
      out += ' ';
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : valid_text(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace freestone::watch
