// gatehouse-dashboard: the dashboard service as a separate process.

#include "libs/process/program.h"
#include "services/dashboard/component.h"

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse-dashboard";
  program.services = {{"dashboard", gatehouse::dashboard::MakeDashboardComponent}};
  return gatehouse::process::RunProgram(program, argc, argv);
}
