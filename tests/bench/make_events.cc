// Writes realistic JSON events to stdout, one a line: nested, with escapes and Unicode, 528 bytes on average.
//
//   make_events COUNT [SEED] [--bytes N]
//
// The same arguments give the same bytes on every machine. With --bytes, every event is padded or cut to
// exactly N bytes without the line feed (for HTTP bodies): N is at least 400, or at least 160 for a
// flat event without customer and address.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// The least that --bytes takes: of an event with a customer, and of one without.
constexpr size_t kNestedBytes = 400;
constexpr size_t kFlatBytes = 160;

// SplitMix64: small, seeded, the same everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
  template <size_t N>
  const char* of(const char* const (&words)[N]) {
    return words[below(N)];
  }

 private:
  uint64_t state_;
};

constexpr const char* kTypes[] = {"order.created", "order.updated", "order.paid", "order.cancelled",
                                  "cart.abandoned"};
constexpr const char* kNames[] = {"Zoë \\\"Z\\\" Müller", "Jan de Vries", "Łukasz Żak", "山田 花子",
                                  "Ana\\u0301 Pérez"};
constexpr const char* kCities[] = {"Köln", "Amsterdam", "Gdańsk", "横浜市", "São Paulo", "New York"};
constexpr const char* kStreets[] = {"Große Straße 12", "Keizersgracht 401", "ul. Długa 7", "5th Ave 10 \\u2116 4"};
constexpr const char* kTitles[] = {"Écran 27\\u2033 4K", "USB-C cable 2 m", "Kopfhörer \\/ schwarz",
                                   "ノートPC 14型"};
constexpr const char* kNotes[] = {"call first\\nring twice \\u2713", "", "at the \\\"blue\\\" door",
                                  "C:\\\\inbox 🎁 gift"};
constexpr const char* kAgents[] = {"curl/7.88.1", "okhttp/4.12.0", "Mozilla/5.0 (iPhone)"};
constexpr const char* kCurrencies[] = {"EUR", "USD", "PLN", "JPY"};

void add(std::string& out, const char* format, auto... arguments) {
  char text[256];
  out.append(text, static_cast<size_t>(std::snprintf(text, sizeof text, format, arguments...)));
}

void add_customer(std::string& out, Dice& dice) {
  unsigned number = static_cast<unsigned>(dice.below(100000));
  add(out, R"("customer":{"id":%u,"name":"%s",)", number, dice.of(kNames));
  add(out, R"("address":{"street":"%s","city":"%s","zip":"%05u","country":"DE"}},)", dice.of(kStreets),
      dice.of(kCities), static_cast<unsigned>(dice.below(100000)));
}

void add_items(std::string& out, Dice& dice) {
  out += "\"items\":[";
  uint64_t count = dice.below(4) == 0 ? 2 : 1;
  for (uint64_t i = 0; i < count; ++i) {
    add(out, R"(%s{"sku":"A-%04u","title":"%s","qty":%u,"price":%u.%02u})", i == 0 ? "" : ",",
        static_cast<unsigned>(dice.below(10000)), dice.of(kTitles), static_cast<unsigned>(1 + dice.below(4)),
        static_cast<unsigned>(dice.below(900)), static_cast<unsigned>(dice.below(100)));
  }
  out += "],";
}

void add_context(std::string& out, Dice& dice) {
  add(out, R"("tags":["web","%s"],"note":"%s",)", dice.below(2) ? "priority" : "b2b", dice.of(kNotes));
  add(out, R"("meta":{"ip":"10.0.0.%u","ua":"%s","session":"%08x",)", static_cast<unsigned>(dice.below(256)),
      dice.of(kAgents), static_cast<unsigned>(dice.next()));
  add(out, R"("flags":{"gift":%s,"express":%s,"coupon":null},"score":-0.%06u}})", dice.below(2) ? "true" : "false",
      dice.below(3) ? "false" : "true", static_cast<unsigned>(dice.below(1000000)));
}

// One event without its line feed. Totals are spread evenly over 0 to 1,000.
void add_event(std::string& out, Dice& dice, unsigned long long number) {
  add(out, R"({"id":"evt_%08llu","type":"%s",)", number, dice.of(kTypes));
  add(out, R"("time":"2025-%02u-%02uT%02u:%02u:%02u.%03uZ",)", static_cast<unsigned>(1 + dice.below(12)),
      static_cast<unsigned>(1 + dice.below(28)), static_cast<unsigned>(dice.below(24)),
      static_cast<unsigned>(dice.below(60)), static_cast<unsigned>(dice.below(60)),
      static_cast<unsigned>(dice.below(1000)));
  add_customer(out, dice);
  add_items(out, dice);
  add(out, R"("total":%u.%02u,"currency":"%s",)", static_cast<unsigned>(dice.below(1000)),
      static_cast<unsigned>(dice.below(100)), dice.of(kCurrencies));
  add_context(out, dice);
}

// An event of exactly `bytes`: the head of a full one, and a pad.
void add_padded(std::string& out, Dice& dice, unsigned long long number, size_t bytes) {
  size_t begin = out.size();
  add(out, R"({"id":"evt_%08llu","type":"%s",)", number, dice.of(kTypes));
  if (bytes >= kNestedBytes) {
    add_customer(out, dice);
  } else {
    add(out, R"("time":"2025-03-%02uT%02u:%02u:%02uZ","sku":"A-%04u","qty":%u,)",
        static_cast<unsigned>(1 + dice.below(28)), static_cast<unsigned>(dice.below(24)),
        static_cast<unsigned>(dice.below(60)), static_cast<unsigned>(dice.below(60)),
        static_cast<unsigned>(dice.below(10000)), static_cast<unsigned>(1 + dice.below(4)));
  }
  add(out, R"("total":%u.%02u,"currency":"%s","pad":")", static_cast<unsigned>(dice.below(1000)),
      static_cast<unsigned>(dice.below(100)), dice.of(kCurrencies));
  while (out.size() - begin + 2 < bytes) out += static_cast<char>('a' + dice.below(26));
  out += "\"}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: make_events COUNT [SEED] [--bytes N]\n");
    return 2;
  }
  unsigned long long count = std::strtoull(argv[1], nullptr, 10);
  uint64_t seed = argc > 2 && argv[2][0] != '-' ? std::strtoull(argv[2], nullptr, 10) : 1;
  size_t bytes = 0;
  if (argc > 3 && std::strcmp(argv[argc - 2], "--bytes") == 0) bytes = std::strtoull(argv[argc - 1], nullptr, 10);
  Dice dice(seed);
  std::string out;
  for (unsigned long long i = 0; i < count; ++i) {
    if (bytes >= kFlatBytes) {
      add_padded(out, dice, i, bytes);
    } else {
      add_event(out, dice, i);
    }
    out += '\n';
    if (out.size() < (1u << 20) && i + 1 < count) continue;
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) return 1;
    out.clear();
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
