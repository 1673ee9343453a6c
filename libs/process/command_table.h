#pragma once

// The commands and options of the programs: parsing, help and completion all read these tables.

#include <span>
#include <string_view>

namespace gatehouse::process {

struct CommandRow {
  std::string_view name;
  std::string_view argument;  // what follows it, such as "SHELL"; empty: nothing
  std::string_view summary;   // a line
  std::string_view details;   // of its own help; may be empty
};

struct OptionRow {
  std::string_view name;      // without the dashes
  std::string_view argument;  // such as "PORT"; empty: it takes none
  std::string_view commands;  // those that take it, between blanks; empty: all
  std::string_view text;
};

// In the order of the help.
std::span<const CommandRow> Commands();
std::span<const OptionRow> Options();

// Null when there is no such command.
const CommandRow* FindCommand(std::string_view name);
bool Takes(std::string_view command, const OptionRow& option);

}  // namespace gatehouse::process
