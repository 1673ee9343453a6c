#include "libs/porting/bulk_api.h"

#include <utility>

#include "absl/time/time.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::porting {
namespace {

constexpr std::string_view kUsers = "/bulk-import/users";
// A request is answered within 30 s, unless the server says otherwise.
constexpr absl::Duration kTimeout = absl::Seconds(90);

http::Client::Headers HeadersWith(const std::string& domain, const std::string& api_key) {
  http::Client::Headers headers;
  if (!domain.empty()) headers.emplace_back("Host", domain);
  if (!api_key.empty()) headers.emplace_back("api-key", api_key);
  return headers;
}

// A reply that is no success. The body may repeat what the request had.
absl::Status Refused(std::string_view method, std::string_view path, int status) {
  const std::string what = StrCat(method, " ", path, " answers ", std::to_string(status));
  switch (status) {
    case 401:
      return absl::PermissionDeniedError(
          StrCat(what, ": a key is needed (--api-key-file, or GATEHOUSE_API_KEY)"));
    case 403:
      return absl::PermissionDeniedError(what);
    case 404:
      return absl::NotFoundError(what);
    case 429:
    case 503:
      return absl::ResourceExhaustedError(what);
    // A proxy's: the server may be at it.
    case 502:
    case 504:
      return absl::UnavailableError(what);
    default:
      return absl::FailedPreconditionError(what);
  }
}

}  // namespace

int64_t CreatedAt(const json::Value& row) {
  const json::Value* time = row.Find("createdAt");
  return time == nullptr ? 0 : time->AsInt64().value_or(0);
}

BulkApi::BulkApi(const http::Url& url, std::string_view app, const std::string& domain,
                 const std::string& api_key)
    : client_(url, HeadersWith(domain, api_key)),
      prefix_(StrCat(url.path == "/" ? "" : url.path,
                     app.empty() || app == "public" ? "" : StrCat("/appid-", app))) {}

absl::StatusOr<http::ClientReply> BulkApi::Send(std::string_view method, std::string_view path,
                                                std::string_view body) {
  return client_.Send(method, StrCat(prefix_, path), body, kTimeout);
}

absl::StatusOr<json::Value> BulkApi::Json(std::string_view method, std::string_view path,
                                          std::string_view body) {
  ASSIGN_OR_RETURN(const http::ClientReply reply, Send(method, path, body));
  const std::string_view bare = path.substr(0, path.find('?'));
  if (reply.status != 200) return Refused(method, bare, reply.status);
  absl::StatusOr<json::Value> value = json::Parse(reply.body, {.max_values = 10'000'000});
  if (value.ok()) return value;
  return absl::FailedPreconditionError(StrCat(method, " ", bare, " answers no JSON"));
}

absl::StatusOr<BulkApi::Faults> BulkApi::Post(std::string_view path,
                                              const std::vector<std::string>& users) {
  std::string body = "{\"users\":[";
  for (const std::string& user : users) {
    if (body.back() != '[') body += ',';
    body += user;
  }
  body += "]}";
  ASSIGN_OR_RETURN(const http::ClientReply reply, Send("POST", path, body));
  Faults faults;
  if (reply.status == 200) return faults;
  if (reply.status == 400) {
    const absl::StatusOr<json::Value> value = json::Parse(reply.body);
    const json::Value* list = value.ok() ? value->Find("users") : nullptr;
    if (list != nullptr) {
      for (const json::Value& each : list->elements()) {
        const json::Value* index = each.Find("index");
        const json::Value* errors = each.Find("errors");
        if (index == nullptr || errors == nullptr || !index->AsInt64()) continue;
        std::vector<std::string>& texts = faults[static_cast<size_t>(*index->AsInt64())];
        for (const json::Value& text : errors->elements()) {
          texts.emplace_back(text.AsString().value_or("?"));
        }
      }
    }
    if (!faults.empty() && faults.rbegin()->first < users.size()) return faults;
  }
  return Refused("POST", path, reply.status);
}

absl::StatusOr<BulkApi::Faults> BulkApi::Add(const std::vector<std::string>& users) {
  return Post(kUsers, users);
}

absl::StatusOr<BulkApi::Faults> BulkApi::Check(const std::vector<std::string>& users) {
  return Post("/bulk-import/users/check", users);
}

absl::StatusOr<int64_t> BulkApi::Count(std::string_view status) {
  ASSIGN_OR_RETURN(const json::Value reply, Json("GET", StrCat(kUsers, "/count?status=", status)));
  const json::Value* count = reply.Find("count");
  if (count == nullptr || !count->AsInt64()) {
    return absl::FailedPreconditionError("the server does not count users");
  }
  return *count->AsInt64();
}

absl::StatusOr<BulkApi::Page> BulkApi::List(std::string_view status, std::string_view token) {
  std::string path = StrCat(kUsers, "?limit=500");
  if (!status.empty()) path += StrCat("&status=", status);
  if (!token.empty()) path += StrCat("&paginationToken=", http::EncodeUrlPart(token));
  ASSIGN_OR_RETURN(const json::Value reply, Json("GET", path));
  Page page;
  if (const json::Value* users = reply.Find("users")) page.users = users->elements();
  page.next = std::string(reply.FindString("nextPaginationToken").value_or(""));
  return page;
}

absl::StatusOr<int64_t> BulkApi::Newest() {
  ASSIGN_OR_RETURN(const json::Value reply, Json("GET", StrCat(kUsers, "?limit=1")));
  const json::Value* users = reply.Find("users");
  if (users == nullptr || users->elements().empty()) return 0;
  return CreatedAt(users->elements().front());
}

absl::Status BulkApi::Remove(const std::vector<std::string>& ids) {
  json::Value list = json::Value::Array();
  for (const std::string& id : ids) list.Append(id);
  const json::Value body = json::Value::Object({{"ids", std::move(list)}});
  return Json("POST", StrCat(kUsers, "/remove"), json::Serialize(body)).status();
}

absl::StatusOr<std::vector<json::Value>> BulkApi::Find(const Lookup& lookup) {
  std::string query = "?doUnionOfAccountInfo=false";
  const auto add = [&query](std::string_view name, std::string_view value) {
    if (!value.empty()) query += StrCat("&", name, "=", http::EncodeUrlPart(value));
  };
  add("email", lookup.email);
  add("phoneNumber", lookup.phone);
  add("thirdPartyId", lookup.third_party);
  add("thirdPartyUserId", lookup.third_party_user);
  ASSIGN_OR_RETURN(
      const json::Value reply,
      Json("GET", StrCat("/", http::EncodeUrlPart(lookup.tenant), "/users/by-accountinfo", query)));
  const json::Value* users = reply.Find("users");
  return users == nullptr ? std::vector<json::Value>() : users->elements();
}

absl::StatusOr<bool> BulkApi::IsMapped(std::string_view external_id) {
  ASSIGN_OR_RETURN(const json::Value reply,
                   Json("GET", StrCat("/recipe/userid/map?userIdType=EXTERNAL&userId=",
                                      http::EncodeUrlPart(external_id))));
  return reply.FindString("status") == "OK";
}

}  // namespace gatehouse::porting
