// gatehouse-thirdparty: the thirdparty service as a separate process.

#include "libs/process/program.h"
#include "services/thirdparty/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-thirdparty";
  program.services = {{"thirdparty", gatehouse::thirdparty::MakeThirdPartyComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
