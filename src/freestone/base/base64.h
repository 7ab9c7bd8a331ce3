/// base64 (RFC 4648): bytes in the text of plans, metadata and references.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace freestone {

/// Padded.
std::string base64_encoded(std::span<const std::byte> bytes);
/// Of text padded or not; nothing for what is no base64.
std::optional<std::vector<std::byte>> base64_decoded(std::string_view text);

}  // namespace freestone
