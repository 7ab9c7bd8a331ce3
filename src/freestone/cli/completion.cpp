#include <fmt/ranges.h>

#include "freestone/cli/commands.h"
#include "freestone/cli/step.h"

namespace freestone::cli {
namespace {

std::string option_words(const std::vector<OptionRow>& rows) {
  std::string text;
  for (const OptionRow& row : rows) text += (text.empty() ? "--" : " --") + (row.is_any_name ? std::string("time --lat --lon --level") : row.name);
  return text;
}

/// "moment) words='--order --axis' ;;" for every row.
template <class Rows>
std::string cases(const Rows& rows, const std::string& indent, const std::string& variable = "words") {
  std::string text;
  for (const auto& row : rows)
    if (!row.options.empty()) text += fmt::format("{}{}) {}='{}' ;;\n", indent, row.name, variable, option_words(row.options));
  return text;
}

std::string bash() {
  std::string commands;
  for (const CommandRow& row : command_table()) commands += (commands.empty() ? "" : " ") + row.name;
  return fmt::format(R"(# freestone completion for bash: source <(freestone completion bash)
_freestone() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD - 1]}}" step='' words='' i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '{0} --help --version' -- "$cur"))
    return
  fi
  for ((i = COMP_CWORD - 1; i > 1; i--)); do
    case "${{COMP_WORDS[i]}}" in
      '!' | '[') ((i < COMP_CWORD - 1)) && step="${{COMP_WORDS[i + 1]}}"; break ;;
    esac
  done
  case "$prev" in
    '!' | '[') COMPREPLY=($(compgen -W '{1}' -- "$cur")); return ;;
    steps) COMPREPLY=($(compgen -W '{1}' -- "$cur")); return ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
  esac
  if [[ "$cur" == -* ]]; then
    if [[ -n "$step" ]]; then
      case "$step" in
{2}      esac
    else
      case "${{COMP_WORDS[1]}}" in
{3}      esac
    fi
    COMPREPLY=($(compgen -W "$words --help" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}}
complete -o filenames -F _freestone freestone
)",
                     commands, fmt::join(step_names(), " "), cases(step_table(), "        "), cases(command_table(), "        "));
}

std::string zsh() {
  std::string commands;
  for (const CommandRow& row : command_table()) commands += (commands.empty() ? "" : " ") + row.name;
  return fmt::format(R"(#compdef freestone
# freestone completion for zsh: source <(freestone completion zsh), or put it into a folder of $fpath as _freestone
_freestone() {{
  local step='' i
  if ((CURRENT == 2)); then
    compadd -- {0} --help --version
    return
  fi
  for ((i = CURRENT - 1; i > 2; i--)); do
    case "$words[i]" in
      '!'|'[') ((i < CURRENT - 1)) && step="$words[i+1]"; break ;;
    esac
  done
  case "$words[CURRENT-1]" in
    '!'|'['|steps) compadd -- {1}; return ;;
    completion) compadd -- bash zsh fish; return ;;
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    local options='' key="${{step:-$words[2]}}"
    case "$key" in
{2}{3}    esac
    compadd -- ${{=options}} --help
  else
    _files
  fi
}}
compdef _freestone freestone
)",
                     commands, fmt::join(step_names(), " "), cases(step_table(), "      ", "options"),
                     cases(command_table(), "      ", "options"));
}

std::string single_quoted(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("\\'") : std::string(1, c);
  return "'" + out + "'";
}

std::string fish() {
  std::string text = R"(# freestone completion for fish: freestone completion fish | source
function __freestone_after_mark
  set -l words (commandline -opc)
  contains -- "$words[-1]" ! [
end
function __freestone_in_step
  set -l words (commandline -opc)
  set -l step ''
  for i in (seq (count $words))
    if contains -- "$words[$i]" ! [
      set -l next (math $i + 1)
      test $next -le (count $words); and set step $words[$next]
    end
  end
  test "$step" = "$argv[1]"
end
function __freestone_before_steps
  set -l words (commandline -opc)
  not contains -- ! $words
end
complete -c freestone -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'
)";
  text += fmt::format("complete -c freestone -n '__fish_seen_subcommand_from steps' -f -a '{}'\n", fmt::join(step_names(), " "));
  for (const CommandRow& row : command_table()) {
    text += fmt::format("complete -c freestone -n __fish_use_subcommand -f -a {} -d {}\n", row.name, single_quoted(row.summary));
    for (const OptionRow& option : row.options)
      text += fmt::format(
          "complete -c freestone -n '__fish_seen_subcommand_from {}; and __freestone_before_steps' -l {}{} -d {}\n",
          row.name, option.name, option.value.empty() ? "" : " -r", single_quoted(option.help));
  }
  for (const std::string& name : step_names()) text += fmt::format("complete -c freestone -n __freestone_after_mark -f -a {}\n", name);
  for (const StepRow& row : step_table())
    for (const OptionRow& option : row.options)
      text += fmt::format("complete -c freestone -n '__freestone_in_step {}' -l {}{} -d {}\n", row.name, option.name,
                          option.value.empty() ? "" : " -r", single_quoted(option.help));
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  refuse("completion: '{}' is not one of bash, zsh, fish.", shell);
}

}  // namespace freestone::cli
