#include "services/accounts/policy.h"

#include <gtest/gtest.h>

#include "gatehouse/accounts/v1/accounts_service.rpc.h"
#include "gatehouse/accounts/v1/bulk_import_service.rpc.h"
#include "libs/testing/policy_check.h"

namespace gatehouse::accounts {
namespace {

TEST(AccountsPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::AccountsService::Info(), AccountsPolicy());
  testing::ExpectPolicyIsEnforced(v1::BulkImportService::Info(), BulkImportPolicy());
}

}  // namespace
}  // namespace gatehouse::accounts
