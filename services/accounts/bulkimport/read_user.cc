#include "services/accounts/bulkimport/read_user.h"

#include <algorithm>
#include <utility>

#include "libs/base/contact_info.h"
#include "libs/base/lower_case.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/base/utf8.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/password.h"
#include "libs/passwords/import_format.h"
#include "services/accounts/bulkimport/json_fields.h"

namespace gatehouse::accounts {
namespace {

using json::Value;
using LoginMethod = BulkUser::LoginMethod;

// What a user may have; the original sets no limits. Those of one user are added by one call to the
// service that keeps them, and a password in plain text costs a tenth of a second or more.
constexpr size_t kMaxDevices = 100;
constexpr size_t kMaxRoles = 10'000;
constexpr size_t kMaxLoginMethods = 1000;
constexpr ptrdiff_t kMaxPlainTextPasswords = 20;

void CheckLength(std::string_view what, std::string_view text, size_t limit,
                 std::string_view said_limit, std::vector<std::string>& errors) {
  if (Utf16Length(text) <= limit) return;
  errors.push_back(StrCat(what, " ", text, " is too long. Max length is ", said_limit, "."));
}

std::optional<passwords::HashKind> KindOf(std::string_view upper_case) {
  if (upper_case == "BCRYPT") return passwords::HashKind::kBcrypt;
  if (upper_case == "ARGON2") return passwords::HashKind::kArgon2;
  if (upper_case == "FIREBASE_SCRYPT") return passwords::HashKind::kFirebaseScrypt;
  return std::nullopt;
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

// Login methods of one time are listed by id: in this order, then.
void MakeIds(BulkUser& user) {
  std::vector<std::string> ids(user.login_methods.size());
  for (std::string& id : ids) id = crypto::NewUuid4();
  std::sort(ids.begin(), ids.end());
  for (size_t i = 0; i < ids.size(); ++i) user.login_methods[i].supertokens_user_id = ids[i];
}

// Where the original reads an int: the low bits of a number out of range.
int32_t ToInt32(int64_t number) { return static_cast<int32_t>(static_cast<uint32_t>(number)); }

}  // namespace

absl::StatusOr<std::vector<std::string>> UserReader::Read(const Value& value, BulkUser& user) {
  Errors errors;
  user = BulkUser();
  JsonFields fields(value, ".", errors);
  user.external_user_id = fields.Text("externalUserId");
  if (const Value* metadata = fields.Object("userMetadata")) user.metadata = *metadata;
  ReadRoles(value, user, errors);
  ReadDevices(value, user, errors);
  ReadMethods(value, user, errors);
  CheckExternalId(user, errors);
  CheckTenants(user, errors);
  RETURN_IF_ERROR(failure_);
  return errors;
}

void UserReader::ReadRoles(const Value& value, BulkUser& user, Errors& errors) {
  const Value* roles = JsonFields(value, ".", errors).Objects("userRoles");
  if (roles == nullptr) return;
  user.roles.emplace();
  for (const Value& element : roles->elements()) {
    JsonFields fields(element, " for a user role.", errors);
    const std::optional<std::string> role = fields.Text("role", true);
    const Value* tenants = fields.Texts("tenantIds", true);
    std::string name;
    if (role.has_value()) {
      CheckLength("role", *role, 255, "255", errors);
      name = JavaTrim(*role);
      if (!RoleExists(name)) errors.push_back(StrCat("Role ", name, " does not exist."));
    }
    user.roles->push_back({name, ReadTenants(tenants, " for a user role.", errors)});
  }
  if (user.RolesInTenants() > kMaxRoles) {
    errors.push_back(StrCat("A user cannot have more than ", std::to_string(kMaxRoles),
                            " roles in tenants."));
  }
}

void UserReader::ReadDevices(const Value& value, BulkUser& user, Errors& errors) {
  const Value* devices = JsonFields(value, ".", errors).Objects("totpDevices");
  if (devices == nullptr) return;
  if (devices->size() > kMaxDevices) {
    errors.push_back(
        StrCat("A user cannot have more than ", std::to_string(kMaxDevices), " TOTP devices."));
    return;
  }
  user.totp_devices.emplace();
  for (const Value& element : devices->elements()) {
    JsonFields fields(element, " for a totp device.", errors);
    const std::optional<std::string> secret = fields.Text("secretKey", true);
    const std::optional<int64_t> period = fields.Integer("period");
    const std::optional<int64_t> skew = fields.Integer("skew");
    std::optional<std::string> name = fields.Text("deviceName");
    BulkUser::TotpDevice device;
    if (secret.has_value()) {
      // Not the secret itself, as the original would: errors are kept and shown.
      if (Utf16Length(*secret) > 256) {
        errors.emplace_back("TOTP secretKey is too long. Max length is 256.");
      }
      device.secret_key = *secret;
    }
    device.period_s = ToInt32(period.value_or(30));
    if (device.period_s < 1) errors.emplace_back("period should be > 0 for a totp device.");
    device.skew = ToInt32(skew.value_or(1));
    if (device.skew < 0) errors.emplace_back("skew should be >= 0 for a totp device.");
    if (name.has_value()) {
      CheckLength("TOTP deviceName", *name, 256, "256", errors);
      device.name = std::string(JavaTrim(*name));
    }
    user.totp_devices->push_back(std::move(device));
  }
}

void UserReader::ReadMethods(const Value& value, BulkUser& user, Errors& errors) {
  const Value* methods = JsonFields(value, ".", errors).Objects("loginMethods", true);
  if (methods == nullptr) return;
  if (methods->size() == 0) {
    errors.emplace_back("At least one loginMethod is required.");
    return;
  }
  if (methods->size() > kMaxLoginMethods) {
    errors.push_back(StrCat("A user cannot have more than ", std::to_string(kMaxLoginMethods),
                            " loginMethods."));
    return;
  }
  bool has_primary = false;
  for (const Value& element : methods->elements()) {
    const Value* primary = element.Find("isPrimary");
    if (primary == nullptr || !primary->AsBool().value_or(false)) continue;
    if (has_primary) errors.emplace_back("No two loginMethods can have isPrimary as true.");
    has_primary = true;
  }
  for (const Value& element : methods->elements()) ReadMethod(element, user, errors);
  if (user.PlainTextPasswords() > kMaxPlainTextPasswords) {
    errors.push_back(StrCat("A user cannot have more than ",
                            std::to_string(kMaxPlainTextPasswords),
                            " loginMethods with a plainTextPassword."));
  }
  if (source_ == Source::kRequest) MakeIds(user);
}

void UserReader::ReadMethod(const Value& value, BulkUser& user, Errors& errors) {
  JsonFields fields(value, " for a loginMethod.", errors);
  LoginMethod method;
  const std::optional<std::string> recipe = fields.Text("recipeId", true);
  const Value* tenants = fields.Texts("tenantIds");
  method.verified = fields.Bool("isVerified").value_or(false);
  method.primary = fields.Bool("isPrimary").value_or(false);
  const std::optional<int64_t> joined =
      JsonFields(value, " for a loginMethod", errors).Integer("timeJoinedInMSSinceEpoch");
  if (recipe.has_value() && *recipe != "emailpassword" && *recipe != "thirdparty" &&
      *recipe != "passwordless") {
    errors.emplace_back(
        "Invalid recipeId for loginMethod. Pass one of emailpassword, thirdparty or, "
        "passwordless!");
  }
  method.recipe_id = recipe.value_or("null");
  method.tenant_ids =
      ReadTenants(tenants, StrCat(" for ", method.recipe_id, " recipe."), errors);
  method.time_joined_ms = ReadTimeJoined(joined, errors);
  if (source_ == Source::kTable) {
    method.supertokens_user_id = JsonFields(value, " for a loginMethod", errors)
                                     .Text("superTokensUserId", true)
                                     .value_or("");
  }
  if (method.recipe_id == "emailpassword") {
    ReadPassword(value, method, errors);
  } else if (method.recipe_id == "thirdparty") {
    ReadThirdParty(value, method, errors);
  } else if (method.recipe_id == "passwordless") {
    ReadContact(value, method, errors);
  } else {
    return;
  }
  user.login_methods.push_back(std::move(method));
}

void UserReader::ReadPassword(const Value& value, LoginMethod& method, Errors& errors) {
  JsonFields fields(value, " for an emailpassword recipe.", errors);
  const std::optional<std::string> email = fields.Text("email", true);
  std::optional<std::string> hash = fields.Text("passwordHash");
  const std::optional<std::string> algorithm = fields.Text("hashingAlgorithm");
  method.plain_text_password = fields.Text("plainTextPassword");
  if ((!hash.has_value() || !algorithm.has_value()) && !method.plain_text_password.has_value()) {
    errors.emplace_back(
        "Either (passwordHash, hashingAlgorithm) or plainTextPassword is required for an "
        "emailpassword recipe.");
  }
  if (email.has_value()) {
    CheckLength("email", *email, 255, "256", errors);
    method.email = NormaliseEmail(*email);
  }
  if (!algorithm.has_value()) return;  // a hash of an unknown kind can't be checked
  method.hashing_algorithm = UpperCase(JavaTrim(*algorithm));
  const std::optional<passwords::HashKind> kind = KindOf(*method.hashing_algorithm);
  if (!kind.has_value()) {
    errors.emplace_back(
        "Invalid hashingAlgorithm for emailpassword recipe. Pass one of bcrypt, argon2 or, "
        "firebase_scrypt!");
  } else if (hash.has_value()) {
    if (Utf16Length(*hash) > 256) {
      errors.emplace_back("passwordHash is too long. Max length is 256.");
    }
    hash = std::string(JavaTrim(*hash));
    absl::Status status = passwords::CheckImportFormat(*app_.tenant->config, *hash, *kind);
    if (status.ok()) status = crypto::CheckHashCost(*hash);
    if (!status.ok()) errors.emplace_back(status.message());
  }
  method.password_hash = std::move(hash);
}

void UserReader::ReadThirdParty(const Value& value, LoginMethod& method, Errors& errors) {
  JsonFields fields(value, " for a thirdparty recipe.", errors);
  const std::optional<std::string> email = fields.Text("email", true);
  method.third_party_id = fields.Text("thirdPartyId", true);
  method.third_party_user_id = fields.Text("thirdPartyUserId", true);
  if (email.has_value()) {
    CheckLength("email", *email, 255, "256", errors);
    method.email = NormaliseEmail(*email);
  }
  if (method.third_party_id.has_value()) {
    CheckLength("thirdPartyId", *method.third_party_id, 28, "28", errors);
  }
  if (method.third_party_user_id.has_value()) {
    CheckLength("thirdPartyUserId", *method.third_party_user_id, 256, "256", errors);
  }
}

void UserReader::ReadContact(const Value& value, LoginMethod& method, Errors& errors) {
  JsonFields fields(value, " for a passwordless recipe.", errors);
  const std::optional<std::string> email = fields.Text("email");
  const std::optional<std::string> phone = fields.Text("phoneNumber");
  if (email.has_value()) {
    CheckLength("email", *email, 255, "256", errors);
    method.email = NormaliseEmail(*email);
  }
  if (phone.has_value()) {
    CheckLength("phoneNumber", *phone, 256, "256", errors);
    method.phone_number = NormalisePhoneNumber(*phone);
  }
  if (!email.has_value() && !phone.has_value()) {
    errors.emplace_back("Either email or phoneNumber is required for a passwordless recipe.");
  }
}

int64_t UserReader::ReadTimeJoined(std::optional<int64_t> given, Errors& errors) const {
  if (!given.has_value()) return app_.now_ms;
  if (source_ == Source::kRequest && *given > app_.now_ms) {
    errors.emplace_back("timeJoined cannot be in future for a loginMethod.");
  }
  if (*given < 0) errors.emplace_back("timeJoined cannot be < 0 for a loginMethod.");
  return *given;
}

void UserReader::CheckExternalId(BulkUser& user, Errors& errors) {
  if (!user.external_user_id.has_value()) return;
  std::string& id = *user.external_user_id;
  CheckLength("externalUserId", id, 128, "128", errors);
  const std::string trimmed(JavaTrim(id));
  if (!external_ids_.insert(trimmed).second) {
    errors.push_back(
        StrCat("externalUserId ", id, " is not unique. It is already used by another user."));
  }
  id = trimmed;
}

bool UserReader::RoleExists(const std::string& name) {
  const absl::StatusOr<bool> exists = app_.has_role(name);
  failure_.Update(exists.status());
  return exists.value_or(false);
}

const tenancy::Tenant* UserReader::TenantOf(const std::string& id) {
  const auto [known, added] = tenants_.try_emplace(id);
  if (added) {
    absl::StatusOr<tenancy::TenantPtr> tenant = app_.find_tenant(id);
    if (tenant.ok()) {
      known->second = *std::move(tenant);
    } else {
      failure_.Update(tenant.status());
    }
  }
  return known->second.get();
}

std::vector<std::string> UserReader::ReadTenants(const Value* array, std::string_view suffix,
                                                 Errors& errors) {
  if (array == nullptr) return {"public"};
  std::vector<std::string> ids;
  for (const Value& element : array->elements()) {
    const std::string given(*element.AsString());
    const std::string id = given == "public" ? given : LowerCase(JavaTrim(given));
    if (TenantOf(id) == nullptr) {
      errors.push_back(StrCat("Invalid tenantId: ", given, suffix));
    } else {
      ids.push_back(id);
    }
  }
  return ids;
}

void UserReader::CheckTenants(const BulkUser& user, Errors& errors) {
  for (const BulkUser::Role& role : user.roles.value_or(std::vector<BulkUser::Role>())) {
    for (const std::string& id : role.tenant_ids) {
      const bool has = std::any_of(user.login_methods.begin(), user.login_methods.end(),
                                   [&](const LoginMethod& method) {
                                     const auto& ids = method.tenant_ids;
                                     return std::find(ids.begin(), ids.end(), id) != ids.end();
                                   });
      if (id != "public" && !has) {
        errors.push_back(
            StrCat("TenantId ", id, " for a user role does not exist in loginMethods."));
      }
    }
  }
  std::optional<std::string> database;
  for (const LoginMethod& method : user.login_methods) {
    // Without the login method's content, which the original adds: it may hold a password.
    if (method.tenant_ids.empty()) errors.emplace_back("LoginMethod has no tenantId");
    for (const std::string& id : method.tenant_ids) {
      const tenancy::Tenant* tenant = TenantOf(id);
      if (tenant == nullptr) continue;
      if (!database.has_value()) database = tenant->database_id;
      if (*database != tenant->database_id) {
        errors.push_back(StrCat("All tenants for a user must share the same database for ",
                                method.recipe_id, " recipe."));
        break;
      }
    }
  }
}

}  // namespace gatehouse::accounts
