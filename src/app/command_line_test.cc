#include "app/command_line.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace colloquium::app {
namespace {

// A verb with one option of every type, and what it was given when it ran.
struct Given {
  bool flag = false;
  std::string text = "default";
  std::optional<std::string> maybe;
  std::vector<std::string> pairs;
  std::vector<std::string> files;
  int runs = 0;
};

struct Program {
  Given given;
  std::ostringstream out;
  std::ostringstream err;
  Verb root;

  Program() {
    Verb go;
    go.name = "go";
    go.summary = "Go somewhere";
    go.example = "tool go -f a.yaml";
    go.options = {{"-f,--flag", "", "a flag", &given.flag},
                  {"--text", "TEXT", "a text", &given.text},
                  {"--maybe", "TEXT", "an optional text", &given.maybe, false, {"red", "blue"}},
                  {"--set", "K=V", "a setting", &given.pairs},
                  {"FILE", "", "files to read", &given.files, true}};
    go.run = [this](Console&) {
      ++given.runs;
      return Exit::kFailed;  // any code but that of a refusal or of help
    };
    Verb group;
    group.name = "group";
    group.summary = "Things that belong together";
    group.example = "tool group go x";
    group.verbs = {go};
    root.name = "tool";
    root.summary = "A tool";
    root.example = "tool go x";
    root.verbs = {go, group};
  }

  Exit run(const std::vector<std::string>& arguments) {
    Console console{{}, out, err};
    return run_command_line(root, arguments, console);
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("options and positionals reach the verb, and its exit code comes back") {
  Program program;
  CHECK(program.run({"go", "--set", "a=1", "one", "-f", "--text=hi", "--set", "b=2", "two", "--maybe", "red"}) ==
        Exit::kFailed);
  CHECK(program.given.runs == 1);
  CHECK(program.given.flag);
  CHECK(program.given.text == "hi");
  CHECK(program.given.maybe == "red");
  CHECK(program.given.pairs == std::vector<std::string>{"a=1", "b=2"});
  CHECK(program.given.files == std::vector<std::string>{"one", "two"});
  CHECK(program.err.str().empty());
}

TEST_CASE("what is not given keeps its default") {
  Program program;
  program.run({"group", "go", "x"});
  CHECK(program.given.text == "default");
  CHECK_FALSE(program.given.maybe.has_value());
}

TEST_CASE("values behind -- may begin with a dash, and a lone dash is a value") {
  Program program;
  program.run({"go", "-", "--", "-5"});
  CHECK(program.given.files == std::vector<std::string>{"-", "-5"});
}

TEST_CASE("a value in brackets stays whole, as a positional and as an option's") {
  Program program;
  program.run({"go", "--text", "[1,2]", "--set", "[a,b]", "[3,4]", "x", "[]"});
  CHECK(program.given.text == "[1,2]");
  CHECK(program.given.pairs == std::vector<std::string>{"[a,b]"});
  CHECK(program.given.files == std::vector<std::string>{"[3,4]", "x", "[]"});
}

TEST_CASE("an unknown verb is refused with a suggestion [REQ-215]") {
  Program program;
  CHECK(program.run({"gruop"}) == Exit::kRefused);
  CHECK(contains(program.err.str(), "error: unknown verb 'gruop'; did you mean 'group'?"));
  CHECK(program.out.str().empty());
}

TEST_CASE("an unknown option is refused with a suggestion, and nothing runs") {
  Program program;
  CHECK(program.run({"go", "--txt", "hi", "x"}) == Exit::kRefused);
  CHECK(contains(program.err.str(), "unknown option '--txt'; did you mean '--text'?"));
  CHECK(program.given.runs == 0);
}

TEST_CASE("an unknown option is told even where a positional is missing") {
  Program program;
  CHECK(program.run({"go", "--flga"}) == Exit::kRefused);
  CHECK(contains(program.err.str(), "did you mean '--flag'?"));
}

TEST_CASE("mistakes name themselves and where help is") {
  Program program;
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& message) {
    program.err.str("");
    CHECK(program.run(arguments) == Exit::kRefused);
    CHECK(contains(program.err.str(), message));
    CHECK(contains(program.err.str(), "--help"));
    CHECK(program.given.runs == 0);
  };
  refused({"go"}, "FILE is required");
  refused({"go", "x", "--text"}, "--text");
  refused({"go", "x", "--maybe", "green"}, "green");
  refused({"go", "x", "-z"}, "unknown option '-z'");
  refused({"group", "stay"}, "unknown verb 'stay'");
  refused({""}, "unknown verb");
  refused({"--frob"}, "unknown option '--frob'");
}

TEST_CASE("no verb prints the help to the error stream and is refused") {
  Program program;
  CHECK(program.run({}) == Exit::kRefused);
  CHECK(contains(program.err.str(), "Verbs:"));
  CHECK(program.out.str().empty());
}

TEST_CASE("help goes to the output, ends with the example, and runs nothing") {
  Program program;
  for (const auto& arguments :
       {std::vector<std::string>{"go", "--help"}, {"go", "-h", "--frob"}, {"group", "go", "x", "-h"}}) {
    program.out.str("");
    CHECK(program.run(arguments) == Exit::kDone);
    const std::string text = program.out.str();
    CHECK(contains(text, "go [OPTIONS] FILE…"));
    CHECK(contains(text, "--text TEXT"));
    CHECK(contains(text, "an optional text: red blue"));
    const std::string end = "Example:\n  tool go -f a.yaml\n";
    CHECK(text.substr(text.size() - end.size()) == end);
  }
  CHECK(program.given.runs == 0);
  CHECK(program.err.str().empty());
}

TEST_CASE("the reference page names every verb, option and example") {
  const Program program;
  const std::string page = command_line_page(program.root);
  CHECK(contains(page, "## `tool go`"));
  CHECK(contains(page, "## `tool group go`"));
  CHECK(contains(page, "| `--set K=V` | a setting |"));
  CHECK(contains(page, "```sh\ntool go -f a.yaml\n```"));
}

}  // namespace
}  // namespace colloquium::app
