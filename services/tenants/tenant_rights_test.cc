#include "services/tenants/tenant_rights.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/status.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {
namespace {

using tenancy::MakeScope;

constexpr std::pair<Action, const char*> kActions[] = {
    {Action::kCreate, "create"},
    {Action::kChange, "change"},
    {Action::kRemove, "remove"},
    {Action::kConfigureProviders, "third-party configuration"},
    {Action::kAssociateUsers, "users in and out"},
    {Action::kRead, "read"},
    {Action::kListTenants, "list tenants"},
    {Action::kListApps, "list apps"},
    {Action::kListAll, "list everything"}};
constexpr std::pair<Target, const char*> kTargets[] = {{Target::kBase, "the base"},
                                                       {Target::kDomain, "a domain"},
                                                       {Target::kApp, "an app"},
                                                       {Target::kTenant, "a tenant"}};
constexpr std::pair<Source, const char*> kSources[] = {
    {Source::kItself, "itself"},
    {Source::kItsApp, "its app"},
    {Source::kItsDomain, "its domain"},
    {Source::kBase, "the base"},
    {Source::kTenantOfSameApp, "a tenant of the same app"},
    {Source::kOtherApp, "another app of the domain"},
    {Source::kOtherDomain, "another domain"}};

// Targets of each level and, for each, requests from everywhere.
struct Case {
  Target level;
  common::v1::Scope target;
  std::vector<std::pair<Source, common::v1::Scope>> sources;
};

std::vector<Case> Cases() {
  using S = Source;
  const auto base = MakeScope("", "", "");
  // Of the base domain and of another: "" has the base where "x" has a domain.
  std::vector<Case> cases = {
      {Target::kBase,
       base,
       {{S::kItself, base},
        {S::kTenantOfSameApp, MakeScope("", "", "t")},
        {S::kOtherApp, MakeScope("", "a", "")},
        {S::kOtherApp, MakeScope("", "a", "t")},
        {S::kOtherDomain, MakeScope("x", "", "")},
        {S::kOtherDomain, MakeScope("x", "a", "t")}}},
      {Target::kDomain,
       MakeScope("x", "", ""),
       {{S::kItself, MakeScope("x", "", "")},
        {S::kBase, base},
        {S::kTenantOfSameApp, MakeScope("x", "", "t")},
        {S::kOtherApp, MakeScope("x", "a", "")},
        {S::kOtherApp, MakeScope("x", "a", "t")},
        {S::kOtherDomain, MakeScope("", "", "t")},
        {S::kOtherDomain, MakeScope("", "a", "")},
        {S::kOtherDomain, MakeScope("y", "", "")},
        {S::kOtherDomain, MakeScope("y", "a", "t")}}},
  };
  for (const char* const name : {"", "x"}) {
    const std::string domain = name;
    const std::string other = domain.empty() ? "x" : "y";
    Case app = {Target::kApp,
                MakeScope(domain, "a", ""),
                {{S::kItself, MakeScope(domain, "a", "")},
                 {S::kItsDomain, MakeScope(domain, "", "")},
                 {S::kTenantOfSameApp, MakeScope(domain, "a", "t")},
                 {S::kOtherApp, MakeScope(domain, "", "t")},
                 {S::kOtherApp, MakeScope(domain, "b", "")},
                 {S::kOtherApp, MakeScope(domain, "b", "t")},
                 {S::kOtherDomain, MakeScope(other, "", "")},
                 {S::kOtherDomain, MakeScope(other, "a", "")}}};
    Case tenant = {Target::kTenant,
                   MakeScope(domain, "a", "t"),
                   {{S::kItself, MakeScope(domain, "a", "t")},
                    {S::kItsApp, MakeScope(domain, "a", "")},
                    {S::kItsDomain, MakeScope(domain, "", "")},
                    {S::kTenantOfSameApp, MakeScope(domain, "a", "u")},
                    {S::kOtherApp, MakeScope(domain, "", "t")},
                    {S::kOtherApp, MakeScope(domain, "b", "")},
                    {S::kOtherApp, MakeScope(domain, "b", "t")},
                    {S::kOtherDomain, MakeScope(other, "", "")},
                    {S::kOtherDomain, MakeScope(other, "a", "t")}}};
    Case of_public_app = {Target::kTenant,
                          MakeScope(domain, "", "t"),
                          {{S::kItself, MakeScope(domain, "", "t")},
                           {S::kItsApp, MakeScope(domain, "", "")},
                           {S::kTenantOfSameApp, MakeScope(domain, "", "u")},
                           {S::kOtherApp, MakeScope(domain, "a", "")},
                           {S::kOtherApp, MakeScope(domain, "a", "t")},
                           {S::kOtherDomain, MakeScope(other, "", "t")}}};
    if (!domain.empty()) {
      for (Case* const one : {&app, &tenant, &of_public_app}) {
        one->sources.push_back({S::kBase, base});
      }
    }
    for (Case* const one : {&app, &tenant, &of_public_app}) cases.push_back(*one);
  }
  return cases;
}

std::string Show(const common::v1::Scope& scope) {
  return absl::StrCat("(", scope.connection_uri_domain(), ", ", scope.app_id(), ", ",
                      scope.tenant_id(), ")");
}

// Cells by (target, action, source) of the table below "Who may change whom" in docs/security.md.
using Cells = std::map<std::string, std::string>;
std::string CellName(const std::string& target, const std::string& action,
                     const std::string& source) {
  return absl::StrCat(target, " / ", action, " / ", source);
}

Cells DocumentedCells() {
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/docs/security.md");
  std::string line;
  while (std::getline(file, line) && line != "## Who may change whom") {
  }
  Cells cells;
  std::vector<std::string> header;
  while (std::getline(file, line) && !line.starts_with("## ")) {
    if (!line.starts_with("|")) continue;
    std::vector<std::string> row;
    for (const absl::string_view cell : absl::StrSplit(line, '|')) {
      row.emplace_back(absl::StripAsciiWhitespace(cell));
    }
    if (header.empty()) {
      header = row;
    } else if (!row[1].starts_with("--")) {
      for (size_t i = 3; i + 1 < row.size(); ++i) {
        cells[CellName(row[1], row[2], header.at(i))] = row[i];
      }
    }
  }
  return cells;
}

TEST(TenantRightsTest, EveryCellIsAsDocumented) {
  Cells documented = DocumentedCells();
  ASSERT_FALSE(documented.empty());
  std::map<std::string, bool> seen;
  for (const Case& one : Cases()) {
    ASSERT_EQ(TargetOf(one.target), one.level);
    for (const auto& [from, source] : one.sources) {
      ASSERT_EQ(SourceOf(source, one.target), from) << Show(source) << " to " << Show(one.target);
      for (const auto& [action, action_name] : kActions) {
        const absl::Status status = CheckMay(action, source, one.target);
        const std::string name = CellName(kTargets[static_cast<int>(one.level)].second, action_name,
                                          kSources[static_cast<int>(from)].second);
        const auto cell = documented.find(name);
        seen[name] = true;
        if (cell == documented.end()) {
          EXPECT_FALSE(status.ok()) << name << " is not documented";
          continue;
        }
        EXPECT_EQ(status.ok() ? "yes" : "no", cell->second)
            << name << ", " << Show(source) << " to " << Show(one.target);
        if (!status.ok()) {
          EXPECT_EQ(ReasonOf(status), ErrorReason::kForbidden);
          EXPECT_FALSE(status.message().empty());
        }
      }
    }
  }
  // Impossible cells have a dash, and all others were tried.
  for (const auto& [name, text] : documented) {
    EXPECT_EQ(seen.contains(name), text != "-") << name;
  }
}

TEST(TenantRightsTest, EveryRowOfTheTableIsDocumented) {
  const Cells documented = DocumentedCells();
  for (const Right& right : Rights()) {
    for (const Target target : right.targets) {
      EXPECT_TRUE(
          documented.contains(CellName(kTargets[static_cast<int>(target)].second,
                                       kActions[static_cast<int>(right.action)].second, "itself")))
          << kActions[static_cast<int>(right.action)].second;
    }
  }
}

// The texts of the original, if it has one.
TEST(TenantRightsTest, RefusalsSayWhatToUse) {
  const auto text = [](Action action, const common::v1::Scope& source,
                       const common::v1::Scope& target) {
    return std::string(CheckMay(action, source, target).message());
  };
  EXPECT_EQ(text(Action::kChange, MakeScope("", "a", "u"), MakeScope("", "a", "t")),
            "You must use the public or same tenant to add/update a tenant");
  EXPECT_EQ(text(Action::kChange, MakeScope("", "b", ""), MakeScope("", "a", "t")),
            "You must use the same app to create/update a tenant");
  EXPECT_EQ(text(Action::kChange, MakeScope("", "b", ""), MakeScope("", "a", "")),
            "You must use the public or same app to add/update an app");
  EXPECT_EQ(text(Action::kChange, MakeScope("x", "", ""), MakeScope("", "a", "")),
            "You must use the same connection URI domain to create/update an app");
  EXPECT_EQ(text(Action::kChange, MakeScope("y", "", ""), MakeScope("x", "", "")),
            "You must use the default or same connectionUriDomain to create/update a "
            "connectionUriDomain");
  EXPECT_EQ(text(Action::kChange, MakeScope("x", "a", ""), MakeScope("x", "", "")),
            "You must use the public app and tenant to create/update a connectionUriDomain");
  EXPECT_EQ(text(Action::kRemove, MakeScope("", "", ""), MakeScope("", "", "")),
            "Cannot delete the default connection uri domain");
}

}  // namespace
}  // namespace gatehouse::tenants
