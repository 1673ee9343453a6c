#pragma once

#include <string>

#include "libs/config/process_config.h"

namespace gatehouse::process {

// Whether people read what we log: standard error is a terminal.
bool LogsToTerminal();

// Three lines for them, once requests are served: where, with which data, and how it ends.
// `data_dir`: of the embedded PostgreSQL; empty: there is none.
std::string Greeting(const config::ProcessConfig& config, const std::string& address,
                     const std::string& data_dir);

}  // namespace gatehouse::process
