/// The grammar of pipelines: words to steps.
///
///     pipeline:  step ("!" step)*
///     step:      name word* | "tee" ("[" pipeline "]")+
///
/// Only the shape is read here; names and options are checked by the table of steps.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace freestone::cli {

struct StepCall {
  std::string name;
  std::vector<std::string> words;               ///< after the name
  std::vector<std::vector<StepCall>> branches;  ///< of tee
};
using Pipeline = std::vector<StepCall>;

/// The words before the first "!", and the pipeline after it (empty when there is none).
struct CommandWords {
  std::vector<std::string> head;
  Pipeline pipeline;
};

/// @throws UsageError  an empty step, brackets that do not match, a bracket outside of tee
CommandWords parse_command(std::span<const std::string> words);

/// The step as typed, words quoted where a shell needs it.
std::string to_text(const StepCall& step);

/// `word`, in single quotes where a shell would not take it as it is.
std::string shell_word(const std::string& word);

}  // namespace freestone::cli
