# Compiler, linker and warning flags: one interface target that every room links.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(coffer_flags INTERFACE)
target_compile_options(coffer_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 reports overlaps in std::string's own concatenation at -O3 (GCC bug 105651).
  target_compile_options(coffer_flags INTERFACE -Wno-restrict)
endif()
if(COFFER_WERROR)
  target_compile_options(coffer_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(coffer_flags INTERFACE -Wthread-safety)
endif()
if(COFFER_SANITIZE)
  string(REPLACE ";" "," _sanitizers "${COFFER_SANITIZE}")
  # g++ 12 sees uninitialised bytes in every std::optional that a sanitizer instruments, and Boost fences that TSan cannot follow.
  target_compile_options(coffer_flags INTERFACE -fsanitize=${_sanitizers} -fno-omit-frame-pointer -O1
                         -Wno-maybe-uninitialized -Wno-tsan)
  target_link_options(coffer_flags INTERFACE -fsanitize=${_sanitizers})
endif()

find_program(MOLD mold)
if(MOLD)
  target_link_options(coffer_flags INTERFACE -fuse-ld=mold)
endif()
target_include_directories(coffer_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
