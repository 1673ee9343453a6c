#include "services/totp/pg_totp_export.h"

#include <string>
#include <unordered_map>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::totp {
namespace {

// By the primary key.
constexpr db::Statement kDevices = {
    "totp_export",
    "SELECT user_id, device_name, secret_key, period, skew, verified FROM {totp_user_devices}"
    " WHERE app_id = $1 AND user_id = ANY($2)"
    " ORDER BY user_id, created_at NULLS FIRST, device_name COLLATE \"C\""};

}  // namespace

absl::Status AddDevicesForExport(db::Transaction& transaction, std::string_view app_id,
                                 porting::ExportPage& page) {
  const porting::UsersById by_id(page);
  if (by_id.ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const db::Result rows,
                   transaction.Execute(kDevices, {app_id, db::TextArray{by_id.ids}}));
  std::unordered_map<porting::ExportedUser*, json::Value> devices;
  for (const db::Row row : rows) {
    if (!row.Bool(5)) {
      ++page.left_out.unverified_devices;
      continue;
    }
    devices[by_id.users.at(std::string(row.Text(0)))].Append(
        json::Value::Object({{"deviceName", row.Text(1)},
                             {"secretKey", row.Text(2)},
                             {"period", row.Int64(3)},
                             {"skew", row.Int64(4)}}));
  }
  for (auto& [user, list] : devices) user->json.Set("totpDevices", std::move(list));
  return absl::OkStatus();
}

}  // namespace gatehouse::totp
