#include "components/file/many_files_source.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/logging.h"
#include "io/compress.h"
#include "io/memory_file_system.h"
#include "loop/test_loop.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

formats::SourceFormatSetting format(const std::string& name) {
  formats::SourceFormatSetting setting;
  ConfigProblems none;
  ConfigNode node;
  node.kind = ConfigNode::Kind::kString;
  node.text = name;
  ConfigType<formats::SourceFormatSetting>::describe("format", {}).read(node, "format", &setting, none);
  REQUIRE(none.empty());
  return setting;
}

// What is stored for each part, over several runs.
using Stored = std::map<std::string, std::string>;

class Run {
 public:
  Run(io::FileSystem& fs, FileSourceConfig config, Stored stored = {}, bool from_start = false,
      const std::string& held = "") {
    SourceContext context{{loop, clock, random, services, "p", "in", ""},
                          intake,
                          from_start,
                          [this] { ++finished; },
                          [this](Error error) { failure = std::move(error); }};
    source = std::make_unique<ManyFilesSource>(std::move(context), config, fs);
    for (const auto& [name, cursor] : stored) part(name).cursor = cursor;
    if (!held.empty()) part(held).hold();
    REQUIRE(source->start(""));
    loop.run_until_idle();
  }
  ~Run() {
    bool closed = false;
    source->close([&] { closed = true; });
    loop.run_until_idle();
    CHECK(closed);
  }
  // Some looks later.
  void later(int64_t ms = 1000) {
    for (int64_t passed = 0; passed < ms; passed += 50) loop.advance(50);
  }
  // All that was accepted, file after file in order of their parts.
  std::string accepted() const {
    std::string out;
    for (const auto& [name, part] : intake.parts) {
      if (!part->accepted.empty()) out += (out.empty() ? "" : "|") + part->accepted;
    }
    return out;
  }
  Stored stored() const {
    Stored out;
    for (const auto& [name, part] : intake.parts) {
      if (!part->cursor.empty()) out[name] = part->cursor;
    }
    return out;
  }
  size_t parts() const { return stored().size(); }
  FakeIntake& part(const std::string& name) { return static_cast<FakeIntake&>(intake.part(name)); }

  ManualClock clock;
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{clock};
  FakeIntake intake{loop};
  int finished = 0;
  std::optional<Error> failure;
  std::unique_ptr<ManyFilesSource> source;
};

struct Fixture {
  Fixture() {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
    REQUIRE(fs.make_directories("in"));
  }
  ~Fixture() { set_log_writer(nullptr); }
  void append(const std::string& name, std::string_view content) {
    auto file = fs.open("in/" + name, io::OpenMode::kOpenOrCreate).value();
    REQUIRE(file->write_at(file->info()->size, content));
  }
  void cut(const std::string& name) {
    REQUIRE(fs.open("in/" + name, io::OpenMode::kReadWrite).value()->truncate(0));
  }
  void rename(const std::string& from, const std::string& to) { REQUIRE(fs.rename("in/" + from, "in/" + to)); }
  void copy(const std::string& from, const std::string& to) {
    append(to, io::read_file(fs, "in/" + from, 1 << 20).value());
  }
  io::MemoryFileSystem fs;
  std::string log;
};

FileSourceConfig config_for(const std::string& path, bool follow) {
  FileSourceConfig config;
  config.path = path;
  config.follow = follow;
  return config;
}

// Numbered, and long enough to be known by the first of them.
std::string line(int n) {
  return "{\"line\":" + std::to_string(1'000'000 + n) + "}\n";
}
std::string lines(int from, int to) {
  std::string out;
  for (int n = from; n < to; ++n) out += line(n);
  return out;
}

}  // namespace

TEST_CASE("the files of a folder are read once, each with a cursor of its own", "[REQ-004]") {
  Fixture f;
  f.append("a", lines(0, 10));
  f.append("b", lines(20, 30));
  f.append("short", "1\n");
  f.append("empty", "");
  Stored stored;
  {
    Run run(f.fs, config_for("in", false));
    CHECK(run.finished == 1);
    stored = run.stored();
    CHECK(run.parts() == 3);
    std::string all = run.accepted();
    CHECK(all.size() == 20 * line(0).size() + 2 + 2);
  }
  f.append("c", lines(40, 41));
  f.append("b", lines(30, 31));
  Run again(f.fs, config_for("in", false), stored);
  CHECK(again.finished == 1);
  CHECK_THAT(again.accepted(), Catch::Contains(line(40)) && Catch::Contains(line(30)));
  CHECK(again.accepted().size() == 2 * line(0).size() + 1);
  CHECK_THAT(f.log, Catch::Contains("read to its end before"));
}

TEST_CASE("a renamed or copied file is the one it was", "[REQ-004]") {
  Fixture f;
  f.append("a", lines(0, 10));
  Stored stored;
  {
    Run run(f.fs, config_for("in/*", false));
    stored = run.stored();
  }
  f.rename("a", "z");
  f.copy("z", "copy");
  f.append("z", lines(10, 12));
  Run again(f.fs, config_for("in/*", false), stored);
  CHECK(again.accepted() == lines(10, 12));
  CHECK(again.finished == 1);
}

TEST_CASE("from the start every file is read again, at higher positions") {
  Fixture f;
  f.append("a", lines(0, 3));
  Stored stored;
  {
    Run run(f.fs, config_for("in/*", false));
    stored = run.stored();
  }
  Run again(f.fs, config_for("in/*", false), stored, true);
  CHECK(again.accepted() == lines(0, 3));
  for (const auto& [name, part] : again.intake.parts) {
    for (const RawBatch& batch : part->emitted) CHECK(batch.position > 1000);
  }
}

TEST_CASE("files that begin with the same bytes are told apart", "[REQ-004]") {
  Fixture f;
  const std::string head(2000, ' ');
  f.append("a", head + "\n1\n");
  f.append("b", head + "\n2\n");
  Stored stored;
  {
    Run run(f.fs, config_for("in/*", false));
    CHECK(run.finished == 1);
    CHECK(run.parts() == 2);
    stored = run.stored();
  }
  Run again(f.fs, config_for("in/*", false), stored);
  CHECK(again.accepted().empty());
}

TEST_CASE("a followed file is read as it grows, in whole lines", "[REQ-004]") {
  Fixture f;
  Run run(f.fs, config_for("in/a", true));
  CHECK(run.finished == 0);
  f.append("a", lines(0, 2) + "{\"half\"");
  run.later();
  CHECK(run.accepted() == lines(0, 2));
  f.append("a", ":1}\n" + line(2));
  run.later();
  CHECK(run.accepted() == lines(0, 2) + "{\"half\":1}\n" + line(2));
  CHECK(run.parts() == 1);
  CHECK(run.finished == 0);
}

TEST_CASE("a file that is renamed is read to its end, and so is the new one", "[REQ-004]") {
  Fixture f;
  const bool in_sight = GENERATE(true, false);
  f.append("app.log", lines(0, 5));
  Run run(f.fs, config_for(in_sight ? "in/app.log*" : "in/app.log", true));
  run.later();
  f.append("app.log", lines(5, 6));
  f.rename("app.log", "app.log.1");
  f.append("app.log", lines(100, 102));
  run.later();
  // Its writer may not know yet.
  f.append("app.log.1", lines(6, 7));
  run.later();
  f.append("app.log", lines(102, 103));
  run.later(10'000);
  const std::string got = run.accepted();
  CHECK(got.size() == 10 * line(0).size() + 1);
  CHECK_THAT(got, Catch::Contains(lines(0, 7)) && Catch::Contains(lines(100, 103)));
}

TEST_CASE("a file that is copied and cut is read on, and what was not read yet is read from the copy",
          "[REQ-004]") {
  Fixture f;
  f.append("app.log", lines(0, 5));
  Run run(f.fs, config_for("in/app.log*", true));
  run.later();
  f.append("app.log", lines(5, 7));
  f.copy("app.log", "app.log.1");
  f.cut("app.log");
  f.append("app.log", lines(100, 101));
  run.later(3000);
  f.append("app.log", lines(101, 120));
  run.later(3000);
  const std::string got = run.accepted();
  CHECK_THAT(got, Catch::Contains(lines(0, 7)) && Catch::Contains(lines(100, 120)));
  CHECK(got.size() == 27 * line(0).size() + 1);
}

TEST_CASE("a removed file is read to its end, its last line too", "[REQ-004]") {
  Fixture f;
  f.append("a", lines(0, 3) + "{\"no\":\"line break\"}");
  Run run(f.fs, config_for("in/a", true));
  run.later();
  CHECK(run.accepted() == lines(0, 3));
  REQUIRE(f.fs.remove("in/a"));
  run.later(8000);
  CHECK(run.accepted() == lines(0, 3) + "{\"no\":\"line break\"}");
}

TEST_CASE("after a restart each file goes on behind what was accepted", "[REQ-004]") {
  Fixture f;
  f.append("a", lines(0, 5));
  Stored stored;
  {
    Run run(f.fs, config_for("in/*", true));
    run.later();
    stored = run.stored();
  }
  f.append("a", lines(5, 7));
  f.rename("a", "b");
  f.append("a", lines(50, 52));
  Run again(f.fs, config_for("in/*", true), stored);
  again.later();
  CHECK(again.accepted().size() == 4 * line(0).size() + 1);
  CHECK_THAT(again.accepted(), Catch::Contains(lines(5, 7)) && Catch::Contains(lines(50, 52)));
}

TEST_CASE("a file that rested is opened again when it grows, and only so many are open at a time") {
  Fixture f;
  FileSourceConfig config = config_for("in/*", true);
  config.max_open_files = 2;
  for (int i = 0; i < 6; ++i) f.append("file-" + std::to_string(i), lines(100 * i, 100 * i + 2));
  Run run(f.fs, config);
  run.later(5000);
  CHECK(run.accepted().size() == 12 * line(0).size() + 5);
  for (int i = 0; i < 6; ++i) f.append("file-" + std::to_string(i), line(100 * i + 2));
  run.later(5000);
  CHECK(run.accepted().size() == 18 * line(0).size() + 5);
  CHECK(run.parts() == 6);
}

TEST_CASE("several lines make an event, the last of them when nothing came for a while", "[REQ-004]") {
  Fixture f;
  FileSourceConfig config = config_for("in/*", true);
  config.format = format("text");
  config.multiline = MultilineConfig{"^2026", Duration{2000}};
  config.start = formats::StartPattern::create("^2026").value();
  f.append("a", "2026 one\n  at x\n2026 two\n  at y\n");
  Run run(f.fs, config);
  run.later(1000);
  CHECK(run.accepted() == "2026 one\n  at x\n");
  run.later(3000);
  CHECK(run.accepted() == "2026 one\n  at x\n2026 two\n  at y\n");
  const RawBatch& batch = run.intake.parts.begin()->second->emitted.front();
  std::string_view rest = *batch.body;
  std::string_view record;
  REQUIRE(batch.decoder->next(rest, record));
  CHECK(record == "2026 one\n  at x");
}

TEST_CASE("a file that was read before it was compressed goes on where it was", "[REQ-004]") {
  Fixture f;
  f.append("app.log", lines(0, 500));
  Run run(f.fs, config_for("in/*", true));
  run.later();
  f.append("app.log", lines(500, 510));
  const std::string content = io::read_file(f.fs, "in/app.log", 1 << 20).value();
  std::string packed;
  const auto codec = GENERATE(io::Compression::kGzip, io::Compression::kZstd);
  REQUIRE(io::Compressor().compress(codec, content, packed));
  // It comes in pieces, and the original goes.
  f.append("app.log.1", std::string_view(packed).substr(0, packed.size() / 2));
  run.later(500);
  f.append("app.log.1", std::string_view(packed).substr(packed.size() / 2));
  REQUIRE(f.fs.remove("in/app.log"));
  run.later(9000);
  CHECK(run.accepted() == lines(0, 510));
}

TEST_CASE("compressed files are read once", "[REQ-004]") {
  Fixture f;
  std::string packed;
  REQUIRE(io::Compressor().compress(io::Compression::kGzip, lines(0, 100), packed));
  f.append("a.gz", packed);
  f.append("damaged.gz", packed.substr(0, 100));
  Stored stored;
  {
    Run run(f.fs, config_for("in", false));
    CHECK(run.accepted() == lines(0, 100));
    CHECK(run.finished == 0);
    REQUIRE(run.failure);
    CHECK_THAT(run.failure->message, Catch::Contains("damaged.gz") && Catch::Contains("not complete"));
    stored = run.stored();
  }
  REQUIRE(f.fs.remove("in/damaged.gz"));
  Run again(f.fs, config_for("in", false), stored);
  CHECK(again.accepted().empty());
  CHECK(again.finished == 1);
  CHECK_FALSE(again.failure);
}

TEST_CASE("what cannot be read fails the run that has to end, once all else is read", "[REQ-004]") {
  Fixture f;
  FileSourceConfig config = config_for("in/**/*.csv", false);
  config.format = format("csv");
  REQUIRE(f.fs.make_directories("in/locked"));
  f.append("a.csv", "\"name,number\nanna,1\n");  // the quote is never closed
  f.append("forbidden.csv", "name\nx\n");
  f.append("last.csv", "name\nbea\n");
  f.fs.set_open_hook([](const std::string& path) -> std::optional<Error> {
    if (!path.ends_with("forbidden.csv") && !path.ends_with("locked")) return std::nullopt;
    return Error{ErrorCode::kPermission, "cannot open '" + path + "': no right", false, {}};
  });
  Run run(f.fs, config);
  CHECK(run.accepted() == "bea\n");
  CHECK(run.finished == 0);
  REQUIRE(run.failure);
  CHECK_THAT(run.failure->message, Catch::Contains("3 files or folders were not read"));
  for (const char* name : {"'in/a.csv'", "'in/forbidden.csv'", "'in/locked'"}) {
    CHECK_THAT(run.failure->message, Catch::Contains(name));
  }
}

TEST_CASE("files wait for descriptors, and none is left out for want of them", "[REQ-004]") {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.append("file-" + std::to_string(i), lines(100 * i, 100 * i + 2));
  size_t refusals = 3;
  f.fs.set_open_hook([&](const std::string& path) -> std::optional<Error> {
    if (!path.starts_with("in") || refusals == 0) return std::nullopt;
    --refusals;
    return Error{ErrorCode::kUnavailable, "no descriptor is left", true, {}};
  });
  Run run(f.fs, config_for("in", false));
  run.later(5000);
  CHECK(refusals == 0);
  CHECK(run.accepted().size() == 10 * line(0).size() + 4);
  CHECK(run.finished == 1);
  CHECK_FALSE(run.failure);
}

TEST_CASE("a file that begins as one does that is being read is read behind it", "[REQ-004]") {
  Fixture f;
  const std::string head(2000, ' ');
  f.append("a", head + "\n1\n");
  f.append("b", head + "\n2\n");
  f.append("c", head + "\n1\n3\n");
  Run run(f.fs, config_for("in", false), {}, false, part_names(head.substr(0, 1024)).front());
  CHECK(run.finished == 0);
  while (run.finished == 0) {
    FakeIntake& first = run.part(part_names(head.substr(0, 1024)).front());
    REQUIRE(first.under_way() > 0);
    first.accept();
    run.loop.run_until_idle();
  }
  const std::string got = run.accepted();
  CHECK_THAT(got, Catch::Contains("\n1\n3\n") && Catch::Contains("\n2\n"));
}

TEST_CASE("every CSV file has a header of its own") {
  Fixture f;
  FileSourceConfig config = config_for("in/*.csv", false);
  config.format = format("csv");
  f.append("a.csv", "name,number\nanna,1\n");
  f.append("b.csv", "number,name\n2,bea\n");
  Run run(f.fs, config);
  std::vector<std::string> events;
  for (const auto& [name, part] : run.intake.parts) {
    for (const RawBatch& batch : part->emitted) {
      std::vector<char> json;
      CHECK_FALSE(batch.decoder->decode(batch.body->substr(0, batch.body->size() - 1), json));
      events.emplace_back(json.begin(), json.end());
      CHECK(batch.position == 12);
    }
  }
  std::sort(events.begin(), events.end());
  CHECK(events == std::vector<std::string>{R"({"name":"anna","number":"1"})", R"({"number":"2","name":"bea"})"});
}

TEST_CASE("a source with many files stops while something is under way") {
  Fixture f;
  f.append("a", lines(0, 5));
  Run run(f.fs, config_for("in/*", true));
  f.append("a", lines(5, 6));
  run.loop.advance(250);
  run.source->stop_intake();
  const std::string before = run.accepted();
  f.append("a", lines(6, 7));
  run.later();
  CHECK(run.accepted() == before);
}

}  // namespace colloquium::components
