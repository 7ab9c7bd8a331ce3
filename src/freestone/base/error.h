/// Errors: one exception type, with a kind and a chain of context.
///
/// The innermost message says what is wrong and what would help; each layer that the error passes may add where it was
/// (operation, region, file). `what()` is the whole paragraph as a person reads it.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freestone {

enum class ErrorKind {
  kUser,       ///< The request is wrong: an argument, a name, a unit.
  kData,       ///< A file does not hold what it says.
  kIo,         ///< The operating system refused: missing, no permission, disk full.
  kMemory,     ///< It cannot fit the budget.
  kCancelled,  ///< Somebody asked to stop.
  kInternal    ///< A defect of Freestone.
};

/// "user", "data", "io", "memory", "cancelled", "internal".
std::string_view name_of(ErrorKind kind);

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message);

  ErrorKind kind() const { return kind_; }
  /// The message alone, without context.
  const std::string& message() const { return message_; }
  /// Where it happened, innermost first.
  const std::vector<std::string>& context() const { return context_; }
  const char* what() const noexcept override { return text_.c_str(); }

  /// The same error, with one more place it passed, such as "sigma_clip, region [0:512, 16:32, 0:768]".
  Error& within(std::string place);

 private:
  ErrorKind kind_;
  std::string message_;
  std::vector<std::string> context_;
  std::string text_;
};

/// Throws an Error of kind user, data, io, memory or internal with a formatted message.
template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws an io Error: `what` (a path and an action) and the text of errno.
[[noreturn]] void fail_errno(int error_number, std::string_view what);

/// Throws an internal Error when `holds` is false: for what only a defect of Freestone could break.
inline void ensure(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::kInternal, what);
}

}  // namespace freestone
