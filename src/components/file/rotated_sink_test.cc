// FileSink with `rotate`: files that are finished one after the other.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/logging.h"
#include "components/file/file_sink.h"
#include "io/memory_file_system.h"
#include "loop/test_loop.h"

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

FileSinkConfig config_for(const std::string& path) {
  FileSinkConfig config;
  config.path = path;
  config.rotate.emplace();
  config.mark = {nullptr, 1, 1};
  return config;
}

// One run of a sink.
class Run {
 public:
  Run(io::FileSystem& fs, const FileSinkConfig& config, ManualClock& clock)
      : loop(clock),
        sink({loop, clock, random, services, "p", "out", ""}, config, fs,
             formats::BatchText::create(*config.format.format, nullptr).value()) {}
  ~Run() {
    if (!closed) close();
  }
  bool begin(const std::string& token = "") { return sink.restore(token) && sink.start(); }
  // Whether all of it was written.
  bool write(const std::vector<std::string>& values) {
    bool answered = false;
    sink.write(batch_of(values), [&](std::vector<EventOutcome> got) {
      answered = true;
      outcomes = std::move(got);
    });
    loop.run_until_idle();
    return answered && std::none_of(outcomes.begin(), outcomes.end(),
                                    [](const EventOutcome& one) { return one.outcome == Outcome::kRetry; });
  }
  Result<std::string> token() {
    Result<std::string> got = fail(ErrorCode::kInternal, "no answer");
    sink.token([&](Result<std::string> answer) { got = std::move(answer); });
    loop.run_until_idle();
    return got;
  }
  // The token, once the commit that has it is told to the sink.
  std::string commit() {
    const auto got = token();
    REQUIRE(got);
    sink.committed(*got);
    loop.run_until_idle();
    return *got;
  }
  void close() {
    sink.close([this] { closed = true; });
    loop.run_until_idle();
    CHECK(closed);
  }

  SeededRandom random{1};
  Services services;
  loop::TestLoop loop;
  FileSink sink;
  std::vector<EventOutcome> outcomes;
  bool closed = false;
};

struct Fixture {
  std::string content(const std::string& path) const {
    const auto text = io::read_file(fs, path, 1 << 20);
    return text ? *text : "! " + text.error().message;
  }
  std::vector<std::string> names(const std::string& folder = "out") const {
    const auto list = fs.list(folder);
    return list ? *list : std::vector<std::string>();
  }
  io::MemoryFileSystem fs;
  ManualClock clock;
};
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a file is written under .part, and has its name once all of it is committed", "[REQ-018]") {
  Fixture f;
  FileSinkConfig config = config_for("out/a.ndjson");
  config.rotate->count = 2;
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({"1", "2", "3"}));
  CHECK(f.names() == Names{"a.ndjson.2.part", "a.ndjson.part"});
  REQUIRE(run.token());
  run.loop.run_until_idle();
  CHECK(f.names() == Names{"a.ndjson.2.part", "a.ndjson.part"});
  run.commit();
  CHECK(f.names() == Names{"a.ndjson", "a.ndjson.2.part"});
  CHECK(f.content("out/a.ndjson") == "1\n2\n");
  REQUIRE(run.write({"4", "5"}));
  run.commit();
  CHECK(f.content("out/a-0001.ndjson") == "3\n4\n");
  run.close();
  CHECK(f.content("out/a-0002.ndjson") == "5\n");
  CHECK(f.names().size() == 3);
}

TEST_CASE("a file has at most the size that is asked for, whatever a write brings", "[REQ-018]") {
  Fixture f;
  FileSinkConfig config = config_for("out/a");
  config.rotate->size = ByteSize{10};
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({"123", "456", "7", "12345678901234567890", "8"}));
  run.commit();
  run.close();
  CHECK(f.content("out/a") == "123\n456\n7\n");
  CHECK(f.content("out/a-0001") == "12345678901234567890\n");
  CHECK(f.content("out/a-0002") == "8\n");
}

TEST_CASE("a file that is old enough is finished although nothing comes", "[REQ-018]") {
  Fixture f;
  FileSinkConfig config = config_for("out/a");
  config.rotate->time = Duration{60'000};
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({"1"}));
  run.commit();
  run.loop.advance(59'000);
  CHECK(f.names() == Names{"a.part"});
  run.loop.advance(2'000);
  CHECK(f.names() == Names{"a"});
}

TEST_CASE("nothing that is there is overwritten", "[REQ-018]") {
  Fixture f;
  REQUIRE(f.fs.make_directories("out"));
  const auto put = [&](const std::string& path) {
    REQUIRE(f.fs.open(path, io::OpenMode::kCreate).value()->write_at(0, std::string_view("other")));
  };
  put("out/a.ndjson.gz");
  put("out/a-0001.ndjson.gz");
  put("out/a.ndjson.gz.part");
  Run run(f.fs, config_for("out/a.ndjson.gz"), f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({"1"}));
  run.commit();
  run.close();
  CHECK(f.content("out/a-0002.ndjson.gz") == "1\n");
  for (const char* path : {"out/a.ndjson.gz", "out/a-0001.ndjson.gz", "out/a.ndjson.gz.part"}) {
    CHECK(f.content(path) == "other");
  }
}

TEST_CASE("events go to the files that they name, and one without a name is a dead letter", "[REQ-018]") {
  Fixture f;
  FileSinkConfig config = config_for("out/{$input/c}/x");
  config.rotate->max_open_files = 2;
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({R"({"c":"a"})", R"({"c":"../b"})", "{}", R"({"c":"a"})"}));
  REQUIRE(run.outcomes.size() == 4);
  CHECK(run.outcomes[2].outcome == Outcome::kDeadLetter);
  CHECK(run.outcomes[3].outcome == Outcome::kOk);
  REQUIRE(run.write({R"({"c":"c"})"}));
  run.commit();
  // The one written to least recently had to go.
  CHECK(f.names() == Names{"%2E.%2Fb", "a", "c"});
  CHECK(f.names("out/%2E.%2Fb") == Names{"x"});
  CHECK(f.names("out/a") == Names{"x.part"});
  run.close();
  CHECK(f.content("out/a/x") == "{\"c\":\"a\"}\n{\"c\":\"a\"}\n");
}

TEST_CASE("a header begins every file") {
  Fixture f;
  FileSinkConfig config = config_for("out/a.csv");
  config.rotate->count = 1;
  ConfigProblems none;
  ConfigNode column{.kind = ConfigNode::Kind::kString, .text = "id"};
  ConfigNode list{.kind = ConfigNode::Kind::kList, .items = {column}};
  ConfigNode options{.kind = ConfigNode::Kind::kMap, .members = {{"columns", {}, list}}};
  for (const formats::FormatDescriptor* format : formats::formats()) {
    if (format->name == "csv") config.format.format = format->sink(options, "csv", none);
  }
  REQUIRE(none.empty());
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({R"({"id":1})", R"({"id":2})"}));
  run.commit();
  run.close();
  CHECK(f.content("out/a.csv") == "id\n1\n");
  CHECK(f.content("out/a-0001.csv") == "id\n2\n");
}

TEST_CASE("a compressed file is one that others can read, whole at every commit", "[REQ-018]") {
  const auto compression = GENERATE(io::Compression::kGzip, io::Compression::kZstd, io::Compression::kLz4);
  Fixture f;
  FileSinkConfig config = config_for("out/a");
  config.compression = compression;
  std::string token;
  {
    Run run(f.fs, config, f.clock);
    REQUIRE(run.begin());
    REQUIRE(run.write({"1"}));
    token = run.commit();
    REQUIRE(run.write({"lost"}));
    f.fs.kill();
  }
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin(token));
  REQUIRE(run.write({"2", "3"}));
  run.commit();
  run.close();
  const std::string bytes = f.content("out/a");
  std::string text;
  io::Decompressor decompressor;
  // A member at a time, as the library's own tools read them.
  std::string whole;
  const Status status = decompressor.decompress(compression, bytes, 1000, whole);
  if (status) text = whole;
  CHECK(text == "1\n2\n3\n");
}

TEST_CASE("a full disk makes every event of a write wait, in whichever file it would stand", "[REQ-018]") {
  Fixture f;
  Run run(f.fs, config_for("out/{$input}"), f.clock);
  REQUIRE(run.begin());
  REQUIRE(run.write({"\"a\"", "\"b\""}));
  f.fs.set_capacity(13);
  CHECK_FALSE(run.write({"\"a\"", "\"b\""}));
  CHECK(run.outcomes.size() == 2);
  CHECK(f.content("out/a.part") == "\"a\"\n");
  CHECK(f.content("out/b.part") == "\"b\"\n");
  f.fs.set_capacity(1000);
  REQUIRE(run.write({"\"a\"", "\"b\""}));
  run.commit();
  run.close();
  CHECK(f.content("out/a") == "\"a\"\n\"a\"\n");
  CHECK(f.content("out/b") == "\"b\"\n\"b\"\n");
}

TEST_CASE("a file that is not as the commit left it stops the sink from starting") {
  Fixture f;
  std::string token;
  {
    Run run(f.fs, config_for("out/a"), f.clock);
    REQUIRE(run.begin());
    REQUIRE(run.write({"1", "2"}));
    token = run.commit();
    REQUIRE(run.write({"3"}));
    f.fs.kill();
  }
  REQUIRE(f.fs.open("out/a.part", io::OpenMode::kReadWrite).value()->truncate(2));
  Run run(f.fs, config_for("out/a"), f.clock);
  const Status restored = run.sink.restore(token);
  REQUIRE_FALSE(restored);
  CHECK_THAT(restored.error().message, Catch::Contains("'out/a.part'") && Catch::Contains("4 bytes committed"));
}

TEST_CASE("no event's content removes or empties a finished file of another name", "[REQ-018]") {
  Fixture f;
  const FileSinkConfig config = config_for("out/{$input/n}");
  std::string token;
  {
    Run run(f.fs, config, f.clock);
    REQUIRE(run.begin());
    for (const char* name : {"a.part", "a.2.part", "b.part"}) {
      REQUIRE(run.write({"{\"n\":\"" + std::string(name) + "\"}"}));
      run.commit();
    }
    token = run.commit();
    run.close();
  }
  const Names finished = f.names();
  REQUIRE(finished.size() == 3);
  Run run(f.fs, config, f.clock);
  REQUIRE(run.begin(token));
  REQUIRE(run.write({R"({"n":"a"})", R"({"n":"b"})"}));
  run.commit();
  run.close();
  CHECK(f.names().size() == 5);
  for (const std::string& name : finished) CHECK_THAT(f.content("out/" + name), Catch::Contains("part"));
}

// Wherever the power goes, at whichever operation: every event stands once in the finished files, in order per
// name.
TEST_CASE("a crash at any operation leaves every event exactly once in finished files", "[REQ-018]") {
  size_t crashes = 0;
  for (uint64_t halt = 0; halt < 120; ++halt) {
    const bool power = halt % 2 == 0;
    Fixture f;
    SeededRandom chance(halt);
    FileSinkConfig config = config_for("out/{$input/k}.ndjson");
    config.rotate->count = 2;
    const auto event = [](size_t i) {
      return "{\"k\":\"" + std::string(1, static_cast<char>('a' + i % 3)) + "\",\"n\":" + std::to_string(i) + "}";
    };
    constexpr size_t kEvents = 15;
    std::string token;
    size_t done = 0;
    {
      f.fs.halt_at(halt);
      Run run(f.fs, config, f.clock);
      if (run.begin()) {
        while (done < kEvents && run.write({event(done), event(done + 1), event(done + 2)})) {
          const auto got = run.token();
          if (!got) break;
          token = *got;
          done += 3;
          run.sink.committed(token);
          run.loop.run_until_idle();
        }
      }
    }
    if (power) f.fs.crash(&chance);
    if (!power) f.fs.kill(), f.fs.halt_at(~uint64_t{0});
    crashes += done < kEvents;
    Run run(f.fs, config, f.clock);
    INFO("halt at " << halt << ", committed " << done);
    REQUIRE(run.begin(token));
    for (; done < kEvents; done += 3) {
      REQUIRE(run.write({event(done), event(done + 1), event(done + 2)}));
      run.commit();
    }
    run.close();
    std::map<char, std::string> texts;
    for (const std::string& name : f.names()) {
      if (name.ends_with(".part")) continue;
      texts[name[0]] += f.content("out/" + name);
    }
    for (size_t i = 0; i < kEvents; ++i) {
      const char key = static_cast<char>('a' + i % 3);
      const std::string line = event(i) + "\n";
      const size_t at = texts[key].find(line);
      CHECK(at != std::string::npos);
      if (at != std::string::npos) CHECK(texts[key].find(line, at + 1) == std::string::npos);
    }
  }
  CHECK(crashes > 20);
}

}  // namespace colloquium::components
