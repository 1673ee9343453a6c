#pragma once

#include "libs/process/command_line.h"

namespace gatehouse::process {

// Runs `health`: queries --url, or else /readyz of the admin port that the configuration names, for
// three seconds at most after the look-up of a host's name. Returns the exit status, 0 for a reply
// of 2xx; otherwise reports on standard error what is wrong. For containers' health checks, which
// then need no other program.
int CheckHealth(const CommandLine& line);

}  // namespace gatehouse::process
