// gatehouse-totp: the totp service as a separate process.

#include "libs/process/program.h"
#include "services/totp/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-totp";
  program.services = {{"totp", gatehouse::totp::MakeTotpComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
