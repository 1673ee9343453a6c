#include "libs/tenancy/tenant_lookups.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/tenancy/tenant_resolver.h"

namespace gatehouse::tenancy {
namespace {

// The limit of GetDirectoryEntries.
constexpr size_t kMaxNames = 500;
// More than the connections that a process serves; each has one waiting request.
constexpr size_t kMaxWaiting = 100'000;

std::string KeyOf(const common::v1::Scope& scope) {
  return TenantKey(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id());
}

absl::Status Stopped() { return MakeError(ErrorReason::kDependencyDown, "The server is stopping"); }

}  // namespace

TenantLookups::TenantLookups(Fetch fetch)
    : fetch_(std::move(fetch)), thread_([this](std::stop_token stop) { Run(stop); }) {}

TenantLookups::~TenantLookups() { Stop(); }

void TenantLookups::Ask(std::vector<common::v1::Scope> names, absl::Time deadline, Done done) {
  Question question{std::move(names), {}, deadline, std::move(done)};
  for (const common::v1::Scope& name : question.names) question.keys.push_back(KeyOf(name));
  absl::Status refused;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) {
      refused = Stopped();
    } else if (waiting_.size() >= kMaxWaiting) {
      refused = MakeError(ErrorReason::kOverloaded, "Too many requests");
    } else {
      waiting_.push_back(std::move(question));
    }
  }
  if (!refused.ok()) return question.done(refused);
  asked_.notify_one();
}

void TenantLookups::Stop() {
  std::deque<Question> left;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    left.swap(waiting_);
  }
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  for (Question& question : left) question.done(Stopped());
}

void TenantLookups::Run(std::stop_token stop) {
  while (true) {
    std::vector<Question> questions;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (!asked_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      std::unordered_set<std::string_view> names;
      while (!waiting_.empty() && names.size() + waiting_.front().keys.size() <= kMaxNames) {
        questions.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
        names.insert(questions.back().keys.begin(), questions.back().keys.end());
      }
    }
    Answer(std::move(questions));
  }
}

void TenantLookups::Answer(std::vector<Question> questions) {
  const absl::Time now = SteadyNow();
  std::vector<common::v1::Scope> names;
  std::unordered_set<std::string_view> seen;
  absl::Time deadline = absl::InfinitePast();
  for (Question& question : questions) {
    if (question.deadline <= now) continue;
    deadline = std::max(deadline, question.deadline);
    for (size_t i = 0; i < question.names.size(); ++i) {
      if (seen.insert(question.keys[i]).second) names.push_back(question.names[i]);
    }
  }
  absl::StatusOr<std::vector<Record>> records = std::vector<Record>();
  if (!names.empty()) records = fetch_(names, deadline);
  std::unordered_map<std::string, const Record*> by_key;
  if (records.ok()) {
    for (const Record& record : *records) by_key.emplace(KeyOf(record.scope()), &record);
  }
  for (Question& question : questions) {
    if (question.deadline <= now) {
      question.done(MakeError(ErrorReason::kDeadlineExceeded, "The request took too long"));
    } else if (!records.ok()) {
      question.done(records.status());
    } else {
      std::vector<Record> found;
      for (const std::string& key : question.keys) {
        if (auto record = by_key.find(key); record != by_key.end())
          found.push_back(*record->second);
      }
      question.done(std::move(found));
    }
  }
}

}  // namespace gatehouse::tenancy
