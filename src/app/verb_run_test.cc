// Runs of the whole process inside the test: loop, workers, log thread and all.
#include <catch2/catch.hpp>

#include "app/foundation.h"
#include "app/testing/verb_runner.h"
#include "base/logging.h"
#include "log/data_directory.h"

namespace colloquium::app {
namespace {

constexpr const char* kCopy =
    "name: copy\n"
    "sources: [{file: {path: in.ndjson}}]\n"
    "stages: [{filter: [\">\", [\"$input\", /n], 1]}]\n"
    "sinks: [{file: {path: out.ndjson}}]\n";

// Lines of the process's log while it lives.
class LogLines {
 public:
  LogLines() {
    set_log_writer([this](std::string_view line) { text_ += std::string(line) + "\n"; });
  }
  ~LogLines() { set_log_writer(nullptr); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct Copying {
  VerbRunner verbs;
  LogLines log;

  Copying() {
    verbs.write("p.yaml", kCopy);
    verbs.write("in.ndjson", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
  }
  VerbResult run(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"run",     verbs.path("p.yaml"), "--data-dir", verbs.path("data"),
                                       "--admin", "127.0.0.1:0",        "--workers",  "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return verbs.run(arguments);
  }
};

TEST_CASE("a finite pipeline runs to its end, is committed, and is done the second time [REQ-008]") {
  Copying f;
  VerbResult result = f.run();
  INFO(result.err << f.log.text());
  CHECK(result.exit == Exit::kDone);
  CHECK(f.verbs.read("out.ndjson") == "{\"n\":2}\n{\"n\":3}\n");
  CHECK(contains(f.log.text(), "copy: file -> file: exactly once"));
  CHECK(contains(f.log.text(), "fdatasync"));
  CHECK(contains(f.log.text(), "admin on http://127.0.0.1:"));
  CHECK(contains(f.log.text(), "every source is read to its end"));
  CHECK(f.run().exit == Exit::kDone);
  CHECK(f.verbs.read("out.ndjson") == "{\"n\":2}\n{\"n\":3}\n");
  CHECK(f.run({"--from-start"}).exit == Exit::kDone);
  CHECK(f.verbs.read("out.ndjson") == "{\"n\":2}\n{\"n\":3}\n{\"n\":2}\n{\"n\":3}\n");
}

TEST_CASE("what ran can be looked at: ls, cat and verify") {
  Copying f;
  REQUIRE(f.run().exit == Exit::kDone);
  const std::string data = f.verbs.path("data");
  VerbResult result = f.verbs.run({"log", "ls", "--data-dir", data});
  CHECK(result.exit == Exit::kDone);
  CHECK(contains(result.out, "copy.dead"));
  result = f.verbs.run({"log", "cat", "copy", "--data-dir", data});
  CHECK(result.out == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
  result = f.verbs.run({"log", "cat", "copy", "--data-dir", data, "--format", "full"});
  CHECK(contains(result.out, "\"source\":\"file\""));
  CHECK(contains(result.out, "\"value\":{\"n\":3}}\n"));
  CHECK(f.verbs.run({"log", "cat", "copy", "--data-dir", data, "--from", "2900-01-01"}).out.empty());
  CHECK(f.verbs.run({"log", "cat", "copy", "--data-dir", data, "--to", "1"}).out == "{\"n\":1}\n");
  result = f.verbs.run({"log", "verify", "--data-dir", data});
  CHECK(result.exit == Exit::kDone);
  // Events are what was put in: not what the log notes for itself.
  CHECK(contains(result.out, "3 events in 1 batch of 2 partitions, and the commit journal; "));
  CHECK(contains(result.out, ": 0 problems\n"));
}

TEST_CASE("what cannot be looked at is refused") {
  Copying f;
  for (const auto& arguments :
       {std::vector<std::string>{"log", "ls"}, {"log", "cat", "copy"}, {"log", "verify"}}) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"--data-dir", f.verbs.path("data")});
    const VerbResult result = f.verbs.run(all);
    CHECK(result.exit == Exit::kRefused);
    CHECK(contains(result.err, "there is no data directory at '" + f.verbs.path("data") + "'"));
  }
  REQUIRE(f.run().exit == Exit::kDone);
  const auto refused = [&](std::vector<std::string> more, const std::string& message) {
    more.insert(more.begin(), {"log", "cat", "--data-dir", f.verbs.path("data")});
    const VerbResult result = f.verbs.run(more);
    CHECK(result.exit == Exit::kRefused);
    CHECK(contains(result.err, message));
  };
  refused({"cpoy"}, "did you mean 'copy'?");
  refused({"copy", "--partition", "1"}, "--partition 1");
  refused({"copy", "--partition", "x"}, "--partition x");
  refused({"copy", "--from", "tomorrow"}, "--from takes an offset, or a time");
  refused({"copy", "--to", "-1"}, "--to takes an offset, or a time");
}

TEST_CASE("a folder with somebody else's files is refused as data directory and left as it is") {
  Copying f;
  f.verbs.write("data/thesis.txt", "years of work");
  const VerbResult result = f.run();
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, "'" + f.verbs.path("data") + "' is no data directory"));
  CHECK(contains(result.err, "thesis.txt"));
  const auto names = io::posix_file_system().list(f.verbs.path("data"));
  REQUIRE(names.has_value());
  CHECK(*names == std::vector<std::string>{"thesis.txt"});
}

TEST_CASE("a dry run prints the number of workers that would be used") {
  Copying f;
  const auto workers = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"run", f.verbs.path("p.yaml"), "--dry-run"};
    all.insert(all.end(), more.begin(), more.end());
    return f.verbs.run(all).out;
  };
  CHECK(contains(workers({}), "workers: " + std::to_string(default_workers()) + " (default)"));
  CHECK(contains(workers({"--workers", "0"}), "workers: " + std::to_string(default_workers()) + " (--workers)"));
  CHECK(contains(workers({"--workers", "7"}), "workers: 7 (--workers)"));
}

TEST_CASE("a data directory that is held is refused, and so is one of another version") {
  Copying f;
  {
    const auto lock = log::lock_data_directory(io::posix_file_system(), f.verbs.path("data"), "127.0.0.1:1");
    REQUIRE(lock.has_value());
    const VerbResult result = f.run();
    CHECK(result.exit == Exit::kRefused);
    CHECK(contains(result.err, "in use by process"));
    CHECK(contains(result.err, "127.0.0.1:1"));
  }
  f.verbs.write("data/FORMAT", "rubbish\n");
  CHECK(f.run().exit == Exit::kRefused);
}

TEST_CASE("log: off with a source that cannot be read again needs no data directory") {
  VerbRunner verbs;
  const LogLines log;
  const std::string file = verbs.write("p.yaml", "log: off\nsources: [{stdin: {}}]\nsinks: [{stdout: {}}]\n");
  const VerbResult result = verbs.run({"run", file, "--dry-run", "--data-dir", verbs.path("data")});
  CHECK(result.exit == Exit::kDone);
  CHECK_FALSE(io::posix_file_system().info(verbs.path("data")).has_value());
}

TEST_CASE("an http source without a port to listen on is refused, and nothing stays running") {
  VerbRunner verbs;
  const LogLines log;
  const std::string file = verbs.write("p.yaml", "sources: [{http: {path: /in}}]\nsinks: [{file: {path: o}}]\n");
  const VerbResult result =
      verbs.run({"run", file, "--data-dir", verbs.path("data"), "--listen", "off", "--admin", "off"});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, "--listen"));
  // The directory is free again.
  CHECK(log::lock_data_directory(io::posix_file_system(), verbs.path("data"), "").has_value());
}

TEST_CASE("settings and flags that are wrong are refused before anything is made") {
  Copying f;
  const auto refused = [&](std::vector<std::string> more, const std::string& message) {
    const VerbResult result = f.run(std::move(more));
    CHECK(result.exit == Exit::kRefused);
    CHECK(contains(result.err, message));
  };
  refused({"--set", "wrkers=1"}, "did you mean 'workers'?");
  refused({"--set", "workers"}, "--set takes KEY=VALUE");
  refused({"--log-level", "loud"}, "log_level");
  refused({"--listen", "here"}, "listen must be an address");
  refused({"--env", "nowhere"}, "colloquium.nowhere.yaml");
  CHECK_FALSE(io::posix_file_system().info(f.verbs.path("data")).has_value());
}

}  // namespace
}  // namespace colloquium::app
