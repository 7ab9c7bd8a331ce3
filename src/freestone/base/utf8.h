/// UTF-8: what is well-formed, and what becomes so (The Unicode Standard, table 3-7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace freestone {

/// Bytes of the well-formed sequence that `text` begins with; 0: there is none.
std::size_t utf8_sequence_length(std::string_view text);
bool is_utf8(std::string_view text);
/// `text`, whose bytes are taken for Latin-1 where they are no UTF-8.
std::string as_utf8(std::string_view text);
/// False: `point` is no character, and nothing was added.
bool append_utf8(std::uint32_t point, std::string& text);

}  // namespace freestone
