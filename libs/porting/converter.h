#pragma once

// Users of other systems' exports in the format of bulk import.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/porting/records.h"

namespace gatehouse::porting {

struct Converted {
  json::Value user;                   // in the format of bulk import
  std::vector<std::string> problems;  // why it can't be imported; empty: it can
  std::vector<std::string> notes;     // what is lost with it
};

struct ConvertOptions {
  std::string tenant = "public";  // of everybody
  // Whether users without a usable password hash come all the same, and set a password by a reset.
  bool reset_passwords = false;
  std::string hash_config_path;  // of firebase
  std::string hashes_path;       // of auth0
};

using ConvertFunction = std::function<Converted(const json::Value& record)>;

// A kind of export file. Texts never hold values of the file, only names of members.
struct Format {
  std::string_view name;  // for --from
  Records::Layout layout = Records::Layout::kLines;
  std::string_view member;  // of Layout::kArray
  // Makes the function that converts a parsed record; reads the files that options name.
  absl::StatusOr<ConvertFunction> (*make)(const ConvertOptions&) = nullptr;
};

// The format by its name; for cognito, by the file's name too. InvalidArgument for an unknown one.
absl::StatusOr<Format> FindFormat(std::string_view name, std::string_view path);

// Parses and converts. A record that is no JSON object is a problem too.
Converted ConvertRecord(const ConvertFunction& convert, std::string_view text);

}  // namespace gatehouse::porting
