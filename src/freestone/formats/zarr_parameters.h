/// What the metadata of a Zarr array say of one codec.
#pragma once

#include <optional>
#include <string>

#include "freestone/formats/zarr_metadata.h"

namespace freestone::formats::zarr {

/// The parameters of one codec, by whatever name its version has for them.
class Parameters {
 public:
  Parameters(const std::string& file, std::string codec, const Json& object) : file_(file), codec_(std::move(codec)), object_(object) {
    if (!object.is_object() && !object.is_null())
      fail(ErrorKind::kData, "{}: the configuration of codec '{}' is no object.", file_, codec_);
  }
  const std::string& file() const { return file_; }
  const std::string& codec() const { return codec_; }
  const Json& at(const std::string& key) const {
    static const Json kNull;
    const auto found = object_.is_object() ? object_.find(key) : object_.end();
    return found == object_.end() ? kNull : *found;
  }
  int whole(const std::string& key, std::optional<int> otherwise) const {
    const Json& value = at(key);
    if (value.is_null() && otherwise) return *otherwise;
    if (!value.is_number_integer() || value.get<std::int64_t>() < -(1 << 30) || value.get<std::int64_t>() > 1 << 30) damaged(key);
    return value.get<int>();
  }
  double real(const std::string& key) const {
    const auto value = number(at(key));
    if (!value) damaged(key);
    return *value;
  }
  bool truth(const std::string& key) const {
    const Json& value = at(key);
    if (!value.is_null() && !value.is_boolean()) damaged(key);
    return value.is_boolean() && value.get<bool>();
  }
  std::string text(const std::string& key, const std::string& otherwise) const {
    const Json& value = at(key);
    if (value.is_null()) return otherwise;
    if (!value.is_string()) damaged(key);
    return value.get<std::string>();
  }
  /// It has a setting that Freestone does not read.
  [[noreturn]] void unread(const std::string& what) const {
    fail(ErrorKind::kUser, "{}: its chunks are encoded with '{}' with {}, which Freestone does not read.", file_, codec_, what);
  }
  [[noreturn]] void damaged(const std::string& key) const {
    fail(ErrorKind::kData, "{}: codec '{}' has {} for its {}.", file_, codec_,
         at(key).is_null() ? "nothing" : at(key).dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80), key);
  }

 private:
  const std::string& file_;
  std::string codec_;
  const Json& object_;
};

}  // namespace freestone::formats::zarr
