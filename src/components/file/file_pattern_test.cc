#include "components/file/file_pattern.h"

#include <catch2/catch.hpp>
#include <string>

#include "io/memory_file_system.h"

namespace colloquium::components {
namespace {

struct Tree {
  Tree() {
    for (const char* folder : {"logs", "logs/a", "logs/a/b", "logs/.hidden"}) REQUIRE(fs.make_directories(folder));
    for (const char* file : {"logs/x.log", "logs/y.log", "logs/y.log.1", "logs/.z.log", "logs/a/x.log",
                             "logs/a/b/x.log", "logs/.hidden/x.log"}) {
      REQUIRE(fs.open(file, io::OpenMode::kCreate));
    }
  }
  std::string list(const std::string& pattern) const {
    std::string out;
    failures.clear();
    for (const FoundFile& found : FilePattern(pattern).list(fs, failures))
      out += (out.empty() ? "" : " ") + found.path;
    return out;
  }
  io::MemoryFileSystem fs;
  mutable std::vector<Error> failures;
};

}  // namespace

TEST_CASE("a pattern finds regular files, in order") {
  const Tree t;
  CHECK(t.list("logs/x.log") == "logs/x.log");
  CHECK(t.list("logs") == "logs/x.log logs/y.log logs/y.log.1");
  CHECK(t.list("logs/*.log") == "logs/x.log logs/y.log");
  CHECK(t.list("logs/?.log*") == "logs/x.log logs/y.log logs/y.log.1");
  CHECK(t.list("logs/[x].log") == "logs/x.log");
  CHECK(t.list("logs/*/x.log") == "logs/a/x.log");
  CHECK(t.list("logs/**/x.log") == "logs/a/b/x.log logs/a/x.log logs/x.log");
  CHECK(t.list("logs/.*.log") == "logs/.z.log");
  CHECK(t.list("nothing/*").empty());
  CHECK(t.list("missing").empty());
  CHECK(t.failures.empty());
}

TEST_CASE("a folder that cannot be listed is told, and the others are listed") {
  Tree t;
  t.fs.set_open_hook([](const std::string& path) -> std::optional<Error> {
    if (path != "logs/a/b") return std::nullopt;
    return Error{ErrorCode::kPermission, "no right", false, {}};
  });
  CHECK(t.list("logs/**/x.*") == "logs/a/x.log logs/x.log");
  REQUIRE(t.failures.size() == 1);
  CHECK(t.failures[0].message == "no right");
}

}  // namespace colloquium::components
