#include "services/accounts/bulkimport/bulk_import_service.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/telemetry/log.h"
#include "services/accounts/bulkimport/read_user.h"
#include "services/accounts/bulkimport/user_source.h"

namespace gatehouse::accounts {
namespace {

using tenancy::TenantPtr;

constexpr int kMaxAdded = 10'000;  // these limits are the original's
constexpr int kMaxPage = 500;
constexpr int kMaxRemoved = 500;
constexpr absl::Duration kTakeBackTime = absl::Seconds(5);
// Of a request without a deadline, if ever there is one.
constexpr absl::Duration kLongestImport = absl::Minutes(10);

absl::Status TooMany(std::string_view field, int max) {
  return BadInput(Problem::kTooMany, "Too many users at once",
                  {{"field", std::string(field)}, {"max", std::to_string(max)}});
}

std::string_view StatusText(v1::ImportStatus status) {
  switch (status) {
    case v1::IMPORT_STATUS_NEW:
      return "NEW";
    case v1::IMPORT_STATUS_PROCESSING:
      return "PROCESSING";
    case v1::IMPORT_STATUS_FAILED:
      return "FAILED";
    default:
      return "";
  }
}

v1::ImportStatus StatusOf(std::string_view text) {
  if (text == "PROCESSING") return v1::IMPORT_STATUS_PROCESSING;
  if (text == "FAILED") return v1::IMPORT_STATUS_FAILED;
  return v1::IMPORT_STATUS_NEW;
}

// "<id>;<created at>" in Base64, as the original's.
std::string TokenOf(const WaitingUser& user) {
  return crypto::Base64Encode(StrCat(user.id, ";", std::to_string(user.created_at_ms)));
}
std::optional<WaitingPage> PageOf(std::string_view token) {
  const absl::StatusOr<std::string> text = crypto::Base64Decode(token);
  if (!text.ok()) return std::nullopt;
  const size_t separator = text->find(';');
  if (separator == std::string::npos || text->find('\0') != std::string::npos) return std::nullopt;
  WaitingPage page{0, text->substr(0, separator)};
  const std::string_view time = std::string_view(*text).substr(separator + 1);
  const auto [end, error] =
      std::from_chars(time.data(), time.data() + time.size(), page.created_at_ms);
  if (error != std::errc() || end != time.data() + time.size()) return std::nullopt;
  if (!json::IsValidUtf8(page.id)) return std::nullopt;
  return page;
}

void Encode(const BulkUser& user, v1::AddedUser& added) {
  added.set_user_id(user.external_user_id.value_or(user.id()));
  for (const BulkUser::LoginMethod& method : user.login_methods) {
    v1::AddedLoginMethod& out = *added.add_login_methods();
    out.set_recipe_id(method.recipe_id);
    out.set_user_id(method.supertokens_user_id);
    for (const std::string& tenant : method.tenant_ids) out.add_tenant_ids(tenant);
    if (method.email.has_value()) out.set_email(*method.email);
    if (method.phone_number.has_value()) out.set_phone_number(*method.phone_number);
    if (method.third_party_id.has_value()) out.set_third_party_id(*method.third_party_id);
    if (method.third_party_user_id.has_value()) {
      out.set_third_party_user_id(*method.third_party_user_id);
    }
  }
}

absl::StatusOr<json::Value> ParseUser(const std::string& text) {
  absl::StatusOr<json::Value> value = json::Parse(text);
  if (value.ok() && value->is_object()) return value;
  return BadInput(Problem::kMalformed, "A user must be a JSON object", {{"field", "users"}});
}

}  // namespace

absl::StatusOr<v1::AddUsersResponse> BulkImportServiceImpl::AddUsers(
    rpc::CallContext& context, const v1::AddUsersRequest& request) {
  if (request.users_json_size() > kMaxAdded) return TooMany("users", kMaxAdded);
  ASSIGN_OR_RETURN(const TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  UserReader reader(
      AppForReading(directory_, peers_.roles, [&context] { return context; }, app, clock_.NowMs()),
      UserReader::Source::kRequest);
  v1::AddUsersResponse response;
  std::vector<PgBulkImportStore::NewUser> users;
  for (int i = 0; i < request.users_json_size(); ++i) {
    ASSIGN_OR_RETURN(const json::Value value, ParseUser(request.users_json(i)));
    BulkUser user;
    ASSIGN_OR_RETURN(const std::vector<std::string> errors, reader.Read(value, user));
    if (errors.empty()) {
      users.push_back({user.id(), json::Serialize(StoredJson(user))});
      Encode(user, *response.add_added());
      continue;
    }
    v1::UserErrors& invalid = *response.add_invalid();
    invalid.set_index(i);
    for (const std::string& error : errors) invalid.add_errors(error);
  }
  if (!response.invalid().empty()) {
    response.clear_added();
    return response;
  }
  if (users.empty() || request.only_check()) return response;
  RETURN_IF_ERROR(store_.Add({app, context.deadline}, users, clock_.NowMs()));
  added_();
  return response;
}

absl::StatusOr<v1::ListUsersResponse> BulkImportServiceImpl::ListUsers(
    rpc::CallContext& context, const v1::ListUsersRequest& request) {
  if (request.page_size() < 1 || request.page_size() > kMaxPage) {
    return BadInput(Problem::kOutOfRange, "page_size must be between 1 and 500",
                    {{"field", "page_size"}});
  }
  std::optional<WaitingPage> page;
  if (!request.page_token().empty()) {
    page = PageOf(request.page_token());
    if (!page.has_value()) {
      return BadInput(Problem::kMalformed, "invalid pagination token",
                      {{"field", "paginationToken"}});
    }
  }
  ASSIGN_OR_RETURN(const TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::vector<WaitingUser> users,
                   store_.List({app, context.deadline}, StatusText(request.status()),
                               page.has_value() ? &*page : nullptr, request.page_size() + 1));
  v1::ListUsersResponse response;
  for (const WaitingUser& user : users) {
    if (response.users_size() == request.page_size() || user.left_out) {
      response.set_next_page_token(TokenOf(user));
      break;
    }
    v1::WaitingUser& out = *response.add_users();
    out.set_id(user.id);
    out.set_user_json(user.json);
    out.set_status(StatusOf(user.status));
    if (user.primary_user_id.has_value()) out.set_primary_user_id(*user.primary_user_id);
    if (user.error.has_value()) out.set_error(*user.error);
    out.set_created_at_ms(user.created_at_ms);
    out.set_updated_at_ms(user.updated_at_ms);
  }
  return response;
}

absl::StatusOr<v1::CountUsersResponse> BulkImportServiceImpl::CountUsers(
    rpc::CallContext& context, const v1::CountUsersRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const int64_t count,
                   store_.Count({app, context.deadline}, StatusText(request.status())));
  v1::CountUsersResponse response;
  response.set_count(count);
  return response;
}

absl::StatusOr<v1::RemoveUsersResponse> BulkImportServiceImpl::RemoveUsers(
    rpc::CallContext& context, const v1::RemoveUsersRequest& request) {
  if (request.ids_size() > kMaxRemoved) return TooMany("ids", kMaxRemoved);
  ASSIGN_OR_RETURN(const TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      std::vector<std::string> removed,
      store_.Remove({app, context.deadline}, {request.ids().begin(), request.ids().end()}));
  v1::RemoveUsersResponse response;
  for (std::string& id : removed) response.add_removed_ids(std::move(id));
  return response;
}

absl::StatusOr<v1::ImportUserResponse> BulkImportServiceImpl::ImportUser(
    rpc::CallContext& context, const v1::ImportUserRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const json::Value value, ParseUser(request.user_json()));
  BulkUser user;
  UserReader reader(
      AppForReading(directory_, peers_.roles, [&context] { return context; }, app, clock_.NowMs()),
      UserReader::Source::kRequest);
  ASSIGN_OR_RETURN(const std::vector<std::string> errors, reader.Read(value, user));
  v1::ImportUserResponse response;
  if (!errors.empty()) {
    for (const std::string& error : errors) response.mutable_refused()->add_errors(error);
    return response;
  }
  // Written down first: what a process that dies leaves behind is found by the job.
  const absl::Duration time =
      std::min(context.deadline - SteadyNow() + 2 * kTakeBackTime, kLongestImport);
  RETURN_IF_ERROR(store_.Begin({app, context.deadline},
                               {user.id(), json::Serialize(JsonOfBegun(user))}, clock_.NowMs(),
                               time));
  ImportOptions options;
  options.include_users = true;
  ImportResult imported = ImportUsers(
      peers_, [&context] { return context; }, app->scope(), {&user}, options);
  if (!imported.fault.ok()) {
    TakeBack(context, app, user);
    return imported.fault;
  }
  End(app, user);
  ImportOutcome& outcome = imported.outcomes.front();
  if (outcome.kind == ImportOutcome::Kind::kFailed) {
    response.mutable_refused()->add_errors(outcome.error);
    return response;
  }
  if (!outcome.user.has_value()) {
    return MakeError(ErrorReason::kInternal, "The imported user is gone");
  }
  *response.mutable_user() = *std::move(outcome.user);
  return response;
}

void BulkImportServiceImpl::TakeBack(const rpc::CallContext& context, const TenantPtr& app,
                                     const BulkUser& user) {
  // A second attempt would find the emails taken by the first one's half.
  rpc::CallContext now = context;
  now.deadline = SteadyNow() + kTakeBackTime;
  const absl::Status removed = TakeBackImport(peers_.others, now, app->scope(), user.id());
  if (removed.ok()) return End(app, user);
  telemetry::Log(telemetry::LogLevel::kWarn, "import_left_to_the_job",
                 {{"app", app->app_id}, {"user", user.id()}});
}

void BulkImportServiceImpl::End(const TenantPtr& app, const BulkUser& user) {
  // If it fails, the job does the same again, which changes nothing.
  store_.End({app, SteadyNow() + kTakeBackTime}, user.id()).IgnoreError();
}

}  // namespace gatehouse::accounts
