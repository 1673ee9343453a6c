#include "services/accounts/bulkimport/import_users.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/accounts/user_removal.h"

namespace gatehouse::accounts {
namespace {

using Kind = ImportOutcome::Kind;
using LoginMethod = BulkUser::LoginMethod;
using users::v1::ImportRefusal;

// A part is one call to each service. Hashing a password takes a processor for 0.1 s or more.
constexpr size_t kMaxPart = 250;
constexpr size_t kMaxPlainTextPasswords = 20;
constexpr size_t kMaxRows = 10'000;  // of roles, and of devices: what their services take
constexpr size_t kMaxPartBytes = 4 << 20;

// A user on its way, with the place of its outcome.
struct Item {
  const BulkUser* user;
  size_t place;
  std::vector<const LoginMethod*> methods;  // the leading one first

  const std::string& tenant_id() const { return methods.front()->tenant_ids.front(); }
  // The id under which roles, metadata and devices are kept.
  const std::string& data_id() const {
    return user->external_user_id.has_value() ? *user->external_user_id
                                              : methods.front()->supertokens_user_id;
  }
};
using Part = std::vector<Item>;

Item ItemOf(const BulkUser& user, size_t place) {
  Item item{&user, place, {}};
  const size_t leader = user.leader();
  item.methods.push_back(&user.login_methods[leader]);
  for (size_t i = 0; i < user.login_methods.size(); ++i) {
    if (i != leader) item.methods.push_back(&user.login_methods[i]);
  }
  return item;
}

// What is about the user's share of a message, and of the time.
size_t BytesOf(const BulkUser& user) {
  return 500 * user.login_methods.size() +
         (user.metadata.has_value() ? json::Serialize(*user.metadata).size() : 0);
}

// Users in parts, each of one tenant: tenants are in different databases, at worst.
std::vector<Part> Divide(const std::vector<const BulkUser*>& users) {
  struct Open {
    Part part;
    size_t bytes = 0, passwords = 0, roles = 0, devices = 0;
  };
  std::map<std::string, Open> open;
  std::vector<Part> parts;
  for (size_t i = 0; i < users.size(); ++i) {
    Item item = ItemOf(*users[i], i);
    Open& target = open[item.tenant_id()];
    const size_t bytes = BytesOf(*users[i]), roles = users[i]->RolesInTenants();
    const size_t passwords = static_cast<size_t>(users[i]->PlainTextPasswords());
    const size_t devices = users[i]->totp_devices.has_value() ? users[i]->totp_devices->size() : 0;
    const bool full = target.part.size() >= kMaxPart ||
                      (!target.part.empty() &&
                       (target.bytes + bytes > kMaxPartBytes ||
                        target.passwords + passwords > kMaxPlainTextPasswords ||
                        target.roles + roles > kMaxRows || target.devices + devices > kMaxRows));
    if (full) {
      parts.push_back(std::move(target.part));
      target = Open();
    }
    target.part.push_back(std::move(item));
    target.bytes += bytes;
    target.passwords += passwords;
    target.roles += roles;
    target.devices += devices;
  }
  for (auto& [tenant_id, rest] : open) {
    if (!rest.part.empty()) parts.push_back(std::move(rest.part));
  }
  return parts;
}

// Null deletes a key, as in every update of metadata.
std::string MetadataOf(const BulkUser& user) {
  if (!user.metadata.has_value()) return "";
  json::Value metadata = json::Value::Object();
  for (const json::Member& member : user.metadata->members()) {
    if (!member.value.is_null()) metadata.Set(member.key, member.value);
  }
  return json::Serialize(metadata);
}

void Encode(const LoginMethod& method, users::v1::LoginMethodToImport& out) {
  out.set_supertokens_user_id(method.supertokens_user_id);
  out.set_recipe_id(method.recipe_id);
  for (const std::string& tenant : method.tenant_ids) out.add_tenant_ids(tenant);
  out.set_verified(method.verified);
  out.set_time_joined_ms(method.time_joined_ms);
  if (method.email.has_value()) out.set_email(*method.email);
  if (method.phone_number.has_value()) out.set_phone_number(*method.phone_number);
  if (method.recipe_id == "thirdparty") {
    out.mutable_third_party()->set_id(method.third_party_id.value_or(""));
    out.mutable_third_party()->set_user_id(method.third_party_user_id.value_or(""));
  }
  if (method.password_hash.has_value()) {
    out.set_password_hash(*method.password_hash);
  } else if (method.plain_text_password.has_value()) {
    out.set_plain_text_password(*method.plain_text_password);
  }
}

void AddDevicesOf(const Item& item,
                  google::protobuf::RepeatedPtrField<totp::v1::DeviceToImport>& devices) {
  if (!item.user->totp_devices.has_value()) return;
  std::set<std::string> names;
  for (const auto& device : *item.user->totp_devices) {
    if (device.name.has_value()) names.insert(*device.name);
  }
  int number = 0;
  for (const auto& device : *item.user->totp_devices) {
    totp::v1::DeviceToImport& one = *devices.Add();
    one.set_user_id(item.data_id());
    one.set_secret_key(device.secret_key);
    one.set_period_s(device.period_s);
    one.set_skew(device.skew);
    // The same names in each attempt.
    std::string name = device.name.value_or("");
    while (name.empty() || (!device.name.has_value() && names.contains(name))) {
      name = StrCat("TOTP Device ", std::to_string(number++));
    }
    one.set_device_name(std::move(name));
  }
}

// The original's texts.
std::string TextOf(const ImportRefusal& refusal, const Item& item) {
  switch (refusal.kind()) {
    case ImportRefusal::KIND_LOGIN_METHOD_TAKEN: {
      const size_t place =
          std::min<size_t>(refusal.login_method(), item.methods.size() - 1);
      const LoginMethod& method = *item.methods[place];
      if (method.recipe_id == "emailpassword") {
        return StrCat("E003: A user with email ", method.email.value_or(""),
                      " already exists in emailpassword loginMethod.");
      }
      if (method.recipe_id == "thirdparty") {
        return StrCat("E005: A user with thirdPartyId ", method.third_party_id.value_or(""),
                      " and thirdPartyUserId ", method.third_party_user_id.value_or(""),
                      " already exists in thirdparty loginMethod.");
      }
      if (refusal.phone_number()) {
        return StrCat("E007: A user with phoneNumber ", method.phone_number.value_or(""),
                      " already exists in passwordless loginMethod.");
      }
      return StrCat("E006: A user with email ", method.email.value_or(""),
                    " already exists in passwordless loginMethod.");
    }
    case ImportRefusal::KIND_ACCOUNT_INFO_TAKEN:
      return StrCat("E022: We tried to create the primary user for the userId ",
                    item.methods.front()->supertokens_user_id,
                    " but the account info is already associated with another primary user.");
    case ImportRefusal::KIND_EXTERNAL_ID_TAKEN:
      return StrCat("E031: A user with externalId ", item.user->external_user_id.value_or(""),
                    " already exists");
    case ImportRefusal::KIND_EXTERNAL_ID_IS_A_USER:
      return "E030: Cannot create a userId mapping where the externalId is also a SuperTokens "
             "userID";
    default:
      return refusal.description();
  }
}

// One part of an import.
class PartImport {
 public:
  PartImport(ImportPeers& peers, rpc::CallContext context, const common::v1::Scope& app,
             const Part& part, const ImportOptions& options, std::vector<ImportOutcome>& outcomes)
      : peers_(peers),
        context_(std::move(context)),
        app_(app),
        part_(part),
        options_(options),
        outcomes_(outcomes) {
    tenant_ = app;
    tenant_.set_tenant_id(part.front().tenant_id());
  }

  absl::Status Run() {
    // First, so that whoever is refused for a device leaves the data under their external id alone.
    RETURN_IF_ERROR(CheckDevices());
    RETURN_IF_ERROR(AddToRegistry());
    for (const auto& [recipe_id, keeper] : peers_.others.credentials) {
      RETURN_IF_ERROR(AddCredentials(recipe_id, keeper));
    }
    RETURN_IF_ERROR(AddDevices());
    RETURN_IF_ERROR(AddRoles());
    // What an interruption from here on leaves behind is found again: the user is in the registry.
    for (const auto& [place, error] : refused_) {
      RETURN_IF_ERROR(TakeBackImport(peers_.others, context_, app_,
                                     part_[place].methods.front()->supertokens_user_id));
      Fail(part_[place], error);
    }
    for (const size_t place : imported_) {
      if (!refused_.contains(place)) outcomes_[part_[place].place].kind = Kind::kDone;
    }
    return absl::OkStatus();
  }

 private:
  void Fail(const Item& item, std::string error) {
    outcomes_[item.place].kind = Kind::kFailed;
    outcomes_[item.place].error = std::move(error);
    outcomes_[item.place].user.reset();
  }

  absl::Status AddToRegistry() {
    users::v1::ImportUsersRequest request;
    *request.mutable_scope() = tenant_;
    request.set_include_users(options_.include_users);
    std::vector<size_t> places;
    for (size_t i = 0; i < part_.size(); ++i) {
      if (refused_.contains(i)) continue;
      places.push_back(i);
      const Item& item = part_[i];
      users::v1::UserToImport& user = *request.add_users();
      for (const LoginMethod* method : item.methods) Encode(*method, *user.add_login_methods());
      user.set_is_primary(item.methods.front()->primary);
      user.set_external_user_id(item.user->external_user_id.value_or(""));
      user.set_metadata_json(MetadataOf(*item.user));
    }
    if (places.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(users::v1::ImportUsersResponse response,
                     peers_.users.ImportUsers(context_, request));
    if (response.outcomes_size() != static_cast<int>(places.size())) {
      return MakeError(ErrorReason::kInternal, "An outcome is missing");
    }
    for (size_t i = 0; i < places.size(); ++i) {
      const Item& item = part_[places[i]];
      auto& outcome = *response.mutable_outcomes(static_cast<int>(i));
      if (outcome.has_refused()) {
        Fail(item, TextOf(outcome.refused(), item));
        continue;
      }
      imported_.push_back(places[i]);
      if (outcome.has_user()) outcomes_[item.place].user = std::move(*outcome.mutable_user());
    }
    return absl::OkStatus();
  }

  absl::Status AddCredentials(const std::string& recipe_id,
                              common::v1::CredentialsService& keeper) {
    common::v1::ImportCredentialsRequest request;
    *request.mutable_scope() = tenant_;
    for (const size_t place : imported_) {
      for (const LoginMethod* method : part_[place].methods) {
        if (method->recipe_id != recipe_id) continue;
        common::v1::ImportedCredentials& one = *request.add_credentials();
        one.set_supertokens_user_id(method->supertokens_user_id);
        one.set_time_joined_ms(method->time_joined_ms);
        if (method->email.has_value()) one.set_email(*method->email);
        if (method->phone_number.has_value()) one.set_phone_number(*method->phone_number);
        one.set_third_party_id(method->third_party_id.value_or(""));
        one.set_third_party_user_id(method->third_party_user_id.value_or(""));
      }
    }
    if (request.credentials().empty()) return absl::OkStatus();
    return keeper.ImportCredentials(context_, request).status();
  }

  // Under an internal id there are no devices yet but those of an interrupted attempt.
  absl::Status CheckDevices() {
    std::vector<size_t> places;
    for (size_t i = 0; i < part_.size(); ++i) {
      if (part_[i].user->external_user_id.has_value()) places.push_back(i);
    }
    return ImportDevices(places, /*check_only=*/true);
  }
  absl::Status AddDevices() { return ImportDevices(imported_, /*check_only=*/false); }

  absl::Status ImportDevices(const std::vector<size_t>& places, bool check_only) {
    totp::v1::ImportDevicesRequest request;
    *request.mutable_scope() = tenant_;
    request.set_check_only(check_only);
    std::vector<size_t> owners;
    for (const size_t place : places) {
      AddDevicesOf(part_[place], *request.mutable_devices());
      owners.resize(static_cast<size_t>(request.devices_size()), place);
    }
    if (owners.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto response, peers_.totp.ImportDevices(context_, request));
    for (const int32_t taken : response.name_taken()) {
      refused_.try_emplace(owners[static_cast<size_t>(taken)],
                           "E036: The user has another TOTP device of this name");
    }
    return absl::OkStatus();
  }

  absl::Status AddRoles() {
    roles::v1::AssignRolesRequest request;
    *request.mutable_scope() = app_;
    for (const size_t place : imported_) {
      if (!part_[place].user->roles.has_value() || refused_.contains(place)) continue;
      for (const BulkUser::Role& role : *part_[place].user->roles) {
        for (const std::string& tenant : role.tenant_ids) {
          roles::v1::RoleAssignment& one = *request.add_assignments();
          one.set_tenant_id(tenant);
          one.set_user_id(part_[place].data_id());
          one.set_role(role.role);
        }
      }
    }
    if (request.assignments().empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto response, peers_.roles.AssignRoles(context_, request));
    const std::set<std::string> unknown(response.unknown_roles().begin(),
                                        response.unknown_roles().end());
    for (const size_t place : imported_) {
      if (!part_[place].user->roles.has_value()) continue;
      for (const BulkUser::Role& role : *part_[place].user->roles) {
        if (!unknown.contains(role.role)) continue;
        refused_.try_emplace(place,
                             "E034: Role does not exist! You need to pre-create the role before "
                             "assigning it to the user.");
      }
    }
    return absl::OkStatus();
  }

  ImportPeers& peers_;
  rpc::CallContext context_;
  const common::v1::Scope& app_;
  const Part& part_;
  const ImportOptions& options_;
  std::vector<ImportOutcome>& outcomes_;
  common::v1::Scope tenant_;
  std::vector<size_t> imported_;            // places in the part
  std::map<size_t, std::string> refused_;  // places in the part, by what other services say
};

}  // namespace

absl::Status TakeBackImport(Peers& peers, rpc::CallContext& context,
                            const common::v1::Scope& app, const std::string& user_id) {
  users::v1::DeleteUserIdMappingRequest unmap;
  *unmap.mutable_scope() = app;
  unmap.set_user_id(user_id);
  unmap.set_type(users::v1::USER_ID_TYPE_SUPERTOKENS);
  RETURN_IF_ERROR(peers.id_mapping.DeleteUserIdMapping(context, unmap).status());
  v1::RemoveUserRequest remove;
  *remove.mutable_scope() = app;
  remove.set_user_id(user_id);
  remove.set_remove_all_linked_accounts(true);
  return RemoveUser(peers, context, remove);
}

ImportResult ImportUsers(ImportPeers& peers, const std::function<rpc::CallContext()>& context,
                         const common::v1::Scope& app, const std::vector<const BulkUser*>& users,
                         const ImportOptions& options) {
  ImportResult result;
  result.outcomes.resize(users.size());
  for (const Part& part : Divide(users)) {
    if (options.stopped()) break;
    const absl::Status status =
        PartImport(peers, context(), app, part, options, result.outcomes).Run();
    if (!status.ok()) result.fault = status;
  }
  return result;
}

}  // namespace gatehouse::accounts
