// gatehouse-roles: the roles service as a separate process.

#include "libs/process/program.h"
#include "services/roles/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-roles";
  program.services = {{"roles", gatehouse::roles::MakeRolesComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
