#include "services/session/refresh_session.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/config/refresh_limit.h"
#include "libs/crypto/bytes.h"
#include "services/session/refresh_token.h"
#include "services/session/tokens.h"

namespace gatehouse::session {
namespace {

// How often a refresh starts over when another one changed the session meanwhile.
constexpr int kMaxAttempts = 4;

// How far ahead of this refresh another of the same token may be dated: several tabs at once, on
// instances whose clocks differ a little. Beyond that, the row is read a second time.
constexpr int64_t kAheadMs = 1000;

constexpr char kMissing[] = "Session missing in db or has expired";

// Another request with the same token won every time.
absl::Status TooMuchContention() {
  return MakeError(ErrorReason::kOverloaded, "The session is being refreshed; try again");
}

absl::Status TookTooLong() {
  return MakeError(ErrorReason::kDeadlineExceeded, "The request took too long");
}

bool OutcomeIsUnknown(const absl::Status& status) {
  const ErrorReason reason = ReasonOf(status);
  return reason == ErrorReason::kDependencyDown || reason == ErrorReason::kDeadlineExceeded;
}

void SetUnauthorised(std::string_view message, v1::RefreshSessionResponse& response) {
  response.mutable_unauthorised()->set_message(std::string(message));
}

bool Equal(const std::optional<std::string>& stored, std::string_view hash) {
  return stored.has_value() && crypto::ConstantTimeEqual(*stored, hash);
}

// A refresh under way.
struct Refreshing {
  const v1::RefreshSessionRequest& request;
  const tenancy::Tenant& app;
  tenancy::TenantPtr tenant;  // of the session
  TokenVersion version;
  RefreshToken presented;
  std::string presented_hash1;
  std::string presented_hash2;
  // Hash 2 of the presented token's parent, if it has one.
  std::optional<std::string> parent_hash2;
  std::shared_ptr<const KeySet> keys;
  // What the presented token's user id means: if it is to be resolved, known from the first
  // statement on that finds the session to refresh.
  UserIds user;
  std::optional<std::string> resolve_user_id;

  // The token to hand out.
  std::string next_token;
  std::string next_hash1;
  std::optional<std::string> anti_csrf_token;
  int64_t now_ms = 0;
  absl::Duration limit = absl::InfiniteDuration();  // of an eager rotation

  std::optional<bool> use_static_key() const {
    return request.has_use_static_key() ? std::optional(request.use_static_key()) : std::nullopt;
  }
  // As the presented token has it, even if clients know the user by another id now.
  void Know(UserIds ids) {
    user = std::move(ids);
    user.recipe_user_id = presented.user_id;
  }
  int64_t refresh_expiry_ms() const { return now_ms + tenant->config->refresh_token_validity_ms(); }
};

absl::Status Issue(const SessionParts& parts, CallContext& context, const Refreshing& refreshing,
                   std::string_view jwt_payload, bool use_static_key,
                   v1::RefreshSessionResponse& response) {
  const v1::RefreshSessionRequest& request = refreshing.request;
  AccessToken token;
  token.version = refreshing.version;
  token.session_handle = refreshing.presented.session_handle;
  token.user_id = refreshing.user.user_id;
  token.recipe_user_id = refreshing.user.recipe_user_id;
  token.tenant_id = refreshing.tenant->tenant_id;
  token.refresh_token_hash1 = refreshing.next_hash1;
  if (!request.eager_rotation()) token.parent_refresh_token_hash1 = refreshing.presented_hash1;
  token.anti_csrf_token = refreshing.anti_csrf_token;
  token.user_data = StoredUserData(jwt_payload);
  token.created_ms = refreshing.now_ms;
  const bool asked = request.eager_rotation() && request.has_access_token_validity_ms();
  token.expiry_ms =
      token.created_ms +
      FreshValidityMs(*refreshing.tenant->config,
                      asked ? std::optional(request.access_token_validity_ms()) : std::nullopt);
  if (HasProtectedClaim(token.version, token.user_data)) {
    SetUnauthorised(kProtectedClaimMessage, response);
    return absl::OkStatus();
  }

  v1::IssuedSession issued;
  ASSIGN_OR_RETURN(const SigningKey key,
                   parts.keys.ToSign(context, refreshing.app, *refreshing.keys, use_static_key));
  RETURN_IF_ERROR(Mint(token, key, *issued.mutable_access_token()));
  FillSession(token, *issued.mutable_session());
  FillToken(refreshing.next_token, refreshing.refresh_expiry_ms(), refreshing.now_ms,
            *issued.mutable_refresh_token());
  if (token.anti_csrf_token.has_value()) issued.set_anti_csrf_token(*token.anti_csrf_token);
  if (request.legacy()) {
    FillToken(crypto::NewUuid4(), refreshing.refresh_expiry_ms(), refreshing.now_ms,
              *issued.mutable_id_refresh_token());
  }
  *response.mutable_issued() = std::move(issued);
  return absl::OkStatus();
}

// A lost connection or a late answer leaves open whether the session was rotated. A repetition
// settles it: the new token is the same, so the second rotation finds the first one done, or does
// it.
absl::StatusOr<std::optional<ChangedSession>> Rotate(const SessionParts& parts,
                                                     CallContext& context,
                                                     const Refreshing& refreshing,
                                                     int64_t grace_from_ms, bool first) {
  const Rotation rotation = {
      .new_hash2 = Hash2OfHash1(refreshing.next_hash1),
      .presented_hash2 = refreshing.presented_hash2,
      .parent_hash2 = refreshing.parent_hash2.value_or(refreshing.presented_hash2),
      .now_ms = refreshing.now_ms,
      .expires_at_ms = refreshing.refresh_expiry_ms(),
      .grace_from_ms = grace_from_ms,
      // A later attempt has seen the row, which another instance's clock may have dated in the
      // future.
      .grace_to_ms = first ? refreshing.now_ms + kAheadMs : INT64_MAX,
      .use_static_key = refreshing.use_static_key()};
  const auto rotate = [&](absl::Time deadline) {
    return parts.store.Rotate(*refreshing.tenant, refreshing.presented.session_handle, rotation,
                              refreshing.resolve_user_id, deadline);
  };
  auto rotated = rotate(std::min(context.deadline, SteadyNow() + refreshing.limit / 2));
  if (!rotated.ok() && OutcomeIsUnknown(rotated.status())) rotated = rotate(context.deadline);
  return rotated;
}

absl::Status ReportReuse(const SessionParts& parts, CallContext& context, Refreshing& refreshing,
                         const SessionRow& row, v1::RefreshSessionResponse& response) {
  v1::ReuseSubtype subtype = v1::REUSE_SUBTYPE_STALE_LINEAGE;
  if (Equal(row.previous_refresh_hash2, refreshing.presented_hash2)) {
    subtype = v1::REUSE_SUBTYPE_RECENT_PREV;
  } else if (refreshing.parent_hash2.has_value() &&
             Equal(row.previous_refresh_hash2, *refreshing.parent_hash2)) {
    subtype = v1::REUSE_SUBTYPE_ORPHANED_BRANCH;
  }
  const bool theft = subtype == v1::REUSE_SUBTYPE_STALE_LINEAGE ||
                     refreshing.tenant->config->recent_token_reuse_behaviour() ==
                         config::TokenReuseBehaviour::kTokenTheft;
  // First: a theft that could not be reported must be found again.
  if (theft && refreshing.resolve_user_id.has_value()) {
    ASSIGN_OR_RETURN(UserIds user,
                     parts.users.Resolve(context, *refreshing.tenant, *refreshing.resolve_user_id));
    refreshing.Know(std::move(user));
  }
  // Whatever it is reported as, somebody holds a token that they should not have: the session ends.
  RETURN_IF_ERROR(
      parts.store
          .Delete(*refreshing.tenant, {refreshing.presented.session_handle}, context.deadline)
          .status());
  if (!theft) {
    SetUnauthorised("refresh token reuse detected", response);
    response.mutable_unauthorised()->set_reuse_subtype(subtype);
    return absl::OkStatus();
  }
  auto& token_theft = *response.mutable_token_theft();
  token_theft.set_handle(refreshing.presented.session_handle);
  token_theft.set_user_id(refreshing.user.user_id);
  token_theft.set_recipe_user_id(row.user_id);
  token_theft.set_reuse_subtype(subtype);
  return absl::OkStatus();
}

// From 5.6 on (formats: 3.6).
absl::Status RefreshEagerly(const SessionParts& parts, CallContext& context, Refreshing& refreshing,
                            v1::RefreshSessionResponse& response) {
  const std::string& handle = refreshing.presented.session_handle;
  const config::CoreConfig& config = *refreshing.tenant->config;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const int64_t now_ms = refreshing.now_ms = parts.clock.NowMs();
    const int64_t grace_from_ms = now_ms - config.refresh_token_rotation_grace_period_ms();
    const auto untold = [&](absl::Status status) {
      parts.untold.Note(refreshing.tenant->scope(), handle, Hash2OfHash1(refreshing.next_hash1));
      return status;
    };
    auto rotated = Rotate(parts, context, refreshing, grace_from_ms, /*first=*/attempt == 0);
    if (!rotated.ok()) {
      return OutcomeIsUnknown(rotated.status()) ? untold(rotated.status()) : rotated.status();
    }
    if (rotated->has_value()) {
      if ((*rotated)->user.has_value()) refreshing.Know(*std::move((*rotated)->user));
      const absl::Status issued = Issue(parts, context, refreshing, (*rotated)->jwt_payload,
                                        (*rotated)->use_static_key, response);
      if (!issued.ok()) return untold(issued);
      // The caller has given up.
      if (SteadyNow() >= context.deadline) return untold(TookTooLong());
      return absl::OkStatus();
    }

    ASSIGN_OR_RETURN(const auto row, parts.store.Get(*refreshing.tenant, handle, context.deadline));
    if (!row.has_value() || row->expires_at_ms < now_ms) {
      SetUnauthorised(kMissing, response);
      return absl::OkStatus();
    }
    const bool rotates_now =
        crypto::ConstantTimeEqual(row->refresh_hash2, refreshing.presented_hash2) ||
        (refreshing.parent_hash2.has_value() &&
         crypto::ConstantTimeEqual(row->refresh_hash2, *refreshing.parent_hash2)) ||
        (Equal(row->previous_refresh_hash2, refreshing.presented_hash2) &&
         row->rotated_at_ms.value_or(INT64_MIN) >= grace_from_ms);
    if (rotates_now) continue;
    if (!parts.untold.Has(row->refresh_hash2)) {
      return ReportReuse(parts, context, refreshing, *row, response);
    }
    // Nobody has the current token: the one before it counts as not replaced.
    RETURN_IF_ERROR(
        parts.store.UndoRotation(*refreshing.tenant, handle, row->refresh_hash2, context.deadline));
  }
  return TooMuchContention();
}

// The session, promoted if the presented token is a child of its current one.
absl::StatusOr<std::optional<SeenSession>> See(const SessionParts& parts, CallContext& context,
                                               const Refreshing& refreshing) {
  return parts.store.GetPromoting(*refreshing.tenant, refreshing.presented.session_handle,
                                  {.parent_hash2 = refreshing.parent_hash2,
                                   .child_hash2 = refreshing.presented_hash2,
                                   .now_ms = refreshing.now_ms,
                                   .expires_at_ms = refreshing.refresh_expiry_ms(),
                                   .use_static_key = refreshing.use_static_key()},
                                  refreshing.resolve_user_id, context.deadline);
}

// Before 5.6 (formats: 3.5): the current token stays current until a child of it is used.
absl::Status RefreshLazily(const SessionParts& parts, CallContext& context, Refreshing& refreshing,
                           v1::RefreshSessionResponse& response) {
  const std::string& handle = refreshing.presented.session_handle;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const int64_t now_ms = refreshing.now_ms = parts.clock.NowMs();
    ASSIGN_OR_RETURN(auto seen, See(parts, context, refreshing));
    if (!seen.has_value() || seen->row.expires_at_ms < now_ms) {
      SetUnauthorised(kMissing, response);
      return absl::OkStatus();
    }
    if (seen->user.has_value()) refreshing.Know(*std::move(seen->user));
    if (seen->promoted.has_value()) {
      return Issue(parts, context, refreshing, seen->promoted->jwt_payload,
                   seen->promoted->use_static_key, response);
    }
    const SessionRow& row = seen->row;
    if (crypto::ConstantTimeEqual(row.refresh_hash2, refreshing.presented_hash2)) {
      const bool use_static_key = refreshing.use_static_key().value_or(row.use_static_key);
      if (use_static_key != row.use_static_key) {
        RETURN_IF_ERROR(parts.store.SetUseStaticKey(*refreshing.tenant, handle, use_static_key,
                                                    context.deadline));
      }
      return Issue(parts, context, refreshing, row.jwt_payload, use_static_key, response);
    }
    if (!refreshing.parent_hash2.has_value() ||
        !crypto::ConstantTimeEqual(row.refresh_hash2, *refreshing.parent_hash2)) {
      auto& token_theft = *response.mutable_token_theft();
      token_theft.set_handle(handle);
      token_theft.set_user_id(refreshing.user.user_id);
      token_theft.set_recipe_user_id(row.user_id);
      return absl::OkStatus();
    }
    // Another refresh promoted the token meanwhile.
  }
  return TooMuchContention();
}

}  // namespace

absl::StatusOr<v1::RefreshSessionResponse> RefreshSession(
    const SessionParts& parts, CallContext& context, const tenancy::Tenant& app,
    const v1::RefreshSessionRequest& request) {
  ASSIGN_OR_RETURN(const auto master_key, parts.master_keys.Get(context, app));
  v1::RefreshSessionResponse response;

  Refreshing refreshing{.request = request, .app = app};
  ASSIGN_OR_RETURN(refreshing.version, MintedVersion(request.access_token_version()));
  auto presented = OpenRefreshToken(request.refresh_token(), *master_key);
  if (!presented.ok()) {
    SetUnauthorised({presented.status().message().data(), presented.status().message().size()},
                    response);
    return response;
  }
  refreshing.presented = *std::move(presented);
  if (request.enable_anti_csrf() && refreshing.presented.anti_csrf_token.has_value() &&
      !(request.has_anti_csrf_token() &&
        crypto::ConstantTimeEqual(request.anti_csrf_token(),
                                  *refreshing.presented.anti_csrf_token))) {
    SetUnauthorised("Anti CSRF token missing, or not matching", response);
    return response;
  }
  ASSIGN_OR_RETURN(refreshing.tenant,
                   TenantOfApp(parts, context, request.scope(), refreshing.presented.tenant_id));
  if (request.eager_rotation()) {
    refreshing.limit = config::RefreshLimit(*refreshing.tenant->config);
    context.deadline = std::min(context.deadline, SteadyNow() + refreshing.limit);
  }
  if (request.has_access_token_validity_ms()) {
    RETURN_IF_ERROR(CheckValidity(*refreshing.tenant->config, request.access_token_validity_ms()));
  }
  // An eager rotation is not undone: the key that may sign afterwards must be available before.
  const bool may_use_static = refreshing.use_static_key().value_or(request.eager_rotation());
  ASSIGN_OR_RETURN(refreshing.keys, parts.keys.Get(context, app, may_use_static));
  RETURN_IF_ERROR(refreshing.keys->ToSign(may_use_static).status());
  if (parts.users.AreWith(*refreshing.tenant)) {
    refreshing.resolve_user_id = refreshing.presented.user_id;
  } else {
    ASSIGN_OR_RETURN(UserIds user, parts.users.Resolve(context, *refreshing.tenant,
                                                       refreshing.presented.user_id));
    refreshing.Know(std::move(user));
  }

  refreshing.presented_hash1 = Hash1(request.refresh_token());
  refreshing.presented_hash2 = Hash2OfHash1(refreshing.presented_hash1);
  if (refreshing.presented.parent_hash1.has_value()) {
    refreshing.parent_hash2 = Hash2OfHash1(*refreshing.presented.parent_hash1);
  }
  if (request.enable_anti_csrf()) refreshing.anti_csrf_token = crypto::NewUuid4();
  RefreshToken next = refreshing.presented;
  next.parent_hash1 = refreshing.presented_hash1;
  next.anti_csrf_token = refreshing.anti_csrf_token;
  refreshing.next_token = SealRefreshToken(next, *master_key);
  refreshing.next_hash1 = Hash1(refreshing.next_token);

  RETURN_IF_ERROR(request.eager_rotation() ? RefreshEagerly(parts, context, refreshing, response)
                                           : RefreshLazily(parts, context, refreshing, response));
  if (response.has_issued()) {
    parts.users.NoteActivity(context, *refreshing.tenant,
                             refreshing.user.primary_supertokens_user_id);
  }
  return response;
}

}  // namespace gatehouse::session
