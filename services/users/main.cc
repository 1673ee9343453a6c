// gatehouse-users: the users service as a separate process.

#include "libs/process/program.h"
#include "services/users/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-users";
  program.services = {{"users", gatehouse::users::MakeUsersComponent}};
  program.check_rows = gatehouse::users::CheckUsers;
  program.migrate_rows = gatehouse::users::MigrateUsers;
  return gatehouse::process::RunProgram(program, argc, argv);
}
