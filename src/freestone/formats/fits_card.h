/// FITS header cards: 80 characters of text each, to attributes and back.
///
/// After the FITS standard 4.0, section 4, with its conventions for long strings (CONTINUE) and HIERARCH keywords. Reading
/// is lenient, as real headers are not all valid; writing is strict.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "freestone/formats/format.h"

namespace freestone::formats::fits {

inline constexpr Index kBlockBytes = 2880;
inline constexpr Index kCardBytes = 80;

/// The attributes of a header's cards, `text` being 80 characters for each. A keyword without a value has the value ""; a
/// number that is none, and a complex one, stay text. COMMENT, HISTORY and blank cards are attributes with that key.
std::vector<Attribute> parse_cards(std::string_view text);

/// One attribute as one card or more.
std::string format_cards(const Attribute& attribute);

/// `cards` with what only the file's own structure may say left out (SIMPLE, BITPIX, NAXIS, scaling, checksums, data limits,
/// compression, columns), and what breaks the standard written anew.
std::string sanitised_cards(std::string_view cards);

/// `cards` without those whose keyword is `key`, their continuations too.
std::string without_key(std::string_view cards, std::string_view key);

}  // namespace freestone::formats::fits
