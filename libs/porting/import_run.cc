#include "libs/porting/import_run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <set>
#include <thread>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/porting/import.h"
#include "libs/porting/progress.h"

namespace gatehouse::porting {
namespace {

// A server that restarts is back within this time, or somebody has to look at it.
constexpr absl::Duration kPatience = absl::Minutes(10);
constexpr absl::Duration kRetryAfter = absl::Seconds(2);
constexpr absl::Duration kPoll = absl::Seconds(1);
// A server works on a request for 30 s at most, so that one whose reply never came has either
// added its users by then or will not.
constexpr absl::Duration kSettled = absl::Seconds(35);
constexpr absl::Duration kStall = absl::Minutes(10);
constexpr size_t kRemoveAtOnce = 500;  // the server's

void Pause(absl::Duration time) {
  std::this_thread::sleep_for(std::chrono::milliseconds(absl::ToInt64Milliseconds(time)));
}

bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

std::string Users(int64_t count) {
  return StrCat(std::to_string(count), count == 1 ? " user" : " users");
}

}  // namespace

absl::Status ImportRun::Persist(absl::FunctionRef<absl::Status()> step) {
  const absl::Time give_up = SteadyNow() + kPatience;
  for (bool is_first = true;; is_first = false) {
    const absl::Status status = step();
    if (!IsPassing(status) || SteadyNow() > give_up) return status;
    if (is_first) std::cerr << status.message() << "; trying again" << std::endl;
    Pause(kRetryAfter);
  }
}

absl::Status ImportRun::AppendFailure(const json::Value& user, std::optional<int64_t> line,
                                      const std::vector<std::string>& reasons,
                                      std::string_view id) {
  json::Value texts = json::Value::Array();
  for (const std::string& reason : reasons) texts.Append(reason);
  // An import reads past members that it doesn't know: once mended, the file can be imported.
  json::Value failure = user.is_object() ? user : json::Value::Object();
  if (line) failure.Set("importLine", *line);
  if (!id.empty()) failure.Set("importId", id);
  failure.Set("importErrors", std::move(texts));
  ++state_.failed;
  return failures_->Append(json::Serialize(failure) + "\n");
}

absl::Status ImportRun::SyncFailures() {
  RETURN_IF_ERROR(failures_->Sync());
  state_.failed_bytes = failures_->size();
  return absl::OkStatus();
}

absl::StatusOr<int> ImportRun::All() {
  ASSIGN_OR_RETURN(PrivateFile failures, PrivateFile::Continue(FailedPath(), state_.failed_bytes));
  failures_.emplace(std::move(failures));
  if (state_.records == 0 && state_.sending == 0) {
    ASSIGN_OR_RETURN(state_.queue_before_ms, api_.Newest());
  } else {
    std::cerr << "going on after " << Users(state_.records) << std::endl;
  }
  RETURN_IF_ERROR(Skip());
  RETURN_IF_ERROR(PostAll());
  RETURN_IF_ERROR(AwaitQueue());
  RETURN_IF_ERROR(CollectFailures());
  state_.done = true;
  RETURN_IF_ERROR(WriteState());
  Report();
  return state_.failed > 0 ? kExitUsersFailed : 0;
}

absl::Status ImportRun::Skip() {
  for (int64_t left = state_.records; left > 0;) {
    ASSIGN_OR_RETURN(const std::vector<Entry> batch, entries_.Next(left));
    if (batch.empty()) return absl::FailedPreconditionError("the file is shorter than it was");
    for (const Entry& entry : batch) Remember(entry);
    left -= static_cast<int64_t>(batch.size());
  }
  return absl::OkStatus();
}

absl::Status ImportRun::PostAll() {
  if (state_.all_posted) return absl::OkStatus();
  Progress progress("adding to the queue", entries_.size());
  while (true) {
    const bool again = state_.sending > 0;  // a killed run was about to
    std::vector<Entry> batch;
    if (again) {
      while (static_cast<int64_t>(batch.size()) < state_.sending) {
        ASSIGN_OR_RETURN(std::vector<Entry> part,
                         entries_.Next(state_.sending - static_cast<int64_t>(batch.size())));
        if (part.empty()) return absl::FailedPreconditionError("the file is shorter than it was");
        std::move(part.begin(), part.end(), std::back_inserter(batch));
      }
    } else {
      ASSIGN_OR_RETURN(batch, entries_.Next(std::numeric_limits<int64_t>::max()));
      if (batch.empty()) break;
      for (size_t i = 0; i < batch.size(); ++i) {
        const Converted& converted = batch[i].converted;
        if (converted.problems.empty()) continue;
        state_.rejected.insert(static_cast<int64_t>(i));
        RETURN_IF_ERROR(
            AppendFailure(converted.user, batch[i].line, converted.problems, /*id=*/""));
      }
      RETURN_IF_ERROR(SyncFailures());
      RETURN_IF_ERROR(Persist([&]() -> absl::Status {
        ASSIGN_OR_RETURN(state_.queue_before_sending_ms, api_.Newest());
        return absl::OkStatus();
      }));
      state_.sending = static_cast<int64_t>(batch.size());
      state_.sending_since_ms = absl::ToUnixMillis(absl::Now());
      RETURN_IF_ERROR(WriteState());
    }
    for (const Entry& entry : batch) Remember(entry);
    RETURN_IF_ERROR(Post(batch, /*in_doubt=*/again));
    state_.records += state_.sending;
    state_.posted += state_.sending - static_cast<int64_t>(state_.rejected.size());
    state_.sending = 0;
    state_.rejected.clear();
    RETURN_IF_ERROR(WriteState());
    progress.Show(entries_.position(), Users(state_.records));
  }
  state_.all_posted = true;
  return WriteState();
}

absl::Status ImportRun::Post(const std::vector<Entry>& batch, bool in_doubt) {
  const auto remaining = [&] {
    std::vector<const Entry*> users;
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!state_.rejected.contains(static_cast<int64_t>(i))) users.push_back(&batch[i]);
    }
    return users;
  };
  absl::Time settled = absl::FromUnixMillis(state_.sending_since_ms) + kSettled;
  while (true) {
    const std::vector<const Entry*> users = remaining();
    if (users.empty()) return absl::OkStatus();
    bool added = false;
    BulkApi::Faults faults;
    RETURN_IF_ERROR(Persist([&]() -> absl::Status {
      if (in_doubt) {
        ASSIGN_OR_RETURN(added, WasAdded(users));
        if (!added && absl::Now() < settled) {
          std::cerr << "waiting for what became of a request" << std::endl;
          Pause(std::min(settled - absl::Now(), kSettled));
          ASSIGN_OR_RETURN(added, WasAdded(users));
        }
        if (added) return absl::OkStatus();
        in_doubt = false;
      }
      std::vector<std::string> texts;
      for (const Entry* user : users) texts.push_back(user->text);
      absl::StatusOr<BulkApi::Faults> result = api_.Add(texts);
      if (IsPassing(result.status())) {
        in_doubt = true;
        // Of a request that has its reply nothing runs any more.
        settled = absl::IsUnavailable(result.status()) ? absl::Now() + kSettled : absl::Now();
      }
      RETURN_IF_ERROR(result.status());
      faults = *std::move(result);
      return absl::OkStatus();
    }));
    if (added || faults.empty()) return absl::OkStatus();
    for (const auto& [index, reasons] : faults) {
      const Entry& entry = *users.at(index);
      state_.rejected.insert(&entry - batch.data());
      RETURN_IF_ERROR(AppendFailure(entry.converted.user, entry.line, reasons, /*id=*/""));
    }
    RETURN_IF_ERROR(SyncFailures());
    RETURN_IF_ERROR(WriteState());
  }
}

absl::StatusOr<bool> ImportRun::WasAdded(const std::vector<const Entry*>& users) {
  std::set<uint64_t> wanted;
  for (const Entry* user : users) wanted.insert(user->fingerprint);
  std::string token;
  do {
    ASSIGN_OR_RETURN(const BulkApi::Page page, api_.List("", token));
    for (const json::Value& row : page.users) {
      // A request adds all its users, or none.
      if (CreatedAt(row) <= state_.queue_before_sending_ms) return Exist(users);
      if (wanted.contains(FingerprintOf(row))) return true;
    }
    token = page.next;
  } while (!token.empty());
  return Exist(users);
}

absl::StatusOr<bool> ImportRun::Exist(const std::vector<const Entry*>& users) {
  // What is not in the queue any more was imported: then all of them exist.
  for (const Entry* user : users) {
    const json::Value& json = user->converted.user;
    if (const auto id = json.FindString("externalUserId"); id && !id->empty()) {
      ASSIGN_OR_RETURN(const bool mapped, api_.IsMapped(*id));
      if (!mapped) return false;
      continue;
    }
    const json::Value* methods = json.Find("loginMethods");
    if (methods == nullptr || methods->elements().empty()) return false;
    const json::Value& method = methods->elements().front();
    const json::Value* tenants = method.Find("tenantIds");
    BulkApi::Lookup key{.tenant = "public"};
    if (tenants != nullptr && !tenants->elements().empty()) {
      key.tenant = std::string(tenants->elements().front().AsString().value_or("public"));
    }
    key.email = std::string(method.FindString("email").value_or(""));
    if (key.email.empty()) key.phone = std::string(method.FindString("phoneNumber").value_or(""));
    ASSIGN_OR_RETURN(const std::vector<json::Value> found, api_.Find(key));
    if (found.empty()) return false;
  }
  return true;
}

absl::Status ImportRun::AwaitQueue() {
  if (state_.posted == 0) return absl::OkStatus();
  Progress progress("importing", state_.posted);
  int64_t left_before = std::numeric_limits<int64_t>::max();
  absl::Time moved = SteadyNow();
  while (true) {
    int64_t left = 0;
    RETURN_IF_ERROR(Persist([&]() -> absl::Status {
      ASSIGN_OR_RETURN(const int64_t waiting, api_.Count("NEW"));
      ASSIGN_OR_RETURN(const int64_t processing, api_.Count("PROCESSING"));
      left = waiting + processing;
      return absl::OkStatus();
    }));
    // Others may use the queue too.
    const int64_t done = std::clamp<int64_t>(state_.posted - left, 0, state_.posted);
    progress.Show(done, StrCat(std::to_string(done), " of ", Users(state_.posted)));
    if (left == 0) return absl::OkStatus();
    if (left < left_before) {
      moved = SteadyNow();
    } else if (SteadyNow() - moved > kStall) {
      progress.Clear();
      std::cerr << "the server has imported nobody for ten minutes" << std::endl;
      moved = SteadyNow();
    }
    left_before = left;
    Pause(kPoll);
  }
}

absl::Status ImportRun::CollectFailures() {
  if (state_.posted == 0) return absl::OkStatus();
  // Those that a killed run had written, and maybe not removed.
  std::set<std::string> written;
  std::ifstream file(FailedPath());
  for (std::string line; std::getline(file, line);) {
    const absl::StatusOr<json::Value> value = json::Parse(line);
    if (value.ok()) written.emplace(value->FindString("importId").value_or(""));
  }
  std::string token;
  bool more = true;
  while (more) {
    BulkApi::Page page;
    RETURN_IF_ERROR(Persist([&]() -> absl::Status {
      ASSIGN_OR_RETURN(page, api_.List("FAILED", token));
      return absl::OkStatus();
    }));
    std::vector<std::string> ours;
    more = !page.next.empty();
    for (json::Value& row : page.users) {
      if (CreatedAt(row) <= state_.queue_before_ms) {
        more = false;
        break;
      }
      const auto line = lines_.find(FingerprintOf(row));
      if (line == lines_.end()) continue;  // somebody else's
      const std::string id(row.FindString("id").value_or(""));
      ours.push_back(id);
      if (!written.insert(id).second) continue;
      const std::string reason(row.FindString("errorMessage").value_or("?"));
      for (const char* own :
           {"id", "status", "errorMessage", "createdAt", "updatedAt", "primaryUserId"}) {
        row.Remove(own);
      }
      RETURN_IF_ERROR(AppendFailure(row, line->second, {reason}, id));
    }
    token = page.next;
    RETURN_IF_ERROR(SyncFailures());
    RETURN_IF_ERROR(WriteState());
    for (size_t i = 0; i < ours.size(); i += kRemoveAtOnce) {
      const auto end =
          ours.begin() + static_cast<int64_t>(std::min(i + kRemoveAtOnce, ours.size()));
      const std::vector<std::string> part(ours.begin() + static_cast<int64_t>(i), end);
      RETURN_IF_ERROR(Persist([&] { return api_.Remove(part); }));
    }
  }
  return absl::OkStatus();
}

void ImportRun::Report() {
  std::cerr << Users(state_.records - state_.failed) << " imported, " << state_.failed << " failed";
  if (state_.failed > 0) {
    std::cerr << ": " << FailedPath() << " has them with the reasons";
  } else {
    ::unlink(FailedPath().c_str());
  }
  std::cerr << std::endl;
}

}  // namespace gatehouse::porting
