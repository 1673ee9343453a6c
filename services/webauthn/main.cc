// gatehouse-webauthn: the webauthn service as a separate process.

#include "libs/process/program.h"
#include "services/webauthn/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-webauthn";
  program.services = {{"webauthn", gatehouse::webauthn::MakeWebauthnComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
