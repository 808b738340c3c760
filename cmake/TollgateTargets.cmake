# What every target shares, and the functions that make one target of one folder.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_library(tollgate_options INTERFACE)
target_include_directories(tollgate_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(tollgate_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Werror)
# fmt is not used header-only: that made each file pay for all of it (with sanitizers 4 s a file). Debian ships no
# static libfmt; common/base/fmt_definitions.cpp stands in for one.
target_compile_definitions(tollgate_options INTERFACE TOLLGATE_VERSION="${PROJECT_VERSION}")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(tollgate_options INTERFACE -fstack-protector-strong -ffunction-sections -fdata-sections
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With optimisation, g++ 12 sees overlaps and unset members inside std::string that are not there (GCC 105651, 105562).
    # The debug presets of both compilers keep every warning an error.
    target_compile_options(tollgate_options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
      -Wno-stringop-overread -Wno-maybe-uninitialized)
  endif()
  target_link_options(tollgate_options INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now)
endif()
if(TOLLGATE_SANITIZE)
  target_compile_options(tollgate_options INTERFACE -fsanitize=${TOLLGATE_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(tollgate_options INTERFACE -fsanitize=${TOLLGATE_SANITIZE})
endif()

find_program(TOLLGATE_CCACHE ccache)
if(TOLLGATE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_PCH_EXTSUM=true
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${TOLLGATE_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tollgate_options INTERFACE -fpch-preprocess)
  else()
    target_compile_options(tollgate_options INTERFACE -Xclang -fno-pch-timestamp)
  endif()
endif()

# Libraries by their Debian names. Static where the broker's static program needs them.
find_package(PkgConfig REQUIRED)
find_path(TOLLGATE_TL_EXPECTED tl/expected.hpp REQUIRED)
find_path(TOLLGATE_FMT fmt/format.h REQUIRED)

# The presets compile a folder's files some at a time as one (CMake's unity build): half the processor time of a whole
# build goes into headers otherwise. Files whose own names clash with a neighbour's are listed after ALONE and are
# compiled by themselves.
function(tollgate_compile_alone)
  if(NOT ARGN)
    return()
  endif()
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# tollgate_library(NAME DEPS... [PRIVATE DEPS...] [ALONE FILES...]): every .cpp of the current folder but main.cpp, as
# one static library.
function(tollgate_library name)
  cmake_parse_arguments(arg "" "" "PRIVATE;ALONE" ${ARGN})
  tollgate_compile_alone(${arg_ALONE})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE tollgate_options ${arg_UNPARSED_ARGUMENTS} ${arg_PRIVATE})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC tollgate_options ${arg_UNPARSED_ARGUMENTS} PRIVATE ${arg_PRIVATE})
  tollgate_precompiled_headers(${name})
endfunction()

# For programs that start often: without a dynamic linker. All of NAME's libraries must be there as archives.
function(tollgate_link_statically name)
  target_link_options(${name} PRIVATE -static-pie)
  # CMake ends a list of .a names with -Bdynamic, and would so bring the shared libstdc++ into a static program.
  set_target_properties(${name} PROPERTIES LINK_SEARCH_START_STATIC ON LINK_SEARCH_END_STATIC ON)
endfunction()

# tollgate_program(NAME DEPS...): main.cpp of the current folder, linked with DEPS.
function(tollgate_program name)
  add_executable(${name} main.cpp)
  target_link_libraries(${name} PRIVATE tollgate_options ${ARGN})
endfunction()

# tollgate_unit_test(MODULE DEPS... [ALONE FILES...]): every *_test.cpp of the current folder, as one test program.
function(tollgate_unit_test module)
  cmake_parse_arguments(arg "" "" "ALONE" ${ARGN})
  tollgate_compile_alone(${arg_ALONE})
  file(GLOB sources CONFIGURE_DEPENDS *_test.cpp)
  if(NOT sources)
    return()
  endif()
  string(REPLACE "/" "_" target "unit_${module}")
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE tollgate_options ${arg_UNPARSED_ARGUMENTS} tollgate_test_support)
  tollgate_test_precompiled_headers(${target})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME unit/${module} COMMAND ${target} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(unit/${module} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# For each file that it looks up, ccache would read the whole precompiled header, 80 MB, and spend more on that than the
# compiler on the file. It takes the checksum beside the header instead: of what the header says, because its bytes
# differ from one checkout to the next, and a checkout would find nothing of what another has compiled. Flags are in
# ccache's key by themselves.
function(tollgate_sum_of_precompiled_header owner)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${owner}.dir/cmake_pch.hxx)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(compiled ${header}.gch)
  else()
    set(compiled ${header}.pch)
  endif()
  add_custom_command(OUTPUT ${compiled}.sum DEPENDS ${compiled}
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -w -x c++-header -E -P -dD ${header} -o ${compiled}.text
    COMMAND sha256sum < ${compiled}.text > ${compiled}.sum
    COMMAND ${CMAKE_COMMAND} -E rm ${compiled}.text VERBATIM)
  add_custom_target(${owner}_precompiled_sum DEPENDS ${compiled}.sum)
endfunction()

# One precompiled header of standard headers and fmt serves all product targets, one more all test targets.
function(tollgate_precompiled_headers name)
  if(name STREQUAL "tollgate_base")
    target_precompile_headers(${name} PRIVATE <algorithm> <array> <chrono> <cstdint> <cstring> <functional> <map>
      <memory> <optional> <span> <string> <string_view> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)
    tollgate_sum_of_precompiled_header(${name})
  else()
    target_precompile_headers(${name} REUSE_FROM tollgate_base)
    add_dependencies(${name} tollgate_base_precompiled_sum)
  endif()
endfunction()

function(tollgate_test_precompiled_headers name)
  if(NOT TARGET unit_precompiled)
    # A program and not a library, because a precompiled header serves only code with the same -fPIE or -fPIC.
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/unit_precompiled.cpp CONTENT "int main() { return 0; }\n")
    add_executable(unit_precompiled ${CMAKE_BINARY_DIR}/unit_precompiled.cpp)
    target_link_libraries(unit_precompiled PRIVATE tollgate_options GTest::gmock)
    target_precompile_headers(unit_precompiled PRIVATE <algorithm> <chrono> <functional> <map> <memory> <optional>
      <string> <string_view> <vector> <fmt/format.h> <tl/expected.hpp> <gmock/gmock.h> <gtest/gtest.h>)
    tollgate_sum_of_precompiled_header(unit_precompiled)
  endif()
  target_precompile_headers(${name} REUSE_FROM unit_precompiled)
  add_dependencies(${name} unit_precompiled_precompiled_sum)
endfunction()
