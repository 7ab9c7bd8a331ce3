/// Markup: text from outside (paths, labels, messages) made fit for HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace freestone::watch {

/// Well-formed UTF-8 without control characters: each bad byte becomes U+FFFD, each control character a space.
std::string valid_text(std::string_view text);

/// valid_text with & < > " as entities.
std::string escaped(std::string_view text);

}  // namespace freestone::watch
