// gatehouse-tenants: the tenants service in a separate process.

#include "libs/process/program.h"
#include "services/tenants/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-tenants";
  program.services = {{"tenants", gatehouse::tenants::MakeTenantsComponent}};
  program.check_tenants = gatehouse::tenants::CheckTenants;
  return gatehouse::process::RunProgram(program, argc, argv);
}
