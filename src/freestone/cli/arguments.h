/// Arguments: the words of a command or a step, read by a table of its options.
///
/// Commands and steps declare what they take in rows (name, value, help); the same rows serve parsing, help and shell
/// completion. Wrong words are a UsageError, which ends the program with exit code 2.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"

namespace freestone::cli {

/// The command line itself is wrong, whatever the files hold.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

struct OptionRow {
  std::string name;   ///< without the dashes
  std::string value;  ///< what it takes, as help shows it: "N", "PATH"; "" for a switch
  std::string help;
  std::vector<std::string> choices = {};  ///< when not empty: the only values
  bool repeats = false;
  bool is_any_name = false;  ///< stands for every option that has no row: the names of axes
};

/// Options by name and the words that are no options, in order.
class Arguments {
 public:
  /// Reads `words`; a value is the next word or follows "=". "--" ends the options. A word such as "-5" is no option.
  /// @param where  "moment: ", before every message
  /// @throws UsageError  unknown option (with the nearest name), value missing, given twice, not one of its choices
  Arguments(std::span<const std::string> words, const std::vector<OptionRow>& rows, std::string where);

  bool has(const std::string& name) const { return values_.count(name) > 0; }
  std::string text(const std::string& name, const std::string& otherwise = "") const;
  std::vector<std::string> all(const std::string& name) const;
  /// @throws UsageError  not a whole number, or below `least`
  Index integer(const std::string& name, Index otherwise, Index least) const;
  /// @throws UsageError  not a finite number
  double number(const std::string& name, double otherwise) const;
  /// Parts between commas, without blanks around them; `otherwise` when it is not given.
  std::vector<std::string> list(const std::string& name, std::vector<std::string> otherwise = {}) const;
  const std::vector<std::string>& words() const { return words_; }
  const std::string& where() const { return where_; }
  /// Names and values of options that only a row with `is_any_name` allows, in order.
  const std::vector<std::pair<std::string, std::string>>& others() const { return others_; }

  /// `parse(text)`, an Error of it being wrong usage: for values that are wrong whatever the files hold.
  template <class F>
  auto parsed(const std::string& name, F&& parse) const {
    try {
      return parse(text(name));
    } catch (const Error& error) {
      refuse("{}--{}: {}", where_, name, error.what());
    }
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> words_;
  std::vector<std::pair<std::string, std::string>> others_;
  std::string where_;
};

/// @throws UsageError  `text` is no whole number
Index parse_integer(std::string_view text, const std::string& what);
double parse_number(std::string_view text, const std::string& what);
std::vector<std::string> split(std::string_view text, char separator);
std::string trimmed(std::string_view text);

/// Help lines of options: "  --order N   help".
std::string option_help(const std::vector<OptionRow>& rows);

}  // namespace freestone::cli
