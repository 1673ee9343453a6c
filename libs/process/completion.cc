#include "libs/process/completion.h"

#include "absl/strings/str_replace.h"
#include "libs/base/strings.h"
#include "libs/process/command_table.h"

namespace gatehouse::process {
namespace {

constexpr std::string_view kShells = "bash zsh fish";

std::string CommandNames() {
  std::string names;
  for (const CommandRow& row : Commands()) names += StrCat(names.empty() ? "" : " ", row.name);
  return names;
}

bool IsPath(const OptionRow& option) {
  return option.argument == "FILE" || option.argument == "DIR";
}

// Within single quotes, for a shell.
std::string Quoted(std::string_view text) {
  return absl::StrReplaceAll(absl::string_view(text.data(), text.size()), {{"'", "'\\''"}});
}

bool TakesPath(const CommandRow& command) { return command.argument == "FILE"; }

// What may follow a command in place of an option.
std::string ArgumentsOf(const CommandRow& command) {
  if (command.name == "completion") return std::string(kShells);
  return command.name == "help" ? CommandNames() : "";
}

std::string Bash() {
  std::string paths;
  std::string values;
  for (const OptionRow& option : Options()) {
    if (option.argument.empty()) continue;
    std::string& list = IsPath(option) ? paths : values;
    list += StrCat(list.empty() ? "" : "|", "--", option.name);
  }
  std::string cases;
  std::string with_path;
  for (const CommandRow& command : Commands()) {
    if (TakesPath(command)) with_path += StrCat(with_path.empty() ? "" : "|", command.name);
    std::string words = ArgumentsOf(command);
    for (const OptionRow& option : Options()) {
      if (Takes(command.name, option)) words += StrCat(words.empty() ? "" : " ", "--", option.name);
    }
    cases += StrCat("    ", command.name, ") words='", words, "' ;;\n");
  }
  return StrCat(
      "# Completion of gatehouse for bash; made by `gatehouse completion bash`.\n"
      "_gatehouse() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command words i\n"
      "  COMPREPLY=()\n"
      "  case $before in\n"
      "    ",
      paths,
      ") mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n"
      "    ",
      values,
      ") return ;;\n"
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    if [[ ${COMP_WORDS[i]} != -* ]]; then command=${COMP_WORDS[i]}; break; fi\n"
      "  done\n"
      "  case $command in\n"
      "    '') words='",
      CommandNames(), " --help --version' ;;\n", cases,
      "  esac\n"
      "  case $command in\n"
      "    ",
      with_path,
      ") if [[ $word != -* ]]; then mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return; fi "
      ";;\n"
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "}\n"
      "complete -F _gatehouse gatehouse\n");
}

// Within a description of zsh's _arguments and _describe, in single quotes.
std::string ForZsh(std::string_view text) {
  return absl::StrReplaceAll(Quoted(text), {{"[", "("}, {"]", ")"}, {":", "\\:"}});
}

std::string Zsh() {
  std::string commands;
  std::string cases;
  for (const CommandRow& command : Commands()) {
    commands += StrCat("    '", command.name, ":", ForZsh(command.summary), "'\n");
    cases += StrCat("        ", command.name, ") _arguments");
    for (const OptionRow& option : Options()) {
      if (!Takes(command.name, option)) continue;
      cases += StrCat(" \\\n          '--", option.name, option.argument.empty() ? "" : "=", "[",
                      ForZsh(option.text), "]");
      if (!option.argument.empty()) {
        cases += StrCat(":", option.argument, ":", IsPath(option) ? "_files" : "");
      }
      cases += "'";
    }
    if (const std::string words = ArgumentsOf(command); !words.empty()) {
      cases += StrCat(" \\\n          '1:", command.argument, ":(", words, ")'");
    } else if (TakesPath(command)) {
      cases += " \\\n          '1:FILE:_files'";
    }
    cases += " ;;\n";
  }
  return StrCat(
      "#compdef gatehouse\n"
      "# Completion of gatehouse for zsh; made by `gatehouse completion zsh`.\n"
      "_gatehouse() {\n"
      "  local state\n"
      "  local -a commands\n"
      "  commands=(\n",
      commands,
      "  )\n"
      "  _arguments -C '1: :->command' '*:: :->rest'\n"
      "  case $state in\n"
      "    command) _describe command commands ;;\n"
      "    rest)\n"
      "      case $words[1] in\n",
      cases,
      "      esac ;;\n"
      "  esac\n"
      "}\n"
      "_gatehouse \"$@\"\n");
}

std::string Fish() {
  std::string text =
      "# Completion of gatehouse for fish; made by `gatehouse completion fish`.\n"
      "complete -c gatehouse -f\n";
  for (const CommandRow& command : Commands()) {
    text += StrCat("complete -c gatehouse -n __fish_use_subcommand -a ", command.name, " -d '",
                   Quoted(command.summary), "'\n");
    const std::string here =
        StrCat("complete -c gatehouse -n '__fish_seen_subcommand_from ", command.name, "'");
    if (const std::string words = ArgumentsOf(command); !words.empty()) {
      text += StrCat(here, " -a '", words, "'\n");
    } else if (TakesPath(command)) {
      text += StrCat(here, " -F\n");
    }
    for (const OptionRow& option : Options()) {
      if (!Takes(command.name, option)) continue;
      text += StrCat(here, " -l ", option.name,
                     option.argument.empty() ? ""
                     : IsPath(option)        ? " -r -F"
                                             : " -x",
                     " -d '", Quoted(option.text), "'\n");
    }
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> CompletionScript(const std::string& shell) {
  if (shell == "bash") return Bash();
  if (shell == "zsh") return Zsh();
  if (shell == "fish") return Fish();
  return absl::InvalidArgumentError("completion needs the name of a shell: bash, zsh or fish");
}

}  // namespace gatehouse::process
