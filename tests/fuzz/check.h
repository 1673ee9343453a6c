#pragma once

// What fuzzers expect of what they try.

#include <cstdio>
#include <cstdlib>

// Ends the process, which libFuzzer takes for a finding and keeps the input.
#define FUZZ_CHECK(condition)                                                        \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                  \
    }                                                                                \
  } while (false)
