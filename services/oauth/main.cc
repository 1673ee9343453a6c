// gatehouse-oauth: the oauth service as a separate process.

#include "libs/process/program.h"
#include "services/oauth/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-oauth";
  program.services = {{"oauth", gatehouse::oauth::MakeOAuthComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
