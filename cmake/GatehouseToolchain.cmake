# Language level, warnings, compiler cache, linker, sanitizers and the packages that everything uses.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(GATEHOUSE_PCH "Precompile the headers that nearly every file includes" ON)
set(GATEHOUSE_SANITIZE "" CACHE STRING "Sanitizers to build with, such as address,undefined")

# -g1 keeps line numbers in crash traces at a fraction of the size and time of full debug information.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
                    -fno-omit-frame-pointer -fstack-protector-strong)
# At -O2 these checks of GCC 12 misread its own inlined std::string and std::optional (GCC bug
# 105329 and similar ones); the debug and sanitizer builds find real bugs.
add_compile_options("$<$<CONFIG:Release>:-Wno-array-bounds;-Wno-maybe-uninitialized;-Wno-stringop-overflow;-Wno-stringop-overread>")
# For every file: a precompiled header only works for files with the same definitions.
add_compile_options(-pthread)
add_compile_definitions(_GLIBCXX_ASSERTIONS)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # The sloppiness is what ccache needs to cache files compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,--as-needed)

if(GATEHOUSE_SANITIZE)
  add_compile_options(-fsanitize=${GATEHOUSE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GATEHOUSE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    # What clang 14 puts before functions for this check, it can't assemble before coroutines.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
# Debian's gRPC CMake package does not pull in Abseil's libraries; pkg-config's list is complete.
pkg_check_modules(GRPC REQUIRED IMPORTED_TARGET grpc++ protobuf)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
find_package(Boost 1.81 REQUIRED COMPONENTS program_options)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(ICU REQUIRED COMPONENTS uc)
include(GatehousePhoneNumber)
