/// Amounts and names as people write them: bytes, seconds, and the nearest of a list of names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace freestone {

/// Sizes, counts and positions: signed, 64 bits, everywhere.
using Index = std::int64_t;

/// Bytes from "512MiB", "2 GiB", "1.5GB", "4096", "300k" (K, M, G, T, P with i: powers of 1024; without: of 1000).
/// @throws Error kind user: not a size, negative, or more than 2^62
Index parse_bytes(std::string_view text);

/// "512 MiB", "1.21 GiB", "873 B": binary units, three digits.
std::string format_bytes(Index bytes);

/// "1.2 s", "340 ms", "2 min 5 s", "3 h 12 min".
std::string format_seconds(double seconds);

/// 1234567 as "1,234,567".
std::string format_count(Index count);

/// A double in the fewest digits that read back as the same number; "nan", "inf", "-inf".
std::string format_number(double value);

/// The name in `names` that a typing error may have meant, or "" when none is near (case is ignored).
std::string nearest_name(std::string_view wanted, const std::vector<std::string>& names);

/// " Did you mean 'moment'?" or "".
std::string suggestion(std::string_view wanted, const std::vector<std::string>& names);

}  // namespace freestone
