#include "libs/host/run_service.h"
#include "services/jwks/component.h"

int main(int argc, char** argv) {
  return gatehouse::host::RunService("jwks", gatehouse::jwks::MakeJwksComponent, argc, argv);
}
