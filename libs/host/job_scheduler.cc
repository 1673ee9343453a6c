#include "libs/host/job_scheduler.h"

#include <algorithm>
#include <random>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "libs/telemetry/log.h"

namespace gatehouse::host {
namespace {

constexpr db::Statement kTryLock = {"job_try_lock",
                                    "SELECT pg_try_advisory_xact_lock(hashtext($1))"};

absl::Duration Jitter(absl::Duration interval) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return interval * std::uniform_real_distribution<double>(0, 0.05)(random);
}

}  // namespace

JobScheduler::JobScheduler() = default;
JobScheduler::~JobScheduler() { Stop(); }

void JobScheduler::Add(Options options, Job job) {
  std::lock_guard lock(mutex_);
  const absl::Time next = SteadyNow() + options.first_after + Jitter(options.first_after);
  entries_.push_back({std::move(options), std::move(job), next});
  wake_.notify_all();
}

void JobScheduler::Start() {
  std::lock_guard lock(mutex_);
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { Run(); });
}

void JobScheduler::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void JobScheduler::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto due = std::min_element(entries_.begin(), entries_.end(),
                                [](const Entry& a, const Entry& b) { return a.next < b.next; });
    if (due == entries_.end()) {
      wake_.wait(lock);
      continue;
    }
    if (const absl::Duration wait = due->next - SteadyNow(); wait > absl::ZeroDuration()) {
      wake_.wait_for(lock, absl::ToChronoNanoseconds(std::min(wait, absl::Hours(1))));
      continue;
    }
    due->next = SteadyNow() + due->options.interval + Jitter(due->options.interval);
    const Job job = due->job;
    const Options options = due->options;
    lock.unlock();
    const absl::Status status = job(SteadyNow() + options.time_limit);
    if (!status.ok()) {
      telemetry::Log(telemetry::LogLevel::kWarn, "job_failed",
                     {{"job", options.name},
                      {"reason", ErrorReasonName(ReasonOf(status))},
                      {"cause", db::DatabaseCause(status)}});
    }
    lock.lock();
  }
}

absl::Status RunExclusively(db::Database& database, absl::Time deadline, const std::string& name,
                            absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&)> batch) {
  bool more = true;
  while (more && SteadyNow() < deadline) {
    RETURN_IF_ERROR(database.Transact(deadline, [&](db::Transaction& transaction) -> absl::Status {
      ASSIGN_OR_RETURN(db::Result locked,
                       transaction.Execute(kTryLock, {StrCat("gatehouse-job-", name)}));
      if (!locked[0].Bool(0)) {
        more = false;
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(more, batch(transaction));
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::host
