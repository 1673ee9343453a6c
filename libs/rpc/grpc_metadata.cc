#include "libs/rpc/grpc_metadata.h"

#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "libs/base/ip_address.h"
#include "libs/rpc/policy.h"

namespace gatehouse::rpc {
namespace {

bool IsAddress(const std::string& text) { return IpAddress::Parse(text).has_value(); }

bool IsTraceparent(const std::string& text) { return ParseTraceparent(text) == text; }
bool IsRequestId(const std::string& text) { return IsHarmlessRequestId(text); }

constexpr char kLeavingKey[] = "gatehouse-leaving";

struct Field {
  const char* key;
  std::string CallContext::*member;
  bool (*is_harmless)(const std::string&);
};

constexpr Field kFields[] = {
    {"gatehouse-request-id", &CallContext::request_id, IsRequestId},
    {"gatehouse-client-address", &CallContext::client_address, IsAddress},
    {"traceparent", &CallContext::traceparent, IsTraceparent},
};

// Does not compile when CallContext has another field: it needs a row above, or another way to
// travel.
[[maybe_unused]] void KnowsEveryField(const CallContext& context) {
  [[maybe_unused]] const auto& [caller, request_id, deadline, client_address, traceparent] =
      context;
}

// From "ipv4:10.0.0.1:4711" or "ipv6:%5B::1%5D:4711"; "" for anything else, such as a Unix socket.
std::string AddressOfPeer(const std::string& peer) {
  absl::string_view text = peer;
  if (absl::ConsumePrefix(&text, "ipv4:")) return std::string(text.substr(0, text.rfind(':')));
  if (!absl::ConsumePrefix(&text, "ipv6:")) return "";
  text = text.substr(0, text.rfind(':'));
  if (!absl::ConsumePrefix(&text, "%5B")) absl::ConsumePrefix(&text, "[");
  if (!absl::ConsumeSuffix(&text, "%5D")) absl::ConsumeSuffix(&text, "]");
  return std::string(text);
}

}  // namespace

void AddMetadata(const CallContext& context, grpc::ClientContext& call) {
  for (const Field& field : kFields) {
    const std::string& value = context.*field.member;
    if (!value.empty()) call.AddMetadata(field.key, value);
  }
}

void ReadMetadata(const grpc::CallbackServerContext& call, CallContext& context) {
  for (const Field& field : kFields) {
    const auto found = call.client_metadata().find(field.key);
    if (found == call.client_metadata().end()) continue;
    std::string value(found->second.data(), found->second.size());
    if (field.is_harmless(value)) context.*field.member = std::move(value);
  }
  if (context.caller == callers::kClient) context.client_address = AddressOfPeer(call.peer());
}

void SayLeaving(grpc::CallbackServerContext& call) { call.AddTrailingMetadata(kLeavingKey, "1"); }

bool SaidLeaving(const grpc::ClientContext& call) {
  return call.GetServerTrailingMetadata().count(kLeavingKey) > 0;
}

}  // namespace gatehouse::rpc
