// How fast the answers of models are read: MB/s of an event stream cut into events, and decoded as OpenAI's
// chunks, and of the same bytes merely copied.
//
//   ai_stream_bench [SECONDS]
//
// The stream is some MB of chunks as OpenAI sends them, one token each, and comes in pieces of 16 KiB, as the HTTP
// client hands them over. Each line is the best of several rounds that alternate, in processor time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ai/openai_format/openai_decoder.h"
#include "net/event_stream.h"

namespace {

using namespace colloquium;

constexpr size_t kPieceBytes = 16 * 1024;
constexpr size_t kTokens = 20'000;

std::string stream_text() {
  std::string text;
  for (size_t i = 0; i < kTokens; ++i) {
    text += R"(data: {"id":"chatcmpl-Bq3fZkZ1xYtF0e7gN2hWm9rLsVdAu","object":"chat.completion.chunk",)"
            R"("created":1751882113,"model":"gpt-4o-mini-2024-07-18","service_tier":"default",)"
            R"("system_fingerprint":"fp_34a54ae93c","choices":[{"index":0,"delta":{"content":" token)" +
            std::to_string(i) +
            R"("},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x8Jw2Nq"})"
            "\n\n";
  }
  text += R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null})"
          "\n\n"
          R"(data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":20000,"total_tokens":20009}})"
          "\n\ndata: [DONE]\n\n";
  return text;
}

void in_pieces(std::string_view text, const std::function<void(std::string_view)>& take) {
  for (size_t at = 0; at < text.size(); at += kPieceBytes) take(text.substr(at, kPieceBytes));
}

// Each contestant returns how many events, or tokens, it found: all of them, or it was no work.
size_t copy(const std::string& text) {
  static std::vector<char> to(kPieceBytes);
  size_t bytes = 0;
  in_pieces(text, [&](std::string_view piece) {
    std::memcpy(to.data(), piece.data(), piece.size());
    asm volatile("" : : "r"(to.data()) : "memory");
    bytes += piece.size();
  });
  return bytes == text.size() ? kTokens : 0;
}

size_t cut(const std::string& text) {
  net::EventStreamParser parser(size_t{16} << 20, {});
  size_t events = 0;
  const net::EventStreamParser::Take take = [&](const net::StreamedEvent&) { ++events; };
  in_pieces(text, [&](std::string_view piece) { parser.feed(piece, take); });
  return events - 3;  // the finish, the usage, the end
}

size_t decode(const std::string& text) {
  ai::OpenAiDecoder decoder(AiTask::kChat);
  size_t tokens = 0;
  bool finished = false;
  const AiTake take = [&](const AiOutput& output) {
    tokens += std::holds_alternative<AiTextDelta>(output) ? 1 : 0;
    finished = finished || std::holds_alternative<AiFinished>(output);
  };
  decoder.head({200, {{"Content-Type", "text/event-stream; charset=utf-8"}}}, take);
  in_pieces(text, [&](std::string_view piece) { decoder.bytes(piece, take); });
  decoder.end(take);
  return finished ? tokens : 0;
}

// Time on the processor: on a busy machine most rounds are interrupted.
double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Contestant {
  const char* name;
  size_t (*run)(const std::string&);
  double best_seconds = 1e30;
};

}  // namespace

int main(int argc, char** argv) {
  const double budget_seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const std::string text = stream_text();
  Contestant contestants[] = {{"copied", copy}, {"cut", cut}, {"decoded", decode}};
  double spent_seconds = 0;
  do {
    for (Contestant& contestant : contestants) {
      const double begin = thread_seconds();
      const size_t found = contestant.run(text);
      const double seconds = thread_seconds() - begin;
      if (found != kTokens) {
        std::fprintf(stderr, "ai_stream_bench: %s found %zu tokens of %zu\n", contestant.name, found, kTokens);
        return 1;
      }
      contestant.best_seconds = std::min(contestant.best_seconds, seconds);
      spent_seconds += seconds;
    }
  } while (spent_seconds < budget_seconds);
  std::printf("{\"event_bytes\":%.1f", static_cast<double>(text.size()) / static_cast<double>(kTokens));
  for (const Contestant& contestant : contestants) {
    std::printf(",\"%s_mb_s\":%.1f", contestant.name,
                static_cast<double>(text.size()) / contestant.best_seconds / 1e6);
  }
  std::printf("}\n");
  return 0;
}
