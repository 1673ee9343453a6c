#include "services/users/userimport/user_import_service.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::users {
namespace {

constexpr int kMaxUsers = 1000;
// Others take and release a key just as often as a user is tried; in practice never.
constexpr int kMaxRounds = 5;

void SetOutcome(std::optional<v1::ImportRefusal> refusal,
                v1::ImportUsersResponse::Outcome& outcome) {
  if (refusal.has_value()) {
    *outcome.mutable_refused() = *std::move(refusal);
  } else {
    outcome.set_imported(true);
  }
}

v1::ImportRefusal Invalid(std::string description) {
  v1::ImportRefusal refusal;
  refusal.set_kind(v1::ImportRefusal::KIND_INVALID);
  refusal.set_description(std::move(description));
  return refusal;
}

// Whether it is one of the users that is wrong, and not the time or the database.
bool IsAboutAUser(const absl::Status& status) {
  return absl::IsAlreadyExists(status) || ReasonOf(status) == ErrorReason::kBadInput;
}

}  // namespace

absl::StatusOr<v1::ImportUsersResponse> UserImportServiceImpl::ImportUsers(
    rpc::CallContext& context, const v1::ImportUsersRequest& request) {
  if (request.users_size() > kMaxUsers) {
    return BadInput(Problem::kTooMany, "Too many users at once",
                    {{"field", "users"}, {"max", std::to_string(kMaxUsers)}});
  }
  ASSIGN_OR_RETURN(const Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  v1::ImportUsersResponse response;
  std::vector<ImportUser> users;
  for (int i = 0; i < request.users_size(); ++i) {
    v1::ImportUsersResponse::Outcome& outcome = *response.add_outcomes();
    absl::StatusOr<ImportUser> user = ReadImportUser(request.users(i), static_cast<size_t>(i));
    absl::Status status = user.status();
    if (status.ok()) status = HashPasswords(scope, *user);
    if (status.ok()) {
      users.push_back(*std::move(user));
    } else if (ReasonOf(status) == ErrorReason::kBadInput) {
      SetOutcome(Invalid(std::string(status.message())), outcome);
    } else {
      return status;
    }
  }
  RETURN_IF_ERROR(Import(scope, users, response));
  if (request.include_users()) RETURN_IF_ERROR(AddUsers(scope, users, response));
  return response;
}

absl::Status UserImportServiceImpl::HashPasswords(const Where& scope, ImportUser& user) {
  for (int i = 0; i < user.user->login_methods_size(); ++i) {
    const v1::LoginMethodToImport& method = user.user->login_methods(i);
    if (method.password_case() != v1::LoginMethodToImport::kPlainTextPassword) continue;
    ASSIGN_OR_RETURN(user.password_hashes[i],
                     hasher_.Hash(*scope.tenant->config, method.plain_text_password(),
                                  scope.deadline));
  }
  return absl::OkStatus();
}

absl::Status UserImportServiceImpl::Import(const Where& scope, std::vector<ImportUser>& users,
                                           v1::ImportUsersResponse& response) {
  // Of users that want the same key the first is in the batch; the others follow one by one, once
  // it is known whether that one got it.
  std::vector<const ImportUser*> batch, rest;
  std::set<std::string> wanted;
  for (const ImportUser& user : users) {
    const std::optional<std::set<std::string>> keys = KeysOf(user);
    bool apart = !keys.has_value();
    for (const std::string& key : keys.value_or(std::set<std::string>())) {
      apart = apart || wanted.contains(key);
    }
    if (keys.has_value()) wanted.insert(keys->begin(), keys->end());
    (apart ? rest : batch).push_back(&user);
  }
  absl::StatusOr<PgUserImportStore::Outcomes> outcomes = store_.Import(scope, batch);
  if (outcomes.ok()) {
    for (size_t i = 0; i < batch.size(); ++i) {
      SetOutcome(std::move((*outcomes)[i]), *response.mutable_outcomes(batch[i]->place));
    }
  } else if (IsAboutAUser(outcomes.status())) {
    rest.insert(rest.begin(), batch.begin(), batch.end());
  } else {
    return outcomes.status();
  }
  for (const ImportUser* user : rest) {
    RETURN_IF_ERROR(ImportOne(scope, *user, *response.mutable_outcomes(user->place)));
  }
  return absl::OkStatus();
}

absl::Status UserImportServiceImpl::ImportOne(const Where& scope, const ImportUser& user,
                                              v1::ImportUsersResponse::Outcome& outcome) {
  if (!KeysOf(user).has_value()) {
    SetOutcome(Invalid("Two login methods of the user have the same email, phone number or "
                       "third-party identity in a tenant"),
               outcome);
    return absl::OkStatus();
  }
  for (int round = 0; round < kMaxRounds; ++round) {
    absl::StatusOr<PgUserImportStore::Outcomes> outcomes = store_.Import(scope, {&user});
    if (outcomes.ok()) {
      SetOutcome(std::move(outcomes->front()), outcome);
      return absl::OkStatus();
    }
    if (absl::IsAlreadyExists(outcomes.status())) continue;
    if (!IsAboutAUser(outcomes.status())) return outcomes.status();
    SetOutcome(Invalid(std::string(outcomes.status().message())), outcome);
    return absl::OkStatus();
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being added by many requests at once");
}

absl::Status UserImportServiceImpl::AddUsers(const Where& scope,
                                             const std::vector<ImportUser>& users,
                                             v1::ImportUsersResponse& response) {
  std::vector<std::string> ids;
  for (const ImportUser& user : users) {
    if (response.outcomes(static_cast<int>(user.place)).imported()) ids.push_back(user.id());
  }
  ASSIGN_OR_RETURN(std::vector<v1::User> found, users_.FindByPrimaryIds(scope, ids));
  for (const ImportUser& user : users) {
    for (v1::User& one : found) {
      if (one.supertokens_user_id() != user.id()) continue;
      *response.mutable_outcomes(static_cast<int>(user.place))->mutable_user() = std::move(one);
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::users
