// What colloquium/ai_provider.h asks of a provider.
#include <array>

#include "tests/compliance/component_world.h"

namespace colloquium::compliance {
namespace {

constexpr char kSecret[] = "hush-4f1c9a";
constexpr uint16_t kPort = 4321;  // where nothing is sent

Result<AiConnection> connection_of(const Subject& subject) {
  const Parsed parsed = parse_settings(*subject.descriptor, subject.connection(kPort, kSecret));
  if (!parsed.problem.empty()) return fail(ErrorCode::kInvalidConfig, parsed.problem);
  return subject.descriptor->create_provider(parsed.config, "/base");
}

AiRequest question(bool stream) {
  AiRequest request;
  request.model = "m";
  request.messages.push_back({AiRole::kUser, {AiText{"hi"}}});
  request.parameters.max_output_tokens = 5;
  request.stream = stream;
  return request;
}

bool holds_secret(const std::string& text) {
  return text.find(kSecret) != text.npos;
}

// A signature is made with the secret, and does not hold it.
bool logs_in(const AiHttpRequest& http) {
  for (const auto& [name, value] : http.headers) {
    if (holds_secret(value) || value.find("Signature=") != value.npos) return true;
  }
  return false;
}

Verdict goes_where_it_is_set(const Subject& subject) {
  const auto made = connection_of(subject);
  if (!made) return broken("it can't be made: " + made.error().message);
  for (const bool stream : {false, true}) {
    const AiRequest request = question(stream);
    if (const Status fine = made->provider->check(request); !fine)
      return broken("a plain chat: " + fine.error().message);
    const AiHttpRequest http = made->provider->encode(request, made->access);
    if (!http.url.starts_with("http://127.0.0.1:4321/")) return broken("it asks " + http.url);
    if (holds_secret(http.url) || holds_secret(http.body)) return broken("the key is not in a header alone");
    if (!logs_in(http)) return broken("no header has the key, or a signature");
  }
  return holds(2);
}

// How a call ended, and what was said behind that.
struct Ends {
  int count = 0;
  int behind = 0;
  std::optional<AiFailure> failure;

  void operator()(const AiOutput& output) {
    if (count > 0) ++behind;
    if (const auto* failed = std::get_if<AiFailure>(&output)) failure = *failed;
    if (failure || std::holds_alternative<AiFinished>(output)) ++count;
  }
};

Ends ends_of(AiDecoder& decoder, int status, const std::string& type, const std::string& body, size_t step) {
  Ends ends;
  const AiTake take = [&ends](const AiOutput& output) { ends(output); };
  decoder.head({status, {{"Content-Type", type}}}, take);
  for (size_t at = 0; at < body.size(); at += step) decoder.bytes(std::string_view(body).substr(at, step), take);
  decoder.end(take);
  return ends;
}

constexpr std::array kTypes = {"application/json",
                               "text/event-stream",
                               "application/x-ndjson",
                               "application/vnd.amazon.eventstream",
                               "text/html",
                               ""};
constexpr std::array kBodies = {"",
                                "{}",
                                "[]",
                                "null",
                                "<html>",
                                "data: {}\n\n",
                                "data: [DONE]\n\n",
                                "{}\n{}\n",
                                R"({"error":{"message":"no"}})",
                                R"({"choices":[{}],"candidates":[{}],"output":[{}]})"};

Verdict ends_once(const Subject& subject) {
  const auto made = connection_of(subject);
  if (!made) return broken("it can't be made: " + made.error().message);
  uint64_t count = 0;
  for (const int status : {200, 204, 400, 401, 403, 404, 429, 500, 503, 529}) {
    for (const char* type : kTypes) {
      for (const char* body : kBodies) {
        const auto decoder = made->provider->decoder(question(count % 2 == 0));
        const Ends ends = ends_of(*decoder, status, type, body, count % 3 + 1);
        ++count;
        const std::string what = std::to_string(status) + " " + type + " '" + body + "'";
        if (ends.count == 0) return broken("it never ended: " + what);
        if (ends.count > 1 || ends.behind > 0) return broken("it went on behind its end: " + what);
        if (!ends.failure) return broken("it took for an answer: " + what);
        if (status >= 400 && ends.failure->status != status)
          return broken("its failure is of another status: " + what);
        if (ends.failure->message.size() > 1000) return broken("it quotes all of: " + what);
      }
    }
  }
  return holds(count);
}

constexpr std::array kChecks = {
    Check{"documented", "Summary, trust, guarantee, README and every setting are described; each example parses.",
          is_documented},
    Check{"address", "It asks where it is set to be, and its key is in headers alone, or not sent at all.",
          goes_where_it_is_set},
    Check{"ends", "What is no answer, whatever it is, ends its call once, as a failure.", ends_once},
    Check{"secrets", "No secret stands in its settings as shown, in messages, errors or metrics.",
          tells_no_secret},
};

}  // namespace

std::span<const Check> provider_checks() {
  return kChecks;
}

}  // namespace colloquium::compliance
