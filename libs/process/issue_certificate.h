#pragma once

#include "libs/process/command_line.h"

namespace gatehouse::process {

// `issue-certificate`: writes certificate, key and authority for a gRPC client named --name (else
// "client") into the directory --out, made from the configured gatehouse_internal_secret. Only its
// owner may read the key; existing files are not replaced. Returns the exit status.
int IssueCertificate(const CommandLine& line);

}  // namespace gatehouse::process
