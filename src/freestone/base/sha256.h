/// SHA-256 (FIPS 180-4) and HMAC of it (RFC 2104): requests to object stores are signed with them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace freestone {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view message);
/// Lower case.
std::string hexadecimal(const Sha256& digest);
/// The digest as bytes of a text, the key of the next HMAC.
inline std::string_view bytes_of(const Sha256& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

}  // namespace freestone
