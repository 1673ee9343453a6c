#pragma once

#include "libs/config/process_config.h"
#include "libs/process/command_line.h"
#include "libs/process/program.h"

namespace gatehouse::process {

// Where the configuration of a process comes from: the command line, the environment and a file.
// Without --with-config that is /etc/gatehouse/config.yaml, if it exists, or else
// /usr/lib/supertokens/config.yaml, its place in the original's image, where the file's values
// override the environment.
config::ConfigSources SourcesOf(const CommandLine& line);

// Runs `--check-config`: reports everything that is wrong with the configuration, and with tenants'
// stored settings, on standard output. Returns the exit status.
int CheckConfig(const Program& program, const CommandLine& line);

// Runs `config`: prints every key with its value and where that came from, as a config.yaml;
// secrets are masked. Returns the exit status.
int PrintConfig(const CommandLine& line);

}  // namespace gatehouse::process
