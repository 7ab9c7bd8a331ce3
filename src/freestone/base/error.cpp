#include "freestone/base/error.h"

#include <fmt/ranges.h>

#include <system_error>

namespace freestone {

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUser: return "user";
    case ErrorKind::kData: return "data";
    case ErrorKind::kIo: return "io";
    case ErrorKind::kMemory: return "memory";
    case ErrorKind::kCancelled: return "cancelled";
    case ErrorKind::kInternal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)), text_(message_) {}

Error& Error::within(std::string place) {
  context_.push_back(std::move(place));
  text_ = fmt::format("{} (in {})", message_, fmt::join(context_, "; in "));
  return *this;
}

void fail_errno(int error_number, std::string_view what) {
  throw Error(ErrorKind::kIo, fmt::format("{}: {}", what, std::generic_category().message(error_number)));
}

}  // namespace freestone
