// gatehouse-accounts: the accounts service as a separate process.

#include "libs/process/program.h"
#include "services/accounts/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-accounts";
  program.services = {{"accounts", gatehouse::accounts::MakeAccountsComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
