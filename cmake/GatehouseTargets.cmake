# The kinds of targets that Gatehouse has. Every CMakeLists.txt below is a list of these calls.

add_library(gatehouse_pch STATIC "${CMAKE_SOURCE_DIR}/cmake/pch.cc")
target_include_directories(gatehouse_pch PUBLIC "${CMAKE_SOURCE_DIR}")
target_link_libraries(gatehouse_pch PUBLIC absl::status absl::statusor absl::strings absl::time
                      protobuf::libprotobuf Threads::Threads)
set(GATEHOUSE_PCH_HEADERS
  <algorithm> <chrono> <functional> <map> <memory> <mutex> <optional> <string> <string_view>
  <thread> <unordered_map> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/time/time.h>
  <google/protobuf/message.h>)
if(GATEHOUSE_PCH)
  target_precompile_headers(gatehouse_pch PRIVATE ${GATEHOUSE_PCH_HEADERS})
endif()

# What only tests include: half of the time that compiling one takes is reading GoogleTest, and most
# of the rest is optimising code that runs once, so a test's own code is not optimised. What it
# tests is.
add_library(gatehouse_test_pch STATIC "${CMAKE_SOURCE_DIR}/cmake/pch.cc")
target_include_directories(gatehouse_test_pch PUBLIC "${CMAKE_SOURCE_DIR}")
target_link_libraries(gatehouse_test_pch PUBLIC gatehouse_pch GTest::gtest)
set(GATEHOUSE_TEST_OPTIONS "$<$<CONFIG:Release>:-O0>")
target_compile_options(gatehouse_test_pch PRIVATE ${GATEHOUSE_TEST_OPTIONS})
if(GATEHOUSE_PCH)
  target_precompile_headers(gatehouse_test_pch PRIVATE <gtest/gtest.h> ${GATEHOUSE_PCH_HEADERS})
endif()

# gatehouse_common_settings(target [pch target])
function(gatehouse_common_settings target)
  set(pch gatehouse_pch)
  if(ARGC GREATER 1)
    set(pch ${ARGV1})
  endif()
  target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${target} PUBLIC absl::status absl::statusor absl::strings absl::time
                        Threads::Threads)
  if(GATEHOUSE_PCH)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

# gatehouse_library(name SRCS a.cc ... DEPS target ...): a static library; include paths start at
# the top of the tree ("libs/db/database.h").
function(gatehouse_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  gatehouse_common_settings(${name})
endfunction()

# The programs that tests drive, and tests that are programs of their own.
add_custom_target(programs)
add_custom_target(unit_tests)

# gatehouse_program(name SRCS main.cc DEPS target ...): an executable in build/<preset>/bin.
function(gatehouse_program name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  gatehouse_common_settings(${name})
  add_dependencies(programs ${name})
endfunction()

# Sanitizers make everything several times slower.
set(GATEHOUSE_TIMEOUT_FACTOR 1)
if(GATEHOUSE_SANITIZE)
  set(GATEHOUSE_TIMEOUT_FACTOR 5)
endif()

# gatehouse_test(name SRCS a_test.cc ... DEPS target ... [TIMEOUT seconds] [LABEL workflow]): a
# GoogleTest program, run by ctest as one test, together with others. TIMEOUT defaults to 240 s:
# many start a server, on machines that are busy otherwise. LABEL defaults to unit.
function(gatehouse_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;LABEL" "SRCS;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 240)
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * ${GATEHOUSE_TIMEOUT_FACTOR}")
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${GATEHOUSE_TEST_OPTIONS})
  gatehouse_common_settings(${name} gatehouse_test_pch)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS ${ARG_LABEL})
  add_dependencies(unit_tests ${name})
endfunction()
