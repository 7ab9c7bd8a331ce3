/// The operations by name, with their parameters as JSON.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "freestone/array/array.h"

namespace freestone::oracle {

using Json = nlohmann::json;

struct Call {
  Json p;
  std::vector<Array> arrays;

  const Array& operator[](std::size_t i) const { return arrays.at(i); }
  const Array& a() const { return arrays.at(0); }
  const Array& b() const { return arrays.at(1); }
  int axis(int otherwise = -1) const { return p.value("axis", otherwise); }
  std::vector<int> axes(const char* name = "axes") const { return p.value(name, std::vector<int>()); }
  bool flag(const char* name) const { return p.value(name, false); }
  Index integer(const char* name, Index otherwise = 0) const { return p.value(name, otherwise); }
  double number(const char* name, double otherwise = 0) const { return p.value(name, otherwise); }
  std::string text(const char* name, const std::string& otherwise = {}) const { return p.value(name, otherwise); }
  template <class T>
  std::vector<T> list(const char* name) const {
    return p.value(name, std::vector<T>());
  }
  template <class T>
  std::optional<T> maybe(const char* name) const {
    if (!p.contains(name) || p.at(name).is_null()) return std::nullopt;
    return p.at(name).get<T>();
  }
  std::optional<DType> dtype() const {
    const auto name = maybe<std::string>("dtype");
    return name ? std::optional(parse_dtype(*name)) : std::nullopt;
  }
};

using Operation = std::function<std::vector<Array>(const Call&)>;
const std::map<std::string, Operation>& all_operations();

}  // namespace freestone::oracle
