# A room is one static library: coffer_core, coffer_vault, ...; a subroom is an object library inside
# it, so that each one builds and is tested on its own.
#
#   coffer_room(core  DEPENDS coffer::... )             every *.cc in this directory
#   coffer_subroom(vault crypto  DEPENDS PkgConfig::SODIUM ...)   every *.cc in <dir>/crypto
function(coffer_room name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;SUBROOMS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(objects "")
  foreach(sub ${ARG_SUBROOMS})
    list(APPEND objects $<TARGET_OBJECTS:coffer_${name}_${sub}>)
  endforeach()
  if(NOT sources AND NOT objects)
    add_library(coffer_${name} INTERFACE)
    target_link_libraries(coffer_${name} INTERFACE coffer_flags ${ARG_DEPENDS})
    return()
  endif()
  add_library(coffer_${name} STATIC ${sources} ${objects})
  set_target_properties(coffer_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(coffer_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(coffer_${name} PUBLIC coffer_flags Threads::Threads ${ARG_DEPENDS})
  foreach(sub ${ARG_SUBROOMS})
    get_target_property(deps coffer_${name}_${sub} COFFER_DEPENDS)
    if(deps)
      target_link_libraries(coffer_${name} PUBLIC ${deps})
    endif()
  endforeach()
endfunction()

function(coffer_subroom room name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  set(target coffer_${room}_${name})
  if(NOT sources)
    # An object library cannot be empty; a subroom that holds headers only gets one empty unit.
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cc "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cc)
  endif()
  add_library(${target} OBJECT ${sources})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC coffer_flags Threads::Threads ${ARG_DEPENDS})
  set_target_properties(${target} PROPERTIES COFFER_DEPENDS "${ARG_DEPENDS}")
endfunction()

# coffer_test(NAME SOURCES... DEPENDS libs...): one GoogleTest binary, registered with ctest under
# its name; TIMEOUT in seconds (default 120).
function(coffer_test name)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE coffer_flags ${ARG_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  set(_coffer_test_environment "COFFER_SOURCE_ROOT=${CMAKE_SOURCE_DIR}")
  if(COFFER_SANITIZE STREQUAL "thread")
    # A fresh inode is locked under its shard's mutex, which nobody else can hold it against: no lock order to keep.
    list(APPEND _coffer_test_environment
         "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:detect_deadlocks=0:halt_on_error=0")
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "${_coffer_test_environment}")
  if(ARG_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
