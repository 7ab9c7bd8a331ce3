/// Headers written as one line of KEY=value words, for the tests of this room.
#pragma once

#include <string>
#include <string_view>

namespace freestone::astro {

/// "CTYPE1='RA---TAN' CRVAL1=10." as cards of 80 characters.
inline std::string cards_of(std::string_view words) {
  std::string cards;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t space = words.find(' ', at), end = space == std::string_view::npos ? words.size() : space;
    const std::string_view word = words.substr(at, end - at);
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) {
      std::string card(word.substr(0, equals));
      card.resize(8, ' ');
      card += "= ";
      card += word.substr(equals + 1);
      card.resize(80, ' ');
      cards += card;
    }
    at = end + 1;
  }
  return cards;
}

}  // namespace freestone::astro
