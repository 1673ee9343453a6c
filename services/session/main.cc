// gatehouse-session: the session service in a separate process.

#include "libs/process/program.h"
#include "services/session/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-session";
  program.services = {{"session", gatehouse::session::MakeSessionComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
