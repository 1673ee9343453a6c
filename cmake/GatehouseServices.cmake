# Reads services/services.json, the table of services (services/README.md says what is in a row):
#   GATEHOUSE_SERVICES               those that have code, lower ones first
#   GATEHOUSE_SERVICE_<name>_PROTOS  packages that its protos import, besides `common`
# and generates C++ from it, in GATEHOUSE_GENERATED_DIR: gatehouse/service_callers.h the names that
#   services call by service_table.cc ServiceTable() (libs/base/service_table.h)
set(GATEHOUSE_SERVICE_TABLE "${CMAKE_SOURCE_DIR}/services/services.json")
set(GATEHOUSE_GENERATED_DIR "${CMAKE_BINARY_DIR}/generated")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${GATEHOUSE_SERVICE_TABLE}")

# gatehouse_json_strings(<variable> <json> <member>): an array of strings; empty when it is absent.
function(gatehouse_json_strings variable json member)
  set(result)
  string(JSON length ERROR_VARIABLE absent LENGTH "${json}" "${member}")
  if(NOT absent AND length GREATER 0)
    math(EXPR last "${length} - 1")
    foreach(i RANGE ${last})
      string(JSON element GET "${json}" "${member}" ${i})
      list(APPEND result "${element}")
    endforeach()
  endif()
  set(${variable} "${result}" PARENT_SCOPE)
endfunction()

# gatehouse_cc_list(<variable> <string> ...): {"a", "b"}
function(gatehouse_cc_list variable)
  list(TRANSFORM ARGN PREPEND "\"")
  list(TRANSFORM ARGN APPEND "\"")
  list(JOIN ARGN ", " joined)
  set(${variable} "{${joined}}" PARENT_SCOPE)
endfunction()

function(gatehouse_read_services)
  file(READ "${GATEHOUSE_SERVICE_TABLE}" table)
  string(JSON count LENGTH "${table}")
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON row GET "${table}" ${i})
    string(JSON name GET "${row}" name)
    string(JSON planned ERROR_VARIABLE absent GET "${row}" planned)
    gatehouse_json_strings(calls "${row}" calls)
    gatehouse_json_strings(tables "${row}" tables)
    gatehouse_json_strings(protos "${row}" protos)
    gatehouse_cc_list(cc_calls ${calls})
    gatehouse_cc_list(cc_tables ${tables})
    if(absent)
      list(APPEND services ${name})
      set(GATEHOUSE_SERVICE_${name}_PROTOS "${protos}" PARENT_SCOPE)
      string(JSON cc_name ERROR_VARIABLE plain GET "${row}" cc_name)
      if(plain)
        string(SUBSTRING ${name} 0 1 first)
        string(SUBSTRING ${name} 1 -1 rest)
        string(TOUPPER ${first} first)
        set(cc_name "${first}${rest}")
      endif()
      string(APPEND SERVICE_CALLERS
             "inline constexpr std::string_view k${cc_name} = \"${name}\";\n")
    endif()
    if(absent)
      set(planned false)
    else()
      set(planned true)
    endif()
    string(APPEND SERVICE_ROWS "      {\"${name}\", ${planned}, ${cc_calls}, ${cc_tables}},\n")
  endforeach()
  set(GATEHOUSE_SERVICES "${services}" PARENT_SCOPE)
  # configure_file does not touch an unchanged file, so nothing is rebuilt.
  configure_file("${CMAKE_SOURCE_DIR}/cmake/service_callers.h.in"
                 "${GATEHOUSE_GENERATED_DIR}/gatehouse/service_callers.h" @ONLY)
  configure_file("${CMAKE_SOURCE_DIR}/cmake/service_table.cc.in"
                 "${GATEHOUSE_GENERATED_DIR}/service_table.cc" @ONLY)
endfunction()

gatehouse_read_services()
