#include "ai/access_reader.h"

#include <catch2/catch.hpp>

#include "io/memory_file_system.h"
#include "loop/test_loop.h"

using namespace colloquium;
using namespace colloquium::ai;

namespace {

struct World {
  ManualClock clock;
  loop::TestLoop loop{clock};
  io::MemoryFileSystem files;

  void write(const std::string& text) { REQUIRE(io::write_file_atomically(files, "key", text)); }
  Result<std::unique_ptr<AccessReader>> reader(std::string file = "key", AiReadKey read = {}) {
    return AccessReader::create(loop, files, "openai", {"http://here", "set", {{"a", "b"}}}, std::move(file),
                                std::move(read));
  }
  // Lets the timer fire, and the look that it begins end.
  void pass(int64_t ms) {
    loop.advance(ms);
    loop.run_until_idle();
  }
};

}  // namespace

TEST_CASE("a key comes from its file, without the white space around it", "[REQ-082]") {
  World world;
  world.write(" sk-1\r\n");
  const auto reader = world.reader();
  REQUIRE(reader);
  CHECK((*reader)->access().key == "sk-1");
  CHECK((*reader)->access().base_url == "http://here");
  CHECK((*reader)->access().headers.size() == 1);
}

TEST_CASE("without a file the key is as it is set, and nothing is looked at") {
  World world;
  const auto reader = world.reader("");
  REQUIRE(reader);
  CHECK((*reader)->access().key == "set");
  CHECK(world.loop.open_timers() == 0);
}

TEST_CASE("a key that is replaced is used a second later", "[REQ-082]") {
  World world;
  world.write("sk-1");
  const auto reader = world.reader();
  world.write("sk-2");
  world.pass(999);
  CHECK((*reader)->access().key == "sk-1");
  world.pass(1);
  CHECK((*reader)->access().key == "sk-2");
  for (int i = 3; i < 9; ++i) {
    world.write("sk-" + std::to_string(i));
    world.pass(1000);
    CHECK((*reader)->access().key == "sk-" + std::to_string(i));
  }
}

TEST_CASE("a file that goes bad, or away, leaves the key, and is looked at again", "[REQ-082]") {
  World world;
  world.write("sk-1");
  const auto reader = world.reader();
  for (const char* bad : {"", " \n", "two\nlines"}) {
    world.write(bad);
    world.pass(3000);
    CHECK((*reader)->access().key == "sk-1");
  }
  REQUIRE(world.files.remove("key"));
  world.pass(3000);
  CHECK((*reader)->access().key == "sk-1");
  world.write("sk-2");
  world.pass(1000);
  CHECK((*reader)->access().key == "sk-2");
}

TEST_CASE("a file that can't be used at first is an error that says why, and no part of it") {
  World world;
  const auto problem = [&](AiReadKey read = {}) {
    const auto reader = world.reader("key", std::move(read));
    REQUIRE_FALSE(reader);
    CHECK(reader.error().code == ErrorCode::kInvalidConfig);
    return reader.error().message;
  };
  CHECK(problem().starts_with("the key file 'key' of openai can't be used: "));
  world.write("");
  CHECK(problem() == "the key file 'key' of openai can't be used: it is empty");
  world.write("sk-\x01hush");
  CHECK(problem() == "the key file 'key' of openai can't be used: it holds what no header can carry");
  world.write(std::string(AccessReader::kFileBytesMax + 1, 'x'));
  CHECK(problem().find("can't be used") != std::string::npos);
  world.write("x");
  CHECK(problem([](std::string_view, AiAccess&) -> Status { return fail(ErrorCode::kInvalidInput, "not so"); }) ==
        "the key file 'key' of openai can't be used: not so");
}

TEST_CASE("a provider may read its file in its own way") {
  World world;
  world.write("id secret");
  const auto reader = world.reader("key", [](std::string_view text, AiAccess& access) -> Status {
    const size_t space = text.find(' ');
    access.signing = AiSigningKeys{std::string(text.substr(0, space)), std::string(text.substr(space + 1)), ""};
    return {};
  });
  REQUIRE(reader);
  CHECK((*reader)->access().signing->secret_access_key == "secret");
  world.write("id other");
  world.pass(1000);
  CHECK((*reader)->access().signing->secret_access_key == "other");
}

TEST_CASE("with the pool full the look is put off, and a reader may go while one is under way") {
  World world;
  world.write("sk-1");
  auto reader = world.reader();
  world.write("sk-2");
  world.loop.set_offload_capacity(0);
  world.pass(1000);
  CHECK((*reader)->access().key == "sk-1");
  world.loop.set_offload_capacity(4);
  world.pass(1000);
  CHECK((*reader)->access().key == "sk-2");
  world.loop.advance(1000);
  reader->reset();
  world.loop.run_until_idle();
  CHECK(world.loop.open_timers() == 0);
}
