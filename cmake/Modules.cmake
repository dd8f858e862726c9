# How a folder of src/ becomes a library and a test program.
if(COLLOQUIUM_TESTS)
  include(Catch)
endif()

# colloquium_module(NAME
#   SOURCES a.cc …      the library colloquium_NAME
#   MODULES base io …   folders it includes (the folder table of docs/ARCHITECTURE.md; a test checks it)
#   LIBS lib::uv …      third-party libraries
#   TESTS a_test.cc …   test program NAME_test, run by ctest case by case
#   THREAD_TESTS …      of TESTS, those that have several threads, if few do, or `none`: ThreadSanitizer looks at these
#   TEST_MODULES … TEST_LIBS …)  what only the tests need
function(colloquium_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;MODULES;LIBS;TESTS;THREAD_TESTS;TEST_MODULES;TEST_LIBS" ${ARGN})
  set(target colloquium_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM ARG_MODULES PREPEND colloquium_)
  target_link_libraries(${target} PUBLIC ${ARG_MODULES} ${ARG_LIBS})
  if(ARG_THREAD_TESTS AND COLLOQUIUM_SANITIZE MATCHES "thread")
    set(ARG_TESTS ${ARG_THREAD_TESTS})
    list(REMOVE_ITEM ARG_TESTS none)
  endif()
  if(COLLOQUIUM_TESTS AND ARG_TESTS)
    list(TRANSFORM ARG_TEST_MODULES PREPEND colloquium_)
    colloquium_test(${name}_test SOURCES ${ARG_TESTS} LIBS ${target} ${ARG_TEST_MODULES} ${ARG_TEST_LIBS})
  endif()
endfunction()

# colloquium_test(NAME SOURCES … LIBS … [LABELS …] [TIMEOUT s])
# A Catch2 program over one precompiled catch.hpp, without optimisation and without the checks of undefined
# behaviour: the template-heavy test code compiles several times as fast so, and what it tests is still the library
# as it is shipped or sanitized (but for what headers define, where the linker may take the tests' copy). Where a
# sanitizer makes the start of a program slow, ctest runs it once for each source and not for each case. A test that
# cannot run here says so with SKIP_TEST (tests/skip.h) and counts as skipped; a return code would not do for that,
# because Catch2's is the number of failed assertions. What a sanitizer says behind the last line is no skip.
set(colloquium_skipped "SKIPPED: .*(All tests passed .[0-9a-z ]*.|assertions: - none -)[^0-9A-Za-z]*$")
function(colloquium_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 400)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT TARGET colloquium_test_pch)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch.cc CONTENT "")  # written only if it changed
    add_library(colloquium_test_pch STATIC ${PROJECT_BINARY_DIR}/pch.cc)
    target_compile_options(colloquium_test_pch PUBLIC $<$<CONFIG:Release>:-O0>)
    if(COLLOQUIUM_SANITIZE)
      target_compile_options(colloquium_test_pch PUBLIC -O0 -fno-sanitize=undefined)
    endif()
    target_precompile_headers(colloquium_test_pch PRIVATE <catch2/catch.hpp>)
    target_link_libraries(colloquium_test_pch PUBLIC Catch2::Catch2WithMain Threads::Threads)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE colloquium_test_pch ${ARG_LIBS})
  target_precompile_headers(${name} REUSE_FROM colloquium_test_pch)
  if(NOT COLLOQUIUM_SANITIZE)
    catch_discover_tests(${name} TEST_PREFIX "${name}: "
      PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}" SKIP_REGULAR_EXPRESSION "${colloquium_skipped}")
    return()
  endif()
  set(others "~[.]")
  foreach(source IN LISTS ARG_SOURCES)
    # The cases of a source are its own or those of a suite that it includes.
    file(STRINGS ${source} cases REGEX "^(TEMPLATE_)?TEST_CASE\\(" LIMIT_COUNT 1)
    file(STRINGS ${source} suite REGEX "^#include \"tests/compliance/.*_contract\\.h\"" LIMIT_COUNT 1)
    if(suite)
      string(REGEX REPLACE ".*/(.*)\\.h.*" "\\1" stem "${suite}")
    else()
      get_filename_component(stem ${source} NAME_WLE)
    endif()
    if(cases OR suite)
      string(APPEND others "~[#${stem}]")
      add_test(NAME "${name}: ${stem}" COMMAND ${name} --filenames-as-tags "[#${stem}]~[.]")
      set_tests_properties("${name}: ${stem}" PROPERTIES TIMEOUT 900 LABELS "${ARG_LABELS}"
        SKIP_REGULAR_EXPRESSION "${colloquium_skipped}" FAIL_REGULAR_EXPRESSION "No test cases matched")
    endif()
  endforeach()
  # Its exit status is how many it lists.
  add_test(NAME "${name}: no case is left out"
    COMMAND ${name} --filenames-as-tags --list-test-names-only "${others}")
endfunction()
