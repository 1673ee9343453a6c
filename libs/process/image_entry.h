#pragma once

#include <string>
#include <vector>

namespace gatehouse::process {

// The arguments of the program, without its name. In the all-in-one image the program is also what
// the original's entry point is, docker-entrypoint.sh or its older name /entrypoint.sh, and under
// those names does what that does:
//
//   docker-entrypoint.sh supertokens start --port=4000    the command, without its first word
//   docker-entrypoint.sh --port=4000                      options alone are those of `start`
//   docker-entrypoint.sh ls /                             anything else is run in our place
//
// There it also leaves root for the user `supertokens`, and takes /lib/supertokens/temp for
// temporary files where that is the directory which may be written. Ends the process, with a text,
// when that fails. Call it before any other thread is there.
std::vector<std::string> ImageArguments(int argc, const char* const argv[]);

}  // namespace gatehouse::process
