#include "libs/porting/entries.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::porting {
namespace {

constexpr int64_t kMaxUsers = 10000;  // the server's
// The server takes 10 MiB by default.
constexpr size_t kMaxBytes = 4 * 1024 * 1024;

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// The server writes numbers in its own way.
std::string Digits(std::string_view phone) {
  std::string digits;
  std::copy_if(phone.begin(), phone.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

}  // namespace

uint64_t FingerprintOf(const json::Value& user) {
  std::string key;
  if (const auto id = user.FindString("externalUserId"); id && !id->empty()) {
    key = StrCat("id ", *id);
  } else if (const json::Value* methods = user.Find("loginMethods");
             methods != nullptr && !methods->elements().empty()) {
    const json::Value& first = methods->elements().front();
    for (const char* name :
         {"recipeId", "email", "phoneNumber", "thirdPartyId", "thirdPartyUserId"}) {
      const std::string_view value = first.FindString(name).value_or("");
      const bool is_phone = std::string_view(name) == "phoneNumber";
      key += StrCat(is_phone ? Digits(value) : Lower(value), "\n");
    }
  }
  return std::hash<std::string>()(key);
}

absl::StatusOr<Entries> Entries::Open(const std::string& path, const Format& format,
                                      const ConvertOptions& options) {
  ASSIGN_OR_RETURN(Records records, Records::Open(path, format.layout, std::string(format.member)));
  ASSIGN_OR_RETURN(ConvertFunction convert, format.make(options));
  return Entries(std::move(records), std::move(convert));
}

absl::StatusOr<std::vector<Entry>> Entries::Next(int64_t limit) {
  std::vector<Entry> entries;
  size_t bytes = 0;
  Record record;
  while (static_cast<int64_t>(entries.size()) < std::min(limit, kMaxUsers) && bytes < kMaxBytes) {
    ASSIGN_OR_RETURN(const bool more, records_.Next(record));
    if (!more) break;
    Entry& entry = entries.emplace_back();
    entry.line = record.line;
    entry.converted = ConvertRecord(convert_, record.text);
    entry.text = json::Serialize(entry.converted.user);
    entry.fingerprint = FingerprintOf(entry.converted.user);
    bytes += entry.text.size();
  }
  return entries;
}

std::string WithoutValues(std::string text, const json::Value& user) {
  const auto hide = [&text](const json::Value& object, const char* name) {
    const std::string_view value = object.FindString(name).value_or("");
    for (const std::string& form : {std::string(value), Lower(value)}) {
      if (!form.empty()) text = absl::StrReplaceAll(text, {{form, "…"}});
    }
  };
  hide(user, "externalUserId");
  if (const json::Value* methods = user.Find("loginMethods")) {
    for (const json::Value& method : methods->elements()) {
      for (const char* name :
           {"email", "phoneNumber", "thirdPartyUserId", "passwordHash", "plainTextPassword"}) {
        hide(method, name);
      }
    }
  }
  return text;
}

}  // namespace gatehouse::porting
