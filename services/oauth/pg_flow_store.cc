#include "services/oauth/pg_flow_store.h"

#include "google/protobuf/util/json_util.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/digest.h"
#include "libs/db/database.h"

namespace gatehouse::oauth {
namespace {

using crypto::Sha256Hex;
using db::Statement;

// What a browser or a page sends is kept for half an hour.
constexpr size_t kMaxDocumentBytes = 256 * 1024;

constexpr Statement kCreateFlow = {
    "oauth_create_flow",
    "INSERT INTO {gatehouse_oauth_flows}"
    " (app_id, challenge_hash, csrf_hash, client_id, stage, flow, expires_at)"
    " VALUES ($1, $2, $3, $4, 1, $5, $6)"};

#define GATEHOUSE_OAUTH_FLOW_COLUMNS                     \
  "SELECT client_id, stage, csrf_hash, expires_at, flow" \
  " FROM {gatehouse_oauth_flows} WHERE app_id = $1"
// By gatehouse_oauth_flows_pkey.
constexpr Statement kFindByChallenge = {"oauth_find_flow_by_challenge",
                                        GATEHOUSE_OAUTH_FLOW_COLUMNS " AND challenge_hash = $2"};
// By gatehouse_oauth_flows_verifier_index.
constexpr Statement kFindByVerifier = {"oauth_find_flow_by_verifier",
                                       GATEHOUSE_OAUTH_FLOW_COLUMNS " AND verifier_hash = $2"};

// By gatehouse_oauth_flows_pkey. From the stage before, or this one again.
constexpr Statement kDecide = {
    "oauth_decide_flow",
    "UPDATE {gatehouse_oauth_flows} SET stage = $3, verifier_hash = $4, flow = $5"
    " WHERE app_id = $1 AND challenge_hash = $2 AND stage IN ($3, $3 - 1)"};

// By gatehouse_oauth_flows_verifier_index: of many at once one finds the verifier.
constexpr Statement kUseLoginVerifier = {
    "oauth_use_login_verifier",
    "UPDATE {gatehouse_oauth_flows} SET stage = 3, verifier_hash = NULL, challenge_hash = $3,"
    " csrf_hash = $4 WHERE app_id = $1 AND verifier_hash = $2 AND stage = 2"};
constexpr Statement kAnswer = {"oauth_answer_flow",
                               "UPDATE {gatehouse_oauth_flows} SET stage = 5"
                               " WHERE app_id = $1 AND verifier_hash = $2 AND stage = $3"};

constexpr Statement kRememberLogin = {
    "oauth_remember_login",
    "INSERT INTO {gatehouse_oauth_logins}"
    " (app_id, cookie_hash, session_id, subject, authenticated_at, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6)"};
// By gatehouse_oauth_logins_pkey.
constexpr Statement kFindLogin = {
    "oauth_find_login",
    "SELECT session_id, subject, authenticated_at, expires_at FROM {gatehouse_oauth_logins}"
    " WHERE app_id = $1 AND cookie_hash = $2 AND expires_at > $3"};
constexpr Statement kForgetLogin = {
    "oauth_forget_login",
    "DELETE FROM {gatehouse_oauth_logins} WHERE app_id = $1 AND cookie_hash = $2"};

constexpr Statement kAddCode = {"oauth_add_code",
                                "INSERT INTO {gatehouse_oauth_codes} (app_id, code_hash, "
                                "client_id, gid, grant_json, expires_at)"
                                " VALUES ($1, $2, $3, $4, $5, $6)"};
// By gatehouse_oauth_codes_pkey.
constexpr Statement kFindCode = {
    "oauth_find_code",
    "SELECT client_id, used, wrong_verifiers, expires_at, grant_json FROM {gatehouse_oauth_codes}"
    " WHERE app_id = $1 AND code_hash = $2"};
constexpr Statement kCountWrongVerifier = {
    "oauth_count_wrong_verifier",
    "UPDATE {gatehouse_oauth_codes} SET wrong_verifiers = wrong_verifiers + 1"
    " WHERE app_id = $1 AND code_hash = $2 AND wrong_verifiers < $3"};

absl::StatusOr<std::optional<PgFlowStore::FoundFlow>> FlowOf(const db::Result& rows) {
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  PgFlowStore::FoundFlow found = {.client_id = std::string(row.Text(0)),
                                  .stage = static_cast<Stage>(row.Int64(1)),
                                  .csrf_hash = std::string(row.Text(2)),
                                  .expires_at_ms = row.Int64(3)};
  RETURN_IF_ERROR(FromDocument(row.Text(4), found.flow));
  return found;
}

}  // namespace

absl::StatusOr<std::string> ToDocument(const google::protobuf::Message& message) {
  std::string document;
  if (!google::protobuf::util::MessageToJsonString(message, &document).ok()) {
    return BadInput(Problem::kMalformed, "The request is not valid", {{"field", "request"}});
  }
  if (document.size() > kMaxDocumentBytes) {
    return BadInput(Problem::kTooLong, "The request is too large",
                    {{"field", "request"}, {"max_bytes", std::to_string(kMaxDocumentBytes)}});
  }
  return document;
}

absl::Status FromDocument(std::string_view document, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;
  if (google::protobuf::util::JsonStringToMessage(std::string(document), &message, lenient).ok()) {
    return absl::OkStatus();
  }
  return MakeError(ErrorReason::kInternal, "A stored document can't be read");
}

absl::StatusOr<bool> PgFlowStore::CreateFlow(const Where& app, const std::string& client_id,
                                             std::string_view challenge, std::string_view csrf,
                                             const v1::Flow& flow, int64_t expires_at_ms) {
  ASSIGN_OR_RETURN(const std::string document, ToDocument(flow));
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::Status made = database
                                ->Execute(app.deadline, kCreateFlow,
                                          {app.app_id(), Sha256Hex(challenge), Sha256Hex(csrf),
                                           client_id, document, expires_at_ms})
                                .status();
  if (db::ViolatesConstraint(made, "gatehouse_oauth_flows_client_id_fkey")) return false;
  RETURN_IF_ERROR(made);
  return true;
}

absl::StatusOr<std::optional<PgFlowStore::FoundFlow>> PgFlowStore::FindByChallenge(
    const Where& app, std::string_view challenge) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows, database->Execute(app.deadline, kFindByChallenge,
                                                            {app.app_id(), Sha256Hex(challenge)}));
  return FlowOf(rows);
}

absl::StatusOr<std::optional<PgFlowStore::FoundFlow>> PgFlowStore::FindByVerifier(
    const Where& app, std::string_view verifier) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows, database->Execute(app.deadline, kFindByVerifier,
                                                            {app.app_id(), Sha256Hex(verifier)}));
  return FlowOf(rows);
}

absl::StatusOr<bool> PgFlowStore::Decide(const Where& app, std::string_view challenge, Stage stage,
                                         std::string_view verifier, const v1::Flow& flow) {
  ASSIGN_OR_RETURN(const std::string document, ToDocument(flow));
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result decided,
                   database->Execute(app.deadline, kDecide,
                                     {app.app_id(), Sha256Hex(challenge), static_cast<int>(stage),
                                      Sha256Hex(verifier), document}));
  return decided.affected() > 0;
}

absl::StatusOr<bool> PgFlowStore::UseLoginVerifier(const Where& app, std::string_view verifier,
                                                   std::string_view consent_challenge,
                                                   std::string_view csrf) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result used,
                   database->Execute(app.deadline, kUseLoginVerifier,
                                     {app.app_id(), Sha256Hex(verifier),
                                      Sha256Hex(consent_challenge), Sha256Hex(csrf)}));
  return used.affected() > 0;
}

absl::StatusOr<bool> PgFlowStore::Answer(const Where& app, std::string_view verifier, Stage from) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result answered,
                   database->Execute(app.deadline, kAnswer,
                                     {app.app_id(), Sha256Hex(verifier), static_cast<int>(from)}));
  return answered.affected() > 0;
}

absl::Status PgFlowStore::RememberLogin(const Where& app, std::string_view cookie,
                                        const Login& login) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  return database
      ->Execute(app.deadline, kRememberLogin,
                {app.app_id(), Sha256Hex(cookie), login.session_id, login.subject,
                 login.authenticated_at_ms, login.expires_at_ms})
      .status();
}

absl::StatusOr<std::optional<PgFlowStore::Login>> PgFlowStore::FindLogin(const Where& app,
                                                                         std::string_view cookie,
                                                                         int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(app.deadline, kFindLogin, {app.app_id(), Sha256Hex(cookie), now_ms}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  return Login{.session_id = std::string(row.Trimmed(0)),
               .subject = std::string(row.Text(1)),
               .authenticated_at_ms = row.Int64(2),
               .expires_at_ms = row.Int64(3)};
}

absl::Status PgFlowStore::ForgetLogin(const Where& app, std::string_view cookie) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  return database->Execute(app.deadline, kForgetLogin, {app.app_id(), Sha256Hex(cookie)}).status();
}

absl::StatusOr<bool> PgFlowStore::AddCode(const Where& app, std::string_view code,
                                          const v1::Grant& grant, int64_t expires_at_ms) {
  ASSIGN_OR_RETURN(const std::string document, ToDocument(grant));
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::Status added = database
                                 ->Execute(app.deadline, kAddCode,
                                           {app.app_id(), Sha256Hex(code), grant.client_id(),
                                            grant.gid(), document, expires_at_ms})
                                 .status();
  if (db::ViolatesConstraint(added, "gatehouse_oauth_codes_client_id_fkey")) return false;
  RETURN_IF_ERROR(added);
  return true;
}

absl::StatusOr<std::optional<PgFlowStore::Code>> PgFlowStore::FindCode(const Where& app,
                                                                       std::string_view code) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(app.deadline, kFindCode, {app.app_id(), Sha256Hex(code)}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  Code found = {.client_id = std::string(row.Text(0)),
                .used = row.Bool(1),
                .wrong_verifiers = static_cast<int>(row.Int64(2)),
                .expires_at_ms = row.Int64(3)};
  RETURN_IF_ERROR(FromDocument(row.Text(4), found.grant));
  return found;
}

absl::StatusOr<bool> PgFlowStore::CountWrongVerifier(const Where& app, std::string_view code,
                                                     int limit) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(
      const db::Result counted,
      database->Execute(app.deadline, kCountWrongVerifier, {app.app_id(), Sha256Hex(code), limit}));
  return counted.affected() > 0;
}

}  // namespace gatehouse::oauth
