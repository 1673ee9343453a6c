#pragma once

#include "libs/process/command_line.h"

namespace gatehouse::process {

// What `health` does: asks --url, or else the admin port's /readyz at the place that the
// configuration names, for three seconds at most after the look-up of a host's name. Returns the
// exit status, 0 for a reply of 2xx; else says on standard error what is wrong. For containers'
// health checks, which then need no other program.
int CheckHealth(const CommandLine& line);

}  // namespace gatehouse::process
