/// How many texts are carried along with the metadata of a file or a store. Labels are few; what is more than that stays unread.
#pragma once

#include <algorithm>
#include <limits>
#include <string>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"
#include "freestone/core/dtype.h"

namespace freestone::formats {

/// What is left for one array (with `whole`), or for all arrays that are opened together, of which is taken what is kept. Errors have kind user, and no
/// name of the array.
class TextRoom {
 public:
  static constexpr Index kMostTexts = 65'536, kMostBytes = Index{16} << 20;  // of one array
  static constexpr Index kMostTextsOfAll = 16 * kMostTexts, kMostBytesOfAll = 4 * kMostBytes;

  TextRoom() : texts_(kMostTextsOfAll), bytes_(kMostBytesOfAll) {}
  /// For all, where they take other memory.
  explicit TextRoom(Index bytes) : texts_(std::numeric_limits<Index>::max()), bytes_(bytes), all_bytes_(bytes) {}
  explicit TextRoom(TextRoom& whole) : whole_(&whole), texts_(kMostTexts), bytes_(kMostBytes), all_bytes_(kMostBytes) {}

  Index bytes() const { return whole_ == nullptr ? bytes_ : std::min(bytes_, whole_->bytes_ - taken_bytes()); }

  /// @throws Error there are more than are left, of which nothing is taken then
  void take_texts(Index count) {
    if (count > texts_) fail(ErrorKind::kUser, "its elements are {} texts, more than Freestone carries along ({})", count, kMostTexts);
    if (whole_ != nullptr && count > whole_->texts_ - taken_texts()) {
      fail(ErrorKind::kUser, "with its {} texts there would be more in all than Freestone carries along ({})", count, kMostTextsOfAll);
    }
    texts_ -= count;
  }
  /// @throws as take_texts
  void take_bytes(Index count) {
    if (count > bytes()) fail_by_bytes(count);
    bytes_ -= count;
  }
  /// What bytes are short of: for messages that know no more than that.
  std::string limit() const {
    const std::string own = format_bytes(all_bytes_);
    return bytes() == bytes_ ? own : fmt::format("{} of one array, or {} of all,", own, format_bytes(kMostBytesOfAll));
  }
  [[noreturn]] void fail_by_bytes(Index count) const {
    if (whole_ != nullptr && count <= bytes_) {
      fail(ErrorKind::kUser, "with its texts those of all arrays would be more than the {} that Freestone carries along", format_bytes(kMostBytesOfAll));
    }
    fail(ErrorKind::kUser, "its texts are more than the {} that Freestone carries along", format_bytes(all_bytes_));
  }

  /// The texts of one array are there: what they took is taken of the whole. Arrays that are left out take nothing of it.
  void keep() {
    if (whole_ == nullptr) return;
    whole_->texts_ -= taken_texts();
    whole_->bytes_ -= taken_bytes();
  }

 private:
  // Of one array.
  Index taken_texts() const { return kMostTexts - texts_; }
  Index taken_bytes() const { return kMostBytes - bytes_; }

  TextRoom* whole_ = nullptr;
  Index texts_, bytes_, all_bytes_ = kMostBytesOfAll;
};

}  // namespace freestone::formats
