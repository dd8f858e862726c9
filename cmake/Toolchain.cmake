# Compiler, linker, warnings: the same for every target.

find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header is only cached if ccache may ignore its time stamp. In the launcher, not in ENV{}:
  # that would hold while configuring only.
  set(launcher env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

find_program(MOLD mold)
find_program(LLD ld.lld)
if(MOLD)
  add_link_options(-fuse-ld=mold)
elseif(LLD)
  add_link_options(-fuse-ld=lld)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -Werror)
if(COLLOQUIUM_SANITIZE)
  add_compile_options(-fsanitize=${COLLOQUIUM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${COLLOQUIUM_SANITIZE})
endif()
# With optimisation GCC 12 sees uninitialised reads behind std::optional where there are none.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(optimised "-g1 -Wno-maybe-uninitialized")
else()
  set(optimised "-g1")
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 ${optimised}")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
if(COLLOQUIUM_SANITIZE)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 ${optimised}")  # without optimisation the sanitizers' tests take five times as long
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
