// Copies of a data directory in memory, so that each of many damages starts from the same state. For tests.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "io/memory_file_system.h"
#include "io/path.h"

namespace colloquium::log {

// Everything below `path`, durable in `to`.
inline void copy_files(const io::FileSystem& from, io::MemoryFileSystem& to, const std::string& path) {
  REQUIRE(to.make_directories(path));
  const auto names = from.list(path);
  REQUIRE(names);
  for (const std::string& name : *names) {
    const std::string inside = io::join(path, name);
    if (from.info(inside)->is_directory) {
      copy_files(from, to, inside);
      continue;
    }
    const auto content = io::read_file(from, inside, size_t{1} << 30);
    REQUIRE(content);
    auto file = to.open(inside, io::OpenMode::kOpenOrCreate);
    REQUIRE(file);
    REQUIRE((*file)->truncate(0));
    REQUIRE((*file)->write_at(0, *content));
    REQUIRE((*file)->sync());
  }
  REQUIRE(to.sync_directory(path));
}

// The paths of all files below `path`.
inline std::vector<std::string> files_below(const io::FileSystem& fs, const std::string& path) {
  std::vector<std::string> all;
  const std::vector<std::string> names = *fs.list(path);
  for (const std::string& name : names) {
    const std::string inside = io::join(path, name);
    if (fs.info(inside)->is_directory) {
      for (std::string& file : files_below(fs, inside)) all.push_back(std::move(file));
    } else {
      all.push_back(inside);
    }
  }
  return all;
}

// Every file below `path` with its content, in one text: to see that nothing was changed.
inline std::string all_bytes(const io::FileSystem& fs, const std::string& path) {
  std::string all;
  const std::vector<std::string> names = *fs.list(path);
  for (const std::string& name : names) {
    const std::string inside = io::join(path, name);
    all += inside + "\n";
    all += fs.info(inside)->is_directory ? all_bytes(fs, inside) : *io::read_file(fs, inside, size_t{1} << 30);
  }
  return all;
}

}  // namespace colloquium::log
