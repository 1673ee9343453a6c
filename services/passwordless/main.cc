// gatehouse-passwordless: the passwordless service as a separate process.

#include "libs/process/program.h"
#include "services/passwordless/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-passwordless";
  program.services = {{"passwordless", gatehouse::passwordless::MakePasswordlessComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
