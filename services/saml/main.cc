// gatehouse-saml: the saml service as a separate process.

#include "libs/process/program.h"
#include "services/saml/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-saml";
  program.services = {{"saml", gatehouse::saml::MakeSamlComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
