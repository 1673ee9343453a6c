#include "libs/crypto/jwt_claims.h"

namespace gatehouse::crypto {
namespace {

// nullopt: leave the claim out.
std::optional<json::Value> NormaliseAudience(const json::Value& audience) {
  if (audience.is_string()) return audience;
  json::Array strings;
  for (const auto& element : audience.elements()) {
    if (element.is_string()) strings.push_back(element);
  }
  if (strings.empty()) return std::nullopt;
  if (strings.size() == 1) return std::move(strings.front());
  return json::Value::Array(std::move(strings));
}

}  // namespace

std::string JwtHeader(std::string_view key_id, std::optional<int> version) {
  std::string header = R"({"kid":)";
  json::AppendQuoted(key_id, header);
  header += R"(,"typ":"JWT")";
  if (version.has_value()) header += R"(,"version":")" + std::to_string(*version) + '"';
  header += R"(,"alg":"RS256"})";
  return header;
}

json::Value MergeClaims(json::Value registered, const json::Value& payload) {
  for (const auto& member : payload.members()) {
    if (member.key == "aud") {
      if (auto audience = NormaliseAudience(member.value)) {
        registered.Set(member.key, *std::move(audience));
      }
      continue;
    }
    registered.Set(member.key, member.value);
  }
  return registered;
}

bool HasOversizedInteger(const json::Value& value) {
  if (const auto text = value.AsNumberText()) {
    return text->find_first_of(".eE") == std::string_view::npos && !value.AsInt64().has_value();
  }
  for (const auto& element : value.elements()) {
    if (HasOversizedInteger(element)) return true;
  }
  for (const auto& member : value.members()) {
    if (HasOversizedInteger(member.value)) return true;
  }
  return false;
}

}  // namespace gatehouse::crypto
