#include "gateway/pipeline/gateway.h"

#include <charconv>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gateway/api/http_errors.h"
#include "gateway/pipeline/client_address.h"
#include "libs/base/hex.h"
#include "libs/base/may_block.h"
#include "libs/base/owner.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/config/core_config.h"
#include "libs/telemetry/fault.h"
#include "libs/telemetry/log.h"

namespace gatehouse::gateway {
namespace {

// A request slower than this is worth a line in the log at the usual level.
constexpr double kSlowSeconds = 1.0;

constexpr std::string_view kOtherMethod = "other";
// The pool of requests for apps that do not exist.
constexpr std::string_view kStrangers = "strangers";
// The limit on bodies parsed on an I/O thread: larger ones would keep other connections waiting.
constexpr size_t kMaxBodyOnIoThread = 16 * 1024;

std::optional<HttpMethod> MethodOf(std::string_view name) {
  for (size_t i = 0; i < kMethodNames.size(); ++i) {
    if (kMethodNames[i] == name) return static_cast<HttpMethod>(i);
  }
  return std::nullopt;
}

std::string NewRequestId() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  // Fifteen digits: a string of no more needs no memory of its own, and it is copied with each call.
  return HexOf(random()).substr(1);
}

// The caller's own id if it is harmless in a log, else a new one.
std::string RequestIdOf(const http::Headers& headers) {
  const auto given = headers.Find("X-Request-Id");
  return given && IsHarmlessRequestId(*given) ? std::string(*given) : NewRequestId();
}

ConcurrencyCap::Limits LimitsOf(const config::CoreConfig& config) {
  using config::Setting;
  const auto number = [&](Setting id) { return std::get<int64_t>(config.value(id)); };
  return {.cap = number(Setting::kMaxConcurrentRequestsPerCud),
          .pool_size = number(Setting::kMaxServerPoolSize),
          .reserved_percent = number(Setting::kConcurrencyCapReservedPoolPercent)};
}

// The tenant, as far as there is one: anybody can make up names. Those of requests without an app
// are nobody's, and wait in one line.
Owner OwnerOfRequest(const common::v1::Scope& scope, const tenancy::Sight& sight) {
  if (sight.app == nullptr) return kNobody;
  const std::string_view tenant =
      sight.tenant != nullptr ? std::string_view(scope.tenant_id()) : "";
  return OwnerOf(scope.connection_uri_domain(), scope.app_id(), tenant);
}

// Whether the body is too large to read for an app that does not exist: no key was checked.
bool HasLargeBody(const http::Headers& headers) {
  constexpr uint64_t kLarge = 64 * 1024;
  if (headers.Find("Transfer-Encoding")) return true;
  const std::string_view length = headers.Find("Content-Length").value_or("0");
  uint64_t bytes = 0;
  std::from_chars(length.data(), length.data() + length.size(), bytes);
  return bytes > kLarge;
}

http::Response ToResponse(Reply reply) {
  http::Response response;
  response.status = reply.status;
  response.body = std::move(reply.body);
  if (reply.kind != Reply::Kind::kRaw) response.body.push_back('\n');
  response.headers = std::move(reply.headers);
  switch (reply.kind) {
    case Reply::Kind::kJson:
      response.content_type = "application/json;charset=UTF-8";
      break;
    case Reply::Kind::kText:
      response.content_type = "text/html;charset=UTF-8";
      break;
    case Reply::Kind::kRaw:
      response.content_type = std::move(reply.content_type);
      break;
  }
  return response;
}

}  // namespace

// One request on its way through.
struct Gateway::Call {
  explicit Call(http::Responder r) : responder(std::move(r)) {}
  // Workers that stop drop calls that they have not begun; their clients get an answer.
  ~Call() {
    if (!queued) return;
    responder.Send(ToResponse(
        ErrorReply(MakeError(ErrorReason::kDependencyDown, "The server is stopping"))));
  }

  http::Responder responder;
  RouteTable::Match match{};
  bool unknown_path = false;
  bool for_operators = false;  // came by the second port
  Admission::Admitted admitted;  // its scope becomes the request's
  ApiRequest request;  // what is known of it so far
  const Route* route = nullptr;
  ConcurrencyCap::Slot slot;  // from its whole body to its answer
  bool queued = false;      // waits for a worker
  std::string_view method;  // one of kMethodNames, or "other"
  std::chrono::steady_clock::time_point received;
};

Admission::Head Gateway::HeadOf(const Call& call) {
  return {call.request.headers, call.request.context.client_address};
}

Gateway::Gateway(Options options, const RouteTable& routes,
                 const tenancy::TenantDirectory& directory, telemetry::Metrics& metrics,
                 std::function<ServicePool(std::string_view)> pool_of)
    : options_(std::move(options)),
      routes_(routes),
      directory_(directory),
      admission_(directory, options_.own),
      pool_of_(std::move(pool_of)) {
  routes.ForEach([&](const Route& route) {
    const std::string_view method = kMethodNames[static_cast<size_t>(route.method)];
    route_states_[&route].metric = &metrics.Http(method, route.path);
  });
  for (const std::string_view method : kMethodNames) {
    other_metrics_.emplace(method, &metrics.Http(method, "unknown"));
  }
  other_metrics_.emplace(kOtherMethod, &metrics.Http(kOtherMethod, "unknown"));
}

telemetry::HttpMetric& Gateway::MetricOf(const Call& call) const {
  const Route* const route = call.unknown_path ? nullptr : call.match.route;
  return *(route != nullptr ? route_states_.at(route).metric : other_metrics_.at(call.method));
}

const ServicePool& Gateway::PoolOf(const Route& route) {
  // Not all services are there when the gateway is made. They stay once they are.
  RouteState& state = route_states_.at(&route);
  if (!state.has_pool.load(std::memory_order_acquire)) {
    const std::lock_guard lock(pools_mutex_);
    if (!state.has_pool.load(std::memory_order_relaxed)) {
      state.pool = pool_of_(route.service);  // may throw: the next request tries again
      state.has_pool.store(true, std::memory_order_release);
    }
  }
  return state.pool;
}

void Gateway::Answer(Call& call, Reply reply) {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - call.received).count();
  // Not one expression with the literal: that would be a temporary string.
  std::string_view route = "unknown";
  if (call.route != nullptr) route = call.route->path;
  MetricOf(call).Observe(reply.status, seconds);
  const bool notable = reply.status >= 500 || seconds > kSlowSeconds;
  const auto level = notable ? telemetry::LogLevel::kWarn : telemetry::LogLevel::kDebug;
  if (telemetry::LogEnabled(level)) {
    const CallScope scope(call.request.context);
    telemetry::Log(level, "request",
                   {{"method", call.method},
                    {"route", route},
                    {"app", call.route != nullptr ? call.request.scope.app_id() : ""},
                    {"tenant", call.route != nullptr ? call.request.scope.tenant_id() : ""},
                    {"status", reply.status},
                    {"ms", json::Value::Double(seconds * 1000)}});
  }
  if (options_.totals != nullptr && call.admitted.app_exists) options_.totals->Count(reply.status);
  call.slot.Release();
  http::Response response = ToResponse(std::move(reply));
  if (!call.request.context.request_id.empty()) {
    response.headers.emplace_back("X-Request-Id", call.request.context.request_id);
  }
  call.responder.Send(std::move(response));
}

bool Gateway::Run(Call& call) {
  // The body may have taken its time, and so may the calls before it in the queue.
  if (!StillAdmitted(call)) return true;
  const CallScope scope(call.request.context);
  absl::Status failure;
  try {
    absl::StatusOr<Reply> reply = call.route->handler(call.request);
    if (reply.ok()) {
      Answer(call, *std::move(reply));
      return true;
    }
    failure = std::move(reply).status();
  } catch (const std::exception& e) {
    failure = WithCause(MakeError(ErrorReason::kInternal, "the handler threw"), e.what());
  }
  if (IsWouldBlock(failure)) return false;
  telemetry::LogFaultOnce(failure, "request_failed", call.route->path);
  Answer(call, ErrorReply(failure));
  return true;
}

void Gateway::Handle(PortScopes::Port port, http::Request request, http::Responder responder) {
  auto call = std::make_shared<Call>(std::move(responder));
  call->for_operators = port == PortScopes::Port::kAdmin;
  call->received = request.received;
  ApiRequest& api = call->request;
  api.context.caller = "gateway";
  api.context.request_id = RequestIdOf(request.headers);
  api.context.deadline = SteadyTime(request.received) + options_.request_timeout;
  if (const auto trace = request.headers.Find("traceparent")) {
    api.context.traceparent = ParseTraceparent(*trace).value_or("");
  }
  const std::optional<HttpMethod> method = MethodOf(request.method);
  call->method = method ? kMethodNames[static_cast<size_t>(*method)] : kOtherMethod;

  std::string_view path = request.path;
  if (!options_.base_path.empty()) {
    const absl::string_view whole(path.data(), path.size());
    if (!absl::StartsWithIgnoreCase(whole, options_.base_path) ||
        (path.size() > options_.base_path.size() && path[options_.base_path.size()] != '/')) {
      return Answer(*call, TextReply(404, "Not found"));
    }
    path.remove_prefix(options_.base_path.size());
  }
  auto match = routes_.Find(method, path);
  // The root answers for unknown paths: after the same checks, but without content.
  call->unknown_path = !match;
  if (!match) match = routes_.Find(method, "/");
  if (!match || (options_.scopes.has_value() && !options_.scopes->Answers(port, match->any->path))) {
    return Answer(*call, TextReply(404, "Not found"));
  }
  call->match = *std::move(match);
  absl::StatusOr<std::string> client =
      ClientAddress(request.headers, request.remote_address, options_.trusted_proxies);
  if (!client.ok()) return Answer(*call, ErrorReply(client.status()));
  api.context.client_address = *std::move(client);
  api.headers = std::move(request.headers);
  api.query = std::move(request.query);
  Admit(std::move(call), nullptr);
}

void Gateway::LookUp(const std::shared_ptr<Call>& call) {
  directory_.LookUp(call->admitted.scope, call->request.context.deadline,
                    [this, call](const absl::StatusOr<tenancy::Sight>& sight) {
                      if (!sight.ok()) return Answer(*call, ErrorReply(sight.status()));
                      Admit(call, &*sight);
                    });
}

void Gateway::Admit(std::shared_ptr<Call> call, const tenancy::Sight* looked_up) {
  Admission::Refusal refusal;
  const auto verdict =
      admission_.Admit(HeadOf(*call), call->match, call->admitted, refusal, looked_up);
  if (!verdict.ok()) return Answer(*call, ErrorReply(verdict.status()));
  switch (*verdict) {
    case Admission::Verdict::kUnknown:
      return LookUp(call);
    case Admission::Verdict::kRefused:
      return Refuse(*call, refusal);
    case Admission::Verdict::kAdmitted:
      return Proceed(std::move(call));
  }
}

void Gateway::Refuse(Call& call, const Admission::Refusal& refusal) {
  if (!refusal.html_page) return Answer(call, TextReply(refusal.status, refusal.text));
  MetricOf(call).Observe(refusal.status, 0);
  if (options_.totals != nullptr && call.admitted.app_exists) {
    options_.totals->Count(refusal.status);
  }
  call.slot.Release();
  call.responder.Send(http::ErrorPage(refusal.status));
}

bool Gateway::StillAdmitted(Call& call) {
  if (admission_.StillHolds(call.request.scope, call.admitted.sight)) return true;
  Admission::Admitted admitted;
  Admission::Refusal refusal;
  const auto verdict = admission_.Admit(HeadOf(call), call.match, admitted, refusal);
  if (!verdict.ok()) {
    Answer(call, ErrorReply(verdict.status()));
    return false;
  }
  switch (*verdict) {
    case Admission::Verdict::kUnknown:
      return true;  // the tenant seen is gone, and no other will be found in its place
    case Admission::Verdict::kRefused:
      Refuse(call, refusal);
      return false;
    case Admission::Verdict::kAdmitted:
      break;
  }
  call.request.scope = admitted.scope;
  call.request.cdi = admitted.cdi;
  call.request.has_saas_secret = admitted.has_saas_secret;
  return true;
}

void Gateway::Proceed(std::shared_ptr<Call> call) {
  Admission::Admitted& admitted = call->admitted;
  if (options_.stats != nullptr && admitted.app_exists) {
    options_.stats->Count(admitted.scope, absl::ToUnixMillis(absl::Now()));
  }
  if (call->match.route == nullptr) return Answer(*call, TextReply(405, "Method not supported"));
  if (call->unknown_path) return Answer(*call, TextReply(404, "Not found"));

  call->route = call->match.route;
  ApiRequest& api = call->request;
  api.method = call->route->method;
  api.scope = std::move(admitted.scope);
  api.cdi = admitted.cdi;
  api.has_saas_secret = admitted.has_saas_secret;
  if (!admitted.app_exists && HasLargeBody(api.headers)) {
    return Answer(*call, ErrorReply(tenancy::TenantNotFound(api.scope)));
  }
  // The connection owns the callback, and the call owns the responder: both end with the reply.
  http::Responder& responder = call->responder;
  responder.ReadBody(
      StrCat(api.scope.connection_uri_domain(), "\n", api.scope.app_id()),
      [this, call = std::move(call)](std::string body) { Received(call, std::move(body)); });
}

void Gateway::Received(const std::shared_ptr<Call>& call, std::string bytes) {
  // The client's time ends here, and ours begins.
  call->received = std::chrono::steady_clock::now();
  call->request.context.deadline = SteadyTime(call->received) + options_.request_timeout;
  absl::StatusOr<std::string> body =
      http::DecodeBody(call->request.Header("Content-Type"), std::move(bytes));
  if (!body.ok()) return Answer(*call, ErrorReply(body.status()));
  call->request.body = *std::move(body);
  if (!EntersCap(*call)) return;

  const ServicePool& pool = PoolOf(*call->route);
  if (call->route->options.from_memory && pool.local && call->request.body.size() <= kMaxBodyOnIoThread) {
    const NonBlockingScope here;
    if (Run(*call)) return;
  }
  // If there is no app, no key was checked: such requests must not take others' places.
  const bool stranger = !call->admitted.app_exists;
  Submit(stranger ? pool_of_(kStrangers) : pool, call, [this, call] { Run(*call); });
}

bool Gateway::EntersCap(Call& call) {
  // Without an app no key was checked: nobody's share is taken by strangers.
  if (options_.cap == nullptr || !call.admitted.app_exists || call.for_operators) return true;
  const std::string& domain = call.request.scope.connection_uri_domain();
  ConcurrencyCap::Limits limits;
  if (!call.route->options.beyond_cap) limits = LimitsOf(*call.admitted.sight.app->config);
  bool logs = false;
  std::optional<ConcurrencyCap::Slot> slot =
      options_.cap->Enter(domain, limits, SteadyTime(call.received), logs);
  if (slot.has_value()) {
    call.slot = *std::move(slot);
    return true;
  }
  if (logs) {
    telemetry::Log(telemetry::LogLevel::kWarn, "concurrency_cap_reached",
                   {{"domain", domain}, {"cap", limits.cap}});
  }
  if (options_.stats != nullptr) options_.stats->CountRefused(call.request.scope);
  Answer(call, ErrorReply(MakeError(ErrorReason::kOverloaded,
                                    "Too many concurrent requests for this tenant")));
  return false;
}

void Gateway::Submit(const ServicePool& pool, const std::shared_ptr<Call>& call,
                     WorkerPool::Task task) {
  call->queued = true;
  const auto refuse = [this, call] {
    call->queued = false;
    Answer(*call, ErrorReply(MakeError(ErrorReason::kOverloaded, "Too many requests")));
  };
  const bool taken = pool.workers->TrySubmit(
      [call, task = std::move(task)]() mutable {
        call->queued = false;
        try {
          task();
        } catch (const std::exception& e) {  // not the handler's, which Run catches
          const CallScope scope(call->request.context);
          telemetry::Log(telemetry::LogLevel::kError, "request_threw", {{"cause", e.what()}});
        }
      },
      // A client that keeps sending and resetting would fill the queue for everybody.
      [call] { return call->responder.wanted(); }, refuse,
      OwnerOfRequest(call->request.scope, call->admitted.sight));
  // The pool refuses, so the call must be answered from here.
  if (!taken) refuse();
}

}  // namespace gatehouse::gateway
