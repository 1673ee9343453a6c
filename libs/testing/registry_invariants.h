#pragma once

// What must be true of the identity registry's tables after any number of operations that tests
// run, concurrent or interrupted.

#include <string>
#include <vector>

#include "libs/db/database.h"

namespace gatehouse::testing {

struct RegistryChecks {
  // A group reserves each of its account infos in each of its tenants. Not so for rows from a
  // backfill: those reserve what each member has in its own tenants.
  bool whole_groups_reserved = true;
  // The original's old tables agree: for tests in DUAL_WRITE_READ_NEW.
  bool legacy_tables = false;
};

// One line per violation, with the rows' ids: none is what a test expects. Reads without locks:
// run it when nothing else works on the database. A statement that fails is a violation, too.
std::vector<std::string> RegistryViolations(db::Database& database,
                                            const RegistryChecks& checks = {});

}  // namespace gatehouse::testing
