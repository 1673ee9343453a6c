# libphonenumber. Debian's development package of it can't be installed together with Boost 1.81,
# which the library itself does not need: scripts/install-deps.sh unpacks its headers into the build
# tree, and the library is linked by its own name.

find_path(PHONENUMBER_INCLUDE_DIR phonenumbers/phonenumberutil.h
          HINTS "${CMAKE_SOURCE_DIR}/build/phonenumber/usr/include")
if(NOT PHONENUMBER_INCLUDE_DIR)
  execute_process(COMMAND "${CMAKE_SOURCE_DIR}/scripts/install-deps.sh" headers COMMAND_ERROR_IS_FATAL ANY)
  find_path(PHONENUMBER_INCLUDE_DIR phonenumbers/phonenumberutil.h REQUIRED
            HINTS "${CMAKE_SOURCE_DIR}/build/phonenumber/usr/include")
endif()
find_library(PHONENUMBER_LIBRARY NAMES libphonenumber.so.8 phonenumber REQUIRED)

add_library(gatehouse_phonenumber INTERFACE)
target_include_directories(gatehouse_phonenumber SYSTEM INTERFACE "${PHONENUMBER_INCLUDE_DIR}")
target_link_libraries(gatehouse_phonenumber INTERFACE "${PHONENUMBER_LIBRARY}" protobuf::libprotobuf)
