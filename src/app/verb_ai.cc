// `ai`: the group of verbs for what stands between pipelines and language models. `ai tokens`: how long a text is
// for one.

#include "app/verb_ai.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "ai/tokenizer.h"
#include "app/ndjson_reader.h"
#include "app/pipeline_files.h"
#include "app/provider_count.h"
#include "app/script_session.h"
#include "config/problems.h"
#include "engine/plan_data.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

constexpr size_t kTextLimitBytes = size_t{1} << 30;
constexpr size_t kBlockBytes = size_t{1} << 20;

struct Options {
  std::string encoding{ai::kEncodings[0]};
  std::string file = "-";
  bool ids = false, each = false;
  std::optional<std::string> pipeline, model;
};

Result<std::string> read_all(const ReadBytes& read) {
  std::string text;
  size_t size = 0;
  while (true) {
    if (text.size() < size + kBlockBytes) text.resize(std::max(size + kBlockBytes, 2 * size));
    TRY_ASSIGN(const size_t got, read(std::span<char>(text).subspan(size)));
    if (got == 0) break;
    size += got;
    if (size > kTextLimitBytes) {
      return fail(ErrorCode::kLimit,
                  "a text of more than " + std::to_string(kTextLimitBytes) +
                      " bytes is not counted; as lines of NDJSON, with --each, it may be longer");
    }
  }
  text.resize(size);
  return text;
}

void print_tokens(const ai::Tokenizer& tokenizer, std::string_view text, bool ids, std::ostream& out) {
  if (!ids) {
    out << tokenizer.count(text) << "\n";
    return;
  }
  std::string line = "[";
  for (const uint32_t id : tokenizer.encode(text)) {
    if (line.size() > 1) line += ',';
    line += std::to_string(id);
  }
  out << line << "]\n";
}

// A line that is no JSON string is told on `err` and prints nothing; the others go on, as in `computo run`.
Exit each_line(const ai::Tokenizer& tokenizer, const Options& options, const ReadBytes& read, Console& console) {
  // What is counted goes out before each read, which may wait for a slow writer.
  NdjsonReader reader([&](std::span<char> into) {
    console.out.flush();
    return read(into);
  });
  json::Walker walker;
  std::vector<TapeToken> tape;
  std::string scratch;
  Exit code = Exit::kDone;
  std::string_view line;
  while (true) {
    const auto more = reader.next(line);
    if (!more) return fail_running(console, more.error());
    if (!*more) return code;
    tape.clear();
    json::WalkError bad;
    const bool valid = walker.walk(line, tape, bad);
    const json::ValueView value(line.data(), tape.data(), 0);
    if (valid && value.type() == TokenType::kString) {
      print_tokens(tokenizer, value.string(scratch), options.ids, console.out);
      continue;
    }
    console.err << (options.file == "-" ? "standard input" : options.file) << ":" << reader.line()
                << ": error: this line is no JSON string" << (valid ? "" : std::string(": ") + bad.what) << "\n";
    code = Exit::kFailed;
  }
}

// Of the pipeline's provider, over the network.
Exit count_there(const Options& options, Console& console) {
  if (!options.pipeline || !options.model || options.ids || options.each) {
    return refuse(console, {ErrorCode::kInvalidConfig,
                            "--pipeline and --model go together, and without --ids and --each: a provider counts one "
                            "text, and tells no ids",
                            false,
                            {}});
  }
  const LoadedPipelines loaded = load_pipelines({*options.pipeline});
  console.err << config::describe(loaded.problems);
  if (!loaded.ok()) return Exit::kRefused;
  const auto bytes = open_bytes(options.file, console);
  if (!bytes) return refuse(console, bytes.error());
  auto text = read_all(*bytes);
  if (!text) return fail_running(console, text.error());
  const auto counted =
      count_by_provider(loaded.pipelines.front().plan->data().config, *options.model, *std::move(text));
  if (!counted && counted.error().code == ErrorCode::kInvalidConfig) return refuse(console, counted.error());
  if (!counted) return fail_running(console, counted.error());
  console.out << counted->tokens << " by " << *options.model << ", " << counted->estimate << " by estimate\n";
  return Exit::kDone;
}

Exit tokens(const Options& options, Console& console) {
  if (options.pipeline || options.model) return count_there(options, console);
  const auto tokenizer = ai::tokenizer(options.encoding);
  if (!tokenizer) return refuse(console, tokenizer.error());
  const auto bytes = open_bytes(options.file, console);
  if (!bytes) return refuse(console, bytes.error());
  if (options.each) return each_line(**tokenizer, options, *bytes, console);
  const auto text = read_all(*bytes);
  if (!text) return fail_running(console, text.error());
  print_tokens(**tokenizer, *text, options.ids, console.out);
  return Exit::kDone;
}

Verb tokens_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "tokens";
  verb.summary = "Count the tokens of a text";
  verb.description =
      "Counts as OpenAI's models do: o200k_base is that of gpt-4o and later ones, cl100k_base that of gpt-4, "
      "gpt-3.5\n"
      "and text-embedding-3. The text is counted as it is, with its line breaks; what looks like a special token "
      "is\n"
      "text, too. A request has a few tokens more, for the roles of its messages and the like.\n"
      "With --pipeline and --model, a provider of that pipeline is asked (Anthropic, Google and Bedrock count): the text\n"
      "as a chat's one message, beside the estimate that a call of it would begin with. It costs nothing.";
  verb.example =
      "colloquium ai tokens prompt.txt\n"
      "colloquium ai tokens --each texts.ndjson\n"
      "colloquium ai tokens --pipeline orders.yaml --model claude/claude-haiku-4-5 prompt.txt";
  verb.options = {
      {"--encoding",
       "NAME",
       "which encoding (without it, o200k_base)",
       &options->encoding,
       false,
       {ai::kEncodings.begin(), ai::kEncodings.end()}},
      {"--ids", "", "print the tokens' ids, as a JSON array, and not how many there are", &options->ids},
      {"--each", "", "each line is a text of its own, a JSON string; print a line for each", &options->each},
      {"--pipeline", "FILE", "ask a provider of this pipeline, with --model", &options->pipeline},
      {"--model", "PROVIDER/MODEL", "whom to ask, as the pipeline's stages name it", &options->model},
      {"FILE", "", "the text ('-', as without a FILE: standard input)", &options->file},
  };
  verb.run = [options](Console& console) { return tokens(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace

Verb ai_verb() {
  Verb verb;
  verb.name = "ai";
  verb.summary = "Work with what language models are sent, and what that costs";
  verb.example =
      "colloquium ai costs --by day,model --since 7d\n"
      "colloquium ai tokens prompt.txt";
  verb.verbs = {ai_costs_verb(), tokens_verb()};
  return verb;
}

}  // namespace colloquium::app
