# SPDX-License-Identifier: Apache-2.0
# The project's target kinds. A target's kind decides what it may link; the check runs at configure time.

add_library(understudy_warnings INTERFACE)
if(UNDERSTUDY_SANITIZE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "UNDERSTUDY_SANITIZE: libFuzzer comes with clang; configure with -DCMAKE_CXX_COMPILER=clang++")
  endif()
  target_compile_options(understudy_warnings INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-sanitize=function  # clang 14 puts it into coroutines in a way that it cannot assemble
    -w)  # the warnings are the other compiler's
  target_link_options(understudy_warnings INTERFACE -fsanitize=address,undefined)
else()
target_compile_options(understudy_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
  -Woverloaded-virtual -Wnull-dereference -Wimplicit-fallthrough -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives from inlined standard library and Asio code under these.
  target_compile_options(understudy_warnings INTERFACE
    -Wno-maybe-uninitialized -Wno-null-dereference -Wno-restrict -Wno-stringop-overflow
    -Wno-mismatched-new-delete)  # the last: Asio's recycled coroutine frames
endif()
target_compile_options(understudy_warnings INTERFACE -fno-omit-frame-pointer)
target_compile_definitions(understudy_warnings INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_JSON_NO_LIB SPDLOG_FMT_EXTERNAL)
target_include_directories(understudy_warnings INTERFACE ${CMAKE_SOURCE_DIR})
find_program(UNDERSTUDY_MOLD mold)
if(UNDERSTUDY_MOLD)
  target_link_options(understudy_warnings INTERFACE -fuse-ld=mold)
endif()
find_program(UNDERSTUDY_CCACHE ccache)
if(UNDERSTUDY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${UNDERSTUDY_CCACHE})
endif()

# Most of what a source takes to compile is what it includes. Twelve at a time take less than half as long as each by
# itself; who changes one source after another can have that.
option(UNDERSTUDY_BATCHES "Build twelve sources of a library or program at a time" ON)
function(understudy_build_in_batches name)
  if(UNDERSTUDY_BATCHES)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    # A coroutine's frame has fields of its source's own types: elsewhere that source would be a header.
    target_compile_options(${name} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# A core library holds pure rules: it may link understudy_base (and other core libraries of the same
# component), never a library that does I/O. `core` targets are named understudy_<component>_core.
function(understudy_core_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  string(REGEX MATCH "^understudy_[a-z]+_" component ${name})
  foreach(dependency ${ARG_LINK})
    if(NOT dependency STREQUAL "understudy_base" AND NOT dependency MATCHES "^${component}(.*_)?core$")
      message(FATAL_ERROR "${name}: a core library links understudy_base and its component's core libraries only, not ${dependency}")
    endif()
  endforeach()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC understudy_base ${ARG_LINK} understudy_warnings)
  understudy_build_in_batches(${name})
endfunction()

function(understudy_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} understudy_warnings PRIVATE ${ARG_PRIVATE_LINK})
  understudy_build_in_batches(${name})
endfunction()

function(understudy_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} understudy_warnings)
  understudy_build_in_batches(${name})
endfunction()

# What the tests of a folder, or of several, share: harnesses of real programs.
function(understudy_test_fixture name)
  understudy_library(${name} ${ARGN})
  target_link_libraries(${name} PUBLIC understudy_test_support GTest::gmock)
  target_compile_options(${name} PRIVATE -O0)
endfunction()

# A program of the tests, in the build tree's tests/.
function(understudy_test_program name)
  understudy_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE understudy_test_support)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_options(${name} PRIVATE -O0)  # what is tested is in the libraries and programs
endfunction()

# A GoogleTest program, registered with CTest as one test. TIMEOUT is a limit against hangs, in seconds; it is COST
# too: what may take long begins first, so that no long one is left to run by itself at the end.
# Unit tests are built where UNDERSTUDY_UNIT_TESTS is on: ./dev builds them with sanitizers only.
option(UNDERSTUDY_UNIT_TESTS "Build the unit tests" ON)
add_custom_target(unit_tests)
function(understudy_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT" ${ARGN})
  if("unit" IN_LIST ARG_LABELS AND NOT UNDERSTUDY_UNIT_TESTS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} understudy_test_support understudy_warnings GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  understudy_build_in_batches(${name})
  target_compile_options(${name} PRIVATE -O0)  # what is tested is in the libraries
  add_test(NAME ${name} COMMAND ${name})
  if("unit" IN_LIST ARG_LABELS)
    add_dependencies(unit_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "UNDERSTUDY_SOURCE_DIR=${CMAKE_SOURCE_DIR};UNDERSTUDY_BIN_DIR=${CMAKE_BINARY_DIR}/bin;${ARG_ENVIRONMENT}")
endfunction()

# A test that is a run of a program of the tests' own, with arguments; status 77 means that it can't run here.
function(understudy_program_test name program label timeout)
  add_test(NAME ${name} COMMAND ${program} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} COST ${timeout} SKIP_RETURN_CODE 77
    ENVIRONMENT "UNDERSTUDY_SOURCE_DIR=${CMAKE_SOURCE_DIR};UNDERSTUDY_BIN_DIR=${CMAKE_BINARY_DIR}/bin")
endfunction()

# A libFuzzer program, in the tree of UNDERSTUDY_SANITIZE only. Run by CTest (label fuzz) for UNDERSTUDY_FUZZ_SECONDS,
# beginning from tests/fuzz/corpus/NAME; what it finds beside is kept in the build tree, a failing input too.
# LINK are the project's libraries that it looks into: it sees the way through them. Not optimized: that would take
# twice as long to compile.
# Inputs are as long as they may be from the beginning, as a session is nothing in the few bytes that libFuzzer would
# begin with; and chosen evenly, as choosing by rare features takes a third of the time of a run as short as this.
set(UNDERSTUDY_FUZZ_SECONDS 60 CACHE STRING "How long each fuzzer runs")
add_custom_target(fuzzers)
function(understudy_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(NOT UNDERSTUDY_SANITIZE)
    return()
  endif()
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LINK} understudy_warnings)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  foreach(target fuzz_${name} ${ARG_LINK})
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endforeach()
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  add_dependencies(fuzzers fuzz_${name})
  set(found ${CMAKE_BINARY_DIR}/fuzz/found/${name})
  file(MAKE_DIRECTORY ${found})
  math(EXPR limit "${UNDERSTUDY_FUZZ_SECONDS} + 60")
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${found} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}
    -entropic=0 -len_control=0 -seed=1 -max_total_time=${UNDERSTUDY_FUZZ_SECONDS} -timeout=20 -rss_limit_mb=2048
    -print_final_stats=1 -artifact_prefix=${CMAKE_BINARY_DIR}/fuzz/${name}-)
  set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT ${limit})
endfunction()
