#include "libs/porting/dry_run.h"

#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/porting/import.h"
#include "libs/porting/progress.h"

namespace gatehouse::porting {
namespace {

std::string Text(const json::Value& object, std::string_view name) {
  const std::string_view text = object.FindString(name).value_or("");
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// What a login method is known by in one tenant.
BulkApi::Lookup KeyOf(const json::Value& method, std::string_view recipe, std::string tenant) {
  BulkApi::Lookup key{.tenant = std::move(tenant)};
  if (recipe == "thirdparty") {
    key.third_party = Text(method, "thirdPartyId");
    key.third_party_user = Text(method, "thirdPartyUserId");
  } else {
    key.email = absl::AsciiStrToLower(Text(method, "email"));
    if (recipe == "passwordless") key.phone = Text(method, "phoneNumber");
  }
  return key;
}

bool HasMethod(const json::Value& user, std::string_view recipe, std::string_view tenant) {
  const json::Value* methods = user.Find("loginMethods");
  if (methods == nullptr) return false;
  for (const json::Value& method : methods->elements()) {
    if (method.FindString("recipeId") != recipe) continue;
    const json::Value* tenants = method.Find("tenantIds");
    for (const json::Value& each : tenants == nullptr ? json::Array() : tenants->elements()) {
      if (each.AsString() == tenant) return true;
    }
  }
  return false;
}

class Run {
 public:
  Run(Entries& entries, BulkApi& api) : entries_(entries), api_(api) {}

  absl::StatusOr<int> All() {
    while (true) {
      ASSIGN_OR_RETURN(const std::vector<Entry> batch,
                       entries_.Next(std::numeric_limits<int64_t>::max()));
      if (batch.empty()) break;
      RETURN_IF_ERROR(Batch(batch));
    }
    Report();
    return failing_ > 0 ? kExitUsersFailed : 0;
  }

 private:
  absl::Status Batch(const std::vector<Entry>& batch) {
    std::vector<std::string> texts;
    std::vector<size_t> positions;
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!batch[i].converted.problems.empty()) continue;
      texts.push_back(batch[i].text);
      positions.push_back(i);
    }
    std::map<size_t, std::vector<std::string>> faults;
    if (!texts.empty()) {
      ASSIGN_OR_RETURN(const BulkApi::Faults found, api_.Check(texts));
      for (const auto& [index, errors] : found) {
        for (const std::string& error : errors) {
          faults[positions.at(index)].push_back(
              WithoutValues(error, batch[positions.at(index)].converted.user));
        }
      }
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      std::vector<std::string> reasons = batch[i].converted.problems;
      const auto found = faults.find(i);
      if (found != faults.end()) reasons = found->second;
      if (reasons.empty()) RETURN_IF_ERROR(FindConflicts(batch[i], reasons));
      ++users_;
      failing_ += reasons.empty() ? 0 : 1;
      for (const std::string& note : batch[i].converted.notes) ++notes_[note];
      if (!reasons.empty()) progress_.Clear();
      for (const std::string& reason : reasons) {
        std::cout << "line " << batch[i].line << ": " << reason << "\n";
      }
      progress_.Show(entries_.position(), StrCat(std::to_string(users_), " users"));
    }
    return absl::OkStatus();
  }

  // Users that have what only one may have: on the server, and before in the file.
  absl::Status FindConflicts(const Entry& entry, std::vector<std::string>& reasons) {
    const json::Value& user = entry.converted.user;
    const std::string external_id = Text(user, "externalUserId");
    if (!external_id.empty()) {
      ASSIGN_OR_RETURN(const bool mapped, api_.IsMapped(external_id));
      if (mapped) reasons.push_back("this externalUserId is an existing user's");
      FindBefore(StrCat("id ", external_id), "externalUserId", entry.line, reasons);
    }
    const json::Value* methods = user.Find("loginMethods");
    if (methods == nullptr) return absl::OkStatus();
    for (const json::Value& method : methods->elements()) {
      const json::Value* primary = method.Find("isPrimary");
      const bool is_primary =
          methods->size() > 1 || (primary != nullptr && primary->AsBool().value_or(false));
      const json::Value* tenants = method.Find("tenantIds");
      if (tenants == nullptr || tenants->elements().empty()) {
        RETURN_IF_ERROR(FindMethod(method, "public", is_primary, entry.line, reasons));
        continue;
      }
      for (const json::Value& tenant : tenants->elements()) {
        RETURN_IF_ERROR(FindMethod(method, std::string(tenant.AsString().value_or("public")),
                                   is_primary, entry.line, reasons));
      }
    }
    return absl::OkStatus();
  }

  absl::Status FindMethod(const json::Value& method, const std::string& tenant, bool is_primary,
                          int64_t line, std::vector<std::string>& reasons) {
    const std::string recipe = Text(method, "recipeId");
    BulkApi::Lookup whole = KeyOf(method, recipe, tenant);
    // One thing at a time: a look-up finds users that have all of it.
    std::vector<std::pair<const char*, BulkApi::Lookup>> keys;
    if (!whole.email.empty()) keys.push_back({"email", {.tenant = tenant, .email = whole.email}});
    if (!whole.phone.empty()) keys.push_back({"phone", {.tenant = tenant, .phone = whole.phone}});
    if (!whole.third_party.empty()) keys.push_back({"third-party identity", whole});
    for (const auto& [what, key] : keys) {
      ASSIGN_OR_RETURN(const std::vector<json::Value> found, api_.Find(key));
      for (const json::Value& other : found) {
        const json::Value* primary = other.Find("isPrimaryUser");
        if (HasMethod(other, recipe, tenant)) {
          reasons.push_back(
              StrCat("this ", what, " is an existing user's (", recipe, ", tenant ", tenant, ")"));
        } else if (is_primary && primary != nullptr && primary->AsBool().value_or(false)) {
          reasons.push_back(
              StrCat("this ", what, " is another primary user's (tenant ", tenant, ")"));
        }
      }
      FindBefore(StrCat(recipe, "\n", tenant, "\n", key.email, "\n", key.phone, "\n",
                        key.third_party, "\n", key.third_party_user),
                 StrCat(recipe, " ", what), line, reasons);
    }
    return absl::OkStatus();
  }

  void FindBefore(const std::string& key, std::string_view what, int64_t line,
                  std::vector<std::string>& reasons) {
    const auto [first, is_new] = seen_.emplace(std::hash<std::string>()(key), line);
    if (!is_new) {
      reasons.push_back(StrCat("the same ", what, " as line ", std::to_string(first->second)));
    }
  }

  void Report() {
    progress_.Clear();
    std::cout << std::flush;
    std::cerr << users_ << (users_ == 1 ? " user" : " users") << ": " << failing_
              << " would fail. Nothing was changed." << std::endl;
    for (const auto& [note, count] : notes_) std::cerr << count << ": " << note << std::endl;
  }

  Entries& entries_;
  BulkApi& api_;
  Progress progress_{"checking", entries_.size()};
  int64_t users_ = 0;
  int64_t failing_ = 0;
  std::map<std::string, int64_t> notes_;
  std::unordered_map<uint64_t, int64_t> seen_;  // hash of a key: the first line that has it
};

}  // namespace

absl::StatusOr<int> DryRun(Entries& entries, BulkApi& api) { return Run(entries, api).All(); }

}  // namespace gatehouse::porting
