#include "freestone/cli/pipeline_parser.h"

#include "freestone/cli/arguments.h"

namespace freestone::cli {
namespace {

class Parser {
 public:
  explicit Parser(std::span<const std::string> words) : words_(words) {}

  CommandWords command() {
    CommandWords result;
    while (!at_end() && peek() != "!") {
      if (peek() == "[" || peek() == "]")
        refuse("'{}' before the first '!': brackets belong to tee, as in  ! tee [ STEP ] [ STEP ].", peek());
      result.head.push_back(next());
    }
    if (at_end()) return result;
    next();
    result.pipeline = pipeline(false);
    return result;
  }

 private:
  bool at_end() const { return at_ >= words_.size(); }
  const std::string& peek() const { return words_[at_]; }
  const std::string& next() { return words_[at_++]; }

  Pipeline pipeline(bool in_brackets) {
    Pipeline steps;
    while (true) {
      steps.push_back(step());
      if (at_end()) {
        if (in_brackets) refuse("A '[' of tee is not closed. Brackets stand alone, with blanks around them: tee [ STEP ] [ STEP ].");
        return steps;
      }
      if (peek() == "]") {
        if (!in_brackets) refuse("A ']' without its '['. Brackets stand alone, with blanks around them: tee [ STEP ] [ STEP ].");
        next();
        return steps;
      }
      next();  // "!"
    }
  }

  StepCall step() {
    if (at_end() || peek() == "!" || peek() == "]")
      refuse("A step is missing {}. 'freestone steps' lists them.", at_end() ? "after the last '!'" : "before '" + peek() + "'");
    if (peek() == "[") refuse("'[' where a step should stand: brackets belong to tee, as in  ! tee [ STEP ] [ STEP ].");
    StepCall call;
    call.name = next();
    while (!at_end() && peek() != "!" && peek() != "]") {
      if (peek() != "[") {
        call.words.push_back(next());
        continue;
      }
      if (call.name != "tee") refuse("{}: '[' belongs to tee, as in  ! tee [ STEP ] [ STEP ].", call.name);
      next();
      call.branches.push_back(pipeline(true));
    }
    return call;
  }

  std::span<const std::string> words_;
  std::size_t at_ = 0;
};

}  // namespace

CommandWords parse_command(std::span<const std::string> words) { return Parser(words).command(); }

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%[]";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string to_text(const StepCall& step) {
  std::string text = step.name;
  for (const std::string& word : step.words) text += " " + shell_word(word);
  for (const Pipeline& branch : step.branches) {
    text += " [";
    for (std::size_t k = 0; k < branch.size(); ++k) text += (k == 0 ? " " : " ! ") + to_text(branch[k]);
    text += " ]";
  }
  return text;
}

}  // namespace freestone::cli
