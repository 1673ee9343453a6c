// gatehouse-jwks: the jwks service in a separate process.

#include "libs/process/program.h"
#include "services/jwks/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-jwks";
  program.services = {{"jwks", gatehouse::jwks::MakeJwksComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
