#include "colloquium/config_types.h"

#include "tests/compliance/broken_components.h"

namespace colloquium::compliance {
namespace {

enum class Fault {
  kNone,
  kElsewhere,   // asks a server of its own
  kKeyInUrl,    // of each request
  kNoKey,       // in any header
  kNeverEnds,   // says nothing at the end
  kEndsTwice,   // says it again
  kBelieves,    // takes everything for an answer
  kOtherStatus  // in its failures
};

struct Config {
  std::string base_url;
  std::string password;
};

class TwinDecoder final : public AiDecoder {
 public:
  explicit TwinDecoder(Fault fault) : fault_(fault) {}

  void head(const AiHead& head, const AiTake& /*take*/) override { status_ = head.status; }
  void bytes(std::string_view /*bytes*/, const AiTake& /*take*/) override {}
  void end(const AiTake& take) override {
    if (fault_ == Fault::kNeverEnds) return;
    if (fault_ == Fault::kBelieves) return take(AiFinished{});
    const AiFailure failure{AiFailureKind::kTransient, "no", {}, fault_ == Fault::kOtherStatus ? 1 : status_};
    take(failure);
    if (fault_ == Fault::kEndsTwice) take(failure);
  }

 private:
  const Fault fault_;
  int status_ = 0;
};

class TwinProvider final : public AiProvider {
 public:
  explicit TwinProvider(Fault fault) : fault_(fault) {}

  Status check(const AiRequest& /*request*/) const override { return {}; }
  AiHttpRequest encode(const AiRequest& /*request*/, const AiAccess& access) const override {
    AiHttpRequest http{access.base_url + "/chat", {{"Authorization", access.key}}, "{}"};
    if (fault_ == Fault::kElsewhere) http.url = "https://api.example.org/chat";
    if (fault_ == Fault::kKeyInUrl) http.url += "?key=" + access.key;
    if (fault_ == Fault::kNoKey) http.headers.clear();
    return http;
  }
  std::unique_ptr<AiDecoder> decoder(const AiRequest& /*request*/) const override {
    return std::make_unique<TwinDecoder>(fault_);
  }

 private:
  const Fault fault_;
};

Subject twin(Fault fault, bool is_open = false) {
  Descriptor& d = twin_descriptor(ComponentKind::kProvider);
  bind_spec(d, ConfigSpec<Config>()
                   .field("password", &Config::password,
                          {.description = "What it proves itself with.", .secret = !is_open})
                   .field("base_url", &Config::base_url, {.description = "Where it is."}));
  d.create_provider = [fault](const ParsedConfig& parsed, const std::string&) -> Result<AiConnection> {
    const auto& config = config_of<Config>(parsed);
    AiConnection made;
    made.provider = std::make_unique<TwinProvider>(fault);
    made.access = {config.base_url, config.password, {}};
    return made;
  };
  return {.descriptor = &d,
          .connection =
              [](uint16_t port, const std::string& secret) {
                return "{base_url: \"http://127.0.0.1:" + std::to_string(port) + "\", password: " + secret + "}";
              },
          .limit_ms = kTwinLimitMs};
}

}  // namespace

Subject honest_provider() {
  return twin(Fault::kNone);
}

std::vector<Twin> broken_providers() {
  return {
      {"says nothing of a setting", "documented", "has no description", undocumented(twin(Fault::kNone))},
      {"asks somebody else", "address", "it asks https://api.example.org", twin(Fault::kElsewhere)},
      {"puts its key into the URL", "address", "not in a header alone", twin(Fault::kKeyInUrl)},
      {"forgets its key", "address", "no header has the key", twin(Fault::kNoKey)},
      {"never ends", "ends", "it never ended", twin(Fault::kNeverEnds)},
      {"ends twice", "ends", "behind its end", twin(Fault::kEndsTwice)},
      {"believes anything", "ends", "took for an answer", twin(Fault::kBelieves)},
      {"tells another status", "ends", "of another status", twin(Fault::kOtherStatus)},
      {"shows its password", "secrets", "the settings show it", twin(Fault::kNone, true)},
  };
}

}  // namespace colloquium::compliance
