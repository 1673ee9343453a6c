#include "services/accounts/bulkimport/pg_bulk_import_job.h"

#include <algorithm>
#include <exception>
#include <set>
#include <thread>
#include <variant>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/rpc/policy.h"
#include "libs/telemetry/log.h"
#include "services/accounts/bulkimport/read_user.h"
#include "services/accounts/bulkimport/user_source.h"

namespace gatehouse::accounts {
namespace {

using Kind = ImportOutcome::Kind;

constexpr absl::Duration kPoll = absl::Minutes(1);
// After a fault, and for users that requests are importing.
constexpr absl::Duration kLookAgain = absl::Seconds(10);
// For a database that is silent: the users of the others wait for it in each round.
constexpr absl::Duration kFindTime = absl::Seconds(2);
constexpr absl::Duration kCallTime = absl::Minutes(1);
// For so long rows are held, and until the part that has begun is done.
constexpr absl::Duration kHoldTime = absl::Seconds(5);
// From taking users to removing them from the table.
constexpr absl::Duration kTakeTime = absl::Minutes(15);
constexpr int kTakenAtOnce = 250;
constexpr int kShareOfPool = 4;
// When so many users have met a fault in a run, the rest waits for the next one.
constexpr size_t kMaxPutOff = 2000;

// As Java prints a list.
std::string ListText(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list = StrCat(list, list.size() > 1 ? ", " : "", text);
  return StrCat(list, "]");
}

// Between two rounds. A key that is null means none.
absl::Duration PauseOf(const config::CoreConfig& config) {
  const config::SettingValue& value =
      config.value(config::Setting::kBulkMigrationSleepBetweenRoundsInBatchMs);
  const int64_t* ms = std::get_if<int64_t>(&value);
  return ms == nullptr ? absl::ZeroDuration() : absl::Milliseconds(std::max<int64_t>(0, *ms));
}

// Whether a fault may be that of one user among many: each is then tried alone.
bool MayBeOneUsers(const absl::Status& fault) {
  switch (ReasonOf(fault)) {
    case ErrorReason::kBadInput:
    case ErrorReason::kInternal:
    case ErrorReason::kUnspecified:
    case ErrorReason::kOverloaded:
      return true;
    default:
      return false;
  }
}

// Ends of users that were taken, by what happens to their rows. Others are taken again.
struct Ends {
  std::vector<std::string> imported, forgotten, put_off;
  std::vector<FailedUser> failed;
};

Ends EndsOf(const std::vector<WaitingUser>& taken, const ImportResult& result) {
  const std::vector<ImportOutcome>& outcomes = result.outcomes;
  Ends ends;
  for (size_t i = 0; i < taken.size(); ++i) {
    switch (outcomes[i].kind) {
      case Kind::kDone:
        ends.imported.push_back(taken[i].id);
        break;
      case Kind::kFailed:
        ends.failed.push_back({taken[i].id, outcomes[i].error});
        break;
      case Kind::kForgotten:
        ends.forgotten.push_back(taken[i].id);
        break;
      case Kind::kNotTried:
        if (!result.fault.ok()) ends.put_off.push_back(taken[i].id);
        break;
    }
  }
  return ends;
}

}  // namespace

// An app with users that wait, in one run.
struct BulkImportJob::App {
  tenancy::TenantPtr tenant;               // the public one
  std::unique_ptr<db::Database> database;  // for the connections that hold rows
  UserReader::App source;
  int workers = 1;
  // Rows that were changed before it are gone, or are held by others.
  std::atomic<int64_t> from_ms = 0;
  std::mutex mutex;
  std::vector<std::string> put_off;

  std::vector<std::string> PutOffIds() {
    std::lock_guard lock(mutex);
    return put_off;
  }
};

struct BulkImportJob::Round {
  explicit Round(int64_t batch) : left(batch) {}
  std::atomic<int64_t> left;  // users of the batch that nobody has taken
  std::atomic<int64_t> imported = 0, forgotten = 0, failed = 0, put_off = 0;
  std::mutex mutex;
  absl::Status fault;

  void Note(const absl::Status& status) {
    if (status.ok()) return;
    std::lock_guard lock(mutex);
    fault = status;
  }
};

BulkImportJob::BulkImportJob(tenancy::TenantDirectory& directory,
                             tenancy::TenantDatabases& databases, ImportPeers peers,
                             const Clock& clock, std::shared_ptr<ImportCounts> counts,
                             Waiting waiting)
    : directory_(directory),
      databases_(databases),
      peers_(std::move(peers)),
      clock_(clock),
      counts_(std::move(counts)),
      waiting_(waiting) {}

BulkImportJob::~BulkImportJob() = default;

void BulkImportJob::Stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  stop_.notify_all();
}

bool BulkImportJob::Sleep(absl::Duration time) {
  std::unique_lock lock(mutex_);
  return !stop_.wait_for(lock, absl::ToChronoNanoseconds(time), [this] { return stopping_.load(); });
}

rpc::CallContext BulkImportJob::Context() const {
  rpc::CallContext context;
  context.caller = rpc::callers::kAccounts;
  context.deadline = SteadyNow() + kCallTime;
  return context;
}

absl::Status BulkImportJob::Run() {
  const absl::Time began = SteadyNow();
  if (stopping_ || (!added_.exchange(false) && began < next_)) return absl::OkStatus();
  next_ = began + kPoll;
  later_ = false;
  Apps known;
  absl::Status fault;
  absl::Duration pause;
  for (bool progress = true; progress;) {
    progress = false;
    std::vector<App*> apps;
    if (absl::Status away = FindApps(known, apps); !away.ok()) fault = std::move(away);
    if (apps.empty() || !Sleep(pause)) break;
    pause = absl::ZeroDuration();
    for (App* app : apps) {
      if (stopping_) break;
      if (RunRound(*app, fault) == 0) continue;
      progress = true;
      pause = std::max(pause, PauseOf(*app->tenant->config));
    }
  }
  if (!fault.ok() || later_) next_ = SteadyNow() + kLookAgain;
  return fault;
}

absl::Status BulkImportJob::FindApps(Apps& apps, std::vector<App*>& found) {
  // By database, and there by app: two domains may have apps of one name.
  std::map<std::pair<std::string, std::string>, tenancy::TenantPtr> tenants;
  for (const tenancy::TenantPtr& tenant : directory_.All()) {
    if (tenant->is_public()) tenants.emplace(std::pair(tenant->database_id, tenant->app_id), tenant);
  }
  return host::InEachDatabase(
      directory_, databases_,
      [&](db::Database& database, const tenancy::Tenant& first) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<WaitingApp> waiting,
                         AppsThatWait(database, SteadyNow() + kFindTime, waiting_));
        for (const WaitingApp& one : waiting) {
          later_ = later_ || !one.now;
          if (!one.now) continue;
          const auto key = std::pair(first.database_id, one.id);
          const auto tenant = tenants.find(key);
          if (tenant == tenants.end()) continue;
          std::unique_ptr<App>& app = apps[key];
          if (app == nullptr) app = std::make_unique<App>();
          app->tenant = tenant->second;
          found.push_back(app.get());
        }
        return absl::OkStatus();
      });
}

absl::Status BulkImportJob::Prepare(App& app) {
  const config::CoreConfig& config = *app.tenant->config;
  app.source = AppForReading(directory_, peers_.roles, [this] { return Context(); }, app.tenant,
                             clock_.NowMs());
  if (app.database != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  db::DatabaseOptions options = database->options();
  app.workers = std::clamp(config.bulk_migration_parallelism(), 1,
                           std::max(1, options.pool_size / kShareOfPool));
  options.pool_size = app.workers;
  options.min_idle = 0;
  options.application_name = "gatehouse-bulk-import";
  ASSIGN_OR_RETURN(app.database, db::Database::Create(std::move(options)));
  return absl::OkStatus();
}

int64_t BulkImportJob::RunRound(App& app, absl::Status& fault) {
  if (absl::Status prepared = Prepare(app); !prepared.ok()) {
    fault = std::move(prepared);
    return 0;
  }
  const absl::Time began = SteadyNow();
  Round round(app.tenant->config->bulk_migration_batch_size());
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < app.workers; ++i) {
      workers.emplace_back([this, &app, &round] { Work(app, round); });
    }
  }
  const int64_t ended = round.imported + round.forgotten + round.failed;
  if (ended + round.put_off > 0) {
    telemetry::Log(telemetry::LogLevel::kInfo, "bulk_import",
                   {{"app", app.tenant->app_id},
                    {"imported", round.imported.load()},
                    {"failed", round.failed.load()},
                    {"forgotten", round.forgotten.load()},
                    {"put_off", round.put_off.load()},
                    {"ms", absl::ToInt64Milliseconds(SteadyNow() - began)}});
  }
  if (!round.fault.ok()) fault = round.fault;
  return ended;
}

void BulkImportJob::Work(App& app, Round& round) {
  bool again = true;
  while (!stopping_) {
    const int64_t had = round.left.fetch_sub(kTakenAtOnce);
    const int limit = static_cast<int>(std::min<int64_t>(had, kTakenAtOnce));
    if (limit <= 0) return;
    const bool from_the_first = app.from_ms == 0;
    const absl::StatusOr<int> taken = TakeAndImport(app, round, limit);
    if (!taken.ok()) return round.Note(taken.status());
    round.left += kTakenAtOnce - *taken;
    if (*taken > 0) continue;
    // Others may have given rows back that were passed over.
    if (from_the_first || !again) return;
    again = false;
    app.from_ms = 0;
  }
}

absl::StatusOr<int> BulkImportJob::TakeAndImport(App& app, Round& round, int limit) {
  const std::vector<std::string> except = app.PutOffIds();
  if (except.size() >= kMaxPutOff) return 0;
  const std::string& app_id = app.tenant->app_id;
  std::vector<WaitingUser> taken;
  Ends ends;
  RETURN_IF_ERROR(app.database->Transact(
      SteadyNow() + kTakeTime, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(
            taken, TakeUsers(transaction, waiting_, app_id, app.from_ms, limit, except));
        if (taken.empty()) return absl::OkStatus();
        ImportResult result;
        // On a thread of its own: this one holds a connection, and the import needs others.
        std::jthread([&] { result = Import(app, taken); }).join();
        round.Note(result.fault);
        ends = EndsOf(taken, result);
        const int64_t now = clock_.NowMs();
        RETURN_IF_ERROR(RemoveImported(transaction, app_id, ends.imported));
        RETURN_IF_ERROR(RemoveImported(transaction, app_id, ends.forgotten));
        RETURN_IF_ERROR(MarkFailed(transaction, app_id, ends.failed, now));
        return PutOff(transaction, app_id, ends.put_off, now);
      }));
  const bool all = ends.imported.size() + ends.forgotten.size() + ends.failed.size() +
                       ends.put_off.size() ==
                   taken.size();
  for (const WaitingUser& user : taken) {
    if (all && user.updated_at_ms > app.from_ms) app.from_ms = user.updated_at_ms;
  }
  counts_->imported += static_cast<int64_t>(ends.imported.size());
  counts_->failed += static_cast<int64_t>(ends.failed.size());
  counts_->put_off += static_cast<int64_t>(ends.put_off.size());
  round.imported += static_cast<int64_t>(ends.imported.size());
  round.forgotten += static_cast<int64_t>(ends.forgotten.size());
  round.failed += static_cast<int64_t>(ends.failed.size());
  round.put_off += static_cast<int64_t>(ends.put_off.size());
  std::lock_guard lock(app.mutex);
  app.put_off.insert(app.put_off.end(), ends.put_off.begin(), ends.put_off.end());
  return static_cast<int>(taken.size());
}

absl::StatusOr<bool> BulkImportJob::IsRegistered(const App& app, const std::string& user_id) {
  users::v1::PlanUserRemovalRequest plan;
  *plan.mutable_scope() = app.tenant->scope();
  plan.set_user_id(user_id);
  plan.set_whole_group(true);
  rpc::CallContext context = Context();
  ASSIGN_OR_RETURN(const auto planned, peers_.others.linking.PlanUserRemoval(context, plan));
  return !planned.users().empty();
}

ImportResult BulkImportJob::Import(const App& app, const std::vector<WaitingUser>& taken) try {
  ImportResult result;
  result.outcomes.resize(taken.size());
  UserReader reader(app.source, UserReader::Source::kTable);
  std::vector<BulkUser> users(taken.size());
  std::vector<const BulkUser*> valid;
  std::vector<size_t> places;
  std::set<size_t> begun;  // by requests, which were interrupted
  for (size_t i = 0; i < taken.size(); ++i) {
    const absl::StatusOr<json::Value> value = json::Parse(taken[i].json);
    absl::StatusOr<std::vector<std::string>> errors =
        std::vector<std::string>{"The stored user is no JSON object"};
    if (value.ok() && value->is_object()) errors = reader.Read(*value, users[i]);
    if (!errors.ok()) {
      result.fault = errors.status();
      return result;
    }
    if (value.ok() && IsOfBegun(*value)) {
      begun.insert(i);
      const absl::StatusOr<bool> registered = IsRegistered(app, taken[i].id);
      if (!registered.ok()) {
        result.fault = registered.status();
        continue;
      }
      if (!*registered) {  // nobody was answered, so nobody waits for it
        result.outcomes[i].kind = Kind::kForgotten;
        continue;
      }
    }
    if (errors->empty()) {
      valid.push_back(&users[i]);
      places.push_back(i);
      continue;
    }
    // An attempt that was interrupted, before the role was deleted for example, may have left a
    // part of the user.
    rpc::CallContext context = Context();
    const absl::Status removed =
        TakeBackImport(peers_.others, context, app.tenant->scope(), taken[i].id);
    if (removed.ok()) {
      result.outcomes[i].kind = begun.contains(i) ? Kind::kForgotten : Kind::kFailed;
      result.outcomes[i].error = ListText(*errors);
    } else {
      result.fault = removed;
    }
  }
  ImportOptions options;
  // Who removes waiting users, or the app, waits for the rows.
  options.stopped = [this, until = SteadyNow() + kHoldTime] {
    return stopping_.load() || SteadyNow() > until;
  };
  const auto context = [this] { return Context(); };
  const common::v1::Scope scope = app.tenant->scope();
  ImportResult imported = ImportUsers(peers_, context, scope, valid, options);
  for (size_t i = 0; i < valid.size(); ++i) {
    ImportOutcome& outcome = imported.outcomes[i];
    if (outcome.kind == Kind::kNotTried && MayBeOneUsers(imported.fault) && !stopping_) {
      ImportResult alone = ImportUsers(peers_, context, scope, {valid[i]}, options);
      outcome = std::move(alone.outcomes.front());
    }
    if (outcome.kind == Kind::kFailed && begun.contains(places[i])) {
      outcome.kind = Kind::kForgotten;
    }
    result.outcomes[places[i]] = std::move(outcome);
  }
  if (!imported.fault.ok()) result.fault = imported.fault;
  return result;
} catch (const std::exception&) {
  ImportResult result;
  result.outcomes.resize(taken.size());
  result.fault = MakeError(ErrorReason::kInternal, "An exception");
  return result;
}

}  // namespace gatehouse::accounts
