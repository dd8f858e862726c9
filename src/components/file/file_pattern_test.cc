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
    for (const FoundFile& found : FilePattern(pattern).list(fs)) out += (out.empty() ? "" : " ") + found.path;
    return out;
  }
  io::MemoryFileSystem fs;
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
}

}  // namespace colloquium::components
