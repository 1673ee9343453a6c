// gatehouse-gateway: the REST interface of a split suite.

#include "gateway/rest_front_end.h"
#include "libs/process/program.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-gateway";
  program.front_end = gatehouse::gateway::StartRestFrontEnd;
  return gatehouse::process::RunProgram(program, argc, argv);
}
