/// FitsHeader: the cards of a FITS header as an ordered list.
///
/// Carries what a cube knows beside its pixels and its WCS (OBJECT, TELESCOP, beam, HISTORY...) from the file it was read from to
/// the files made of it. Cards that are not touched keep their 80 characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone::astro {

/// std::monostate: the card has no value (undefined), or is COMMENT, HISTORY or blank.
using CardValue = std::variant<std::monostate, bool, Index, double, std::string>;

struct Card {
  std::string keyword;  ///< upper case, up to 8 characters; HIERARCH keywords as "ESO INS NAME"
  CardValue value;
  std::string comment;  ///< for COMMENT, HISTORY and blank cards: their text
  std::string raw;      ///< the 80 characters (80 more for each CONTINUE) it was read from; "" once changed
};

class FitsHeader {
 public:
  FitsHeader() = default;
  /// Cards of 80 characters, without regard to END and what follows; a short last card is filled up. CONTINUE cards are joined to the
  /// string they continue. Never fails: a value that cannot be read stays a card without value whose text is kept.
  static FitsHeader parse(std::string_view cards);

  const std::vector<Card>& cards() const { return cards_; }
  bool has(std::string_view keyword) const { return find(keyword) != nullptr; }
  /// The first card of this name, or nullptr. Case is ignored.
  const Card* find(std::string_view keyword) const;
  /// Values by type: numbers also from cards of the other number type and from strings that hold one ('1.4' is found in the wild).
  std::optional<double> number(std::string_view keyword) const;
  std::optional<Index> integer(std::string_view keyword) const;
  std::optional<bool> logical(std::string_view keyword) const;
  /// Trailing blanks are taken off.
  std::optional<std::string> text(std::string_view keyword) const;
  /// Texts of all HISTORY cards, in order.
  std::vector<std::string> history() const;

  /// Changes the first card of this name or adds one before the first trailing COMMENT or HISTORY; an empty comment keeps the old one.
  /// @throws Error kind user: a keyword FITS does not allow, a number that is not finite, text outside of ASCII
  void set(std::string_view keyword, CardValue value, std::string_view comment = {});
  /// Removes all cards of this name. @returns whether there were any
  bool remove(std::string_view keyword);
  /// Adds HISTORY cards, as many as the text needs.
  void add_history(std::string_view text);

  /// What may go to a product with another WCS, unit and layout: no structure (SIMPLE, BITPIX, NAXIS*, EXTEND, XTENSION, PCOUNT, GCOUNT,
  /// BSCALE, BZERO, BLANK, EXTNAME, EXTVER, CHECKSUM, DATASUM, DATAMIN, DATAMAX, compression), no WCS, no BUNIT, no beam.
  FitsHeader without_structure() const;

  /// Cards of 80 characters, without END. Doubles in the fewest digits that read back the same.
  std::string format() const;

 private:
  std::vector<Card> cards_;
};

/// One card of 80 characters (or several, with CONTINUE, for a long string).
/// @throws Error kind user: as `FitsHeader::set`
std::string format_card(std::string_view keyword, const CardValue& value, std::string_view comment = {});

/// Whether a keyword belongs to the primary WCS of an image (CTYPE1, CD3_3, RESTFRQ, LONPOLE...).
bool is_wcs_keyword(std::string_view keyword);

}  // namespace freestone::astro
