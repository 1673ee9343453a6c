#include "libs/host/job_scheduler.h"

#include <pthread.h>

#include <exception>
#include <random>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/stop.h"
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

void RunOnce(const JobScheduler::Options& options, const JobScheduler::Job& job) {
  absl::Status status;
  try {
    status = job(SteadyNow() + options.time_limit);
  } catch (const std::exception& e) {
    status = absl::InternalError(e.what());
  } catch (...) {
    status = absl::InternalError("an exception");
  }
  if (status.ok()) return;
  // The text of a status without a reason is ours, never a client's.
  const bool ours = ReasonOf(status) == ErrorReason::kUnspecified;
  const std::string cause = ours ? std::string(status.message()) : db::DatabaseCause(status);
  telemetry::Log(
      telemetry::LogLevel::kWarn, "job_failed",
      {{"job", options.name}, {"reason", ErrorReasonName(ReasonOf(status))}, {"cause", cause}});
}

}  // namespace

JobScheduler::~JobScheduler() { Stop(); }

void JobScheduler::Add(Options options, Job job) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  Entry entry{std::move(options), std::move(job)};
  if (started_) return StartThread(std::move(entry));
  waiting_for_start_.push_back(std::move(entry));
}

void JobScheduler::Start() {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  started_ = true;
  for (Entry& entry : waiting_for_start_) StartThread(std::move(entry));
  waiting_for_start_.clear();
}

void JobScheduler::StartThread(Entry entry) {
  threads_.emplace_back([entry = std::move(entry)](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), entry.options.name.substr(0, 15).c_str());
    absl::Duration wait = entry.options.first_after;
    while (!WaitForStop(stop, wait + Jitter(wait))) {
      RunOnce(entry.options, entry.job);
      wait = entry.options.interval;
    }
  });
}

void JobScheduler::RequestStop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  for (std::jthread& thread : threads_) thread.request_stop();
}

void JobScheduler::Stop() {
  RequestStop();
  // No more threads are added.
  threads_.clear();
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
