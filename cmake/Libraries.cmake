# Third-party libraries: Debian's packages (packaging/deps), nothing vendored, nothing fetched.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# colloquium_library(NAME PKG...) makes an imported target lib::NAME from pkg-config modules.
function(colloquium_library name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(lib::${name} ALIAS PkgConfig::${name})
endfunction()

colloquium_library(uv libuv)
colloquium_library(lz4 liblz4)
colloquium_library(zstd libzstd)
colloquium_library(zlib zlib)
colloquium_library(xxhash libxxhash)
colloquium_library(isal libisal)
colloquium_library(re2 re2)
colloquium_library(utf8proc libutf8proc)
colloquium_library(crypto libcrypto)

if(NOT COLLOQUIUM_CORE_ONLY)
  colloquium_library(curl libcurl)
  colloquium_library(ssl libssl libcrypto)
  colloquium_library(nghttp2 libnghttp2)
  colloquium_library(yaml yaml-cpp)
  colloquium_library(edit libedit)
  colloquium_library(pq libpq)
  colloquium_library(rdkafka rdkafka)
  # Debian's packages come without pkg-config files.
  find_path(PAHO_INCLUDE mqtt/async_client.h REQUIRED)
  find_library(PAHO_CPP_LIBRARY paho-mqttpp3 REQUIRED)
  find_library(PAHO_C_LIBRARY paho-mqtt3as REQUIRED)
  add_library(lib_paho INTERFACE)
  target_include_directories(lib_paho SYSTEM INTERFACE ${PAHO_INCLUDE})
  target_link_libraries(lib_paho INTERFACE ${PAHO_CPP_LIBRARY} ${PAHO_C_LIBRARY})
  add_library(lib::paho ALIAS lib_paho)
  find_package(prometheus-cpp REQUIRED COMPONENTS core)
  add_library(lib_prometheus INTERFACE)
  target_link_libraries(lib_prometheus INTERFACE prometheus-cpp::core)
  add_library(lib::prometheus ALIAS lib_prometheus)
  find_path(HTTP_PARSER_INCLUDE http_parser.h REQUIRED)
  find_library(HTTP_PARSER_LIBRARY http_parser REQUIRED)
  add_library(lib_http_parser INTERFACE)
  target_include_directories(lib_http_parser SYSTEM INTERFACE ${HTTP_PARSER_INCLUDE})
  target_link_libraries(lib_http_parser INTERFACE ${HTTP_PARSER_LIBRARY})
  add_library(lib::http_parser ALIAS lib_http_parser)
endif()

find_package(date REQUIRED)
add_library(lib_tz INTERFACE)
target_link_libraries(lib_tz INTERFACE date::date-tz)
add_library(lib::tz ALIAS lib_tz)

find_package(simdjson REQUIRED)
add_library(lib_simdjson INTERFACE)
target_link_libraries(lib_simdjson INTERFACE simdjson::simdjson)
add_library(lib::simdjson ALIAS lib_simdjson)

find_package(spdlog REQUIRED)
add_library(lib_spdlog INTERFACE)
target_link_libraries(lib_spdlog INTERFACE spdlog::spdlog)
add_library(lib::spdlog ALIAS lib_spdlog)

# Header only, on the default include path: nlohmann/json, tl::expected, CLI11.

if(COLLOQUIUM_TESTS)
  find_package(Catch2 2 REQUIRED)
endif()
