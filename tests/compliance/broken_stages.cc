#include "colloquium/config_types.h"

#include "tests/compliance/broken_components.h"

namespace colloquium::compliance {
namespace {

enum class Fault {
  kNone,
  kLosesKey,       // of each event
  kLosesEvent,     // the last of a batch
  kSwaps,          // the last two
  kDoubles,        // the last one
  kMixesFailures,  // tells them from the last to the first
  kFailsMutely,    // without a reason
  kCounts,         // lets through what it has seen an even number of events before
  kStopsAtFailure  // leaves out what follows one
};

struct Config {
  std::string password;
};

class TwinStage final : public PureStage {
 public:
  explicit TwinStage(Fault fault) : fault_(fault) {}

  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override {
    std::vector<size_t> kept;
    for (size_t i = 0; i < input.size(); ++i) {
      if (input.value(i).find("bad") == std::string_view::npos) {
        if (fault_ != Fault::kCounts || seen_++ % 2 == 0) kept.push_back(i);
        continue;
      }
      failed.push_back(
          {i, Error{ErrorCode::kInvalidInput, fault_ == Fault::kFailsMutely ? "" : "it is bad", false, {}}});
      if (fault_ == Fault::kStopsAtFailure) break;
    }
    if (fault_ == Fault::kMixesFailures) failed = {failed.rbegin(), failed.rend()};
    const size_t count = kept.size();
    if (fault_ == Fault::kLosesEvent && count > 0) kept.pop_back();
    if (fault_ == Fault::kDoubles && count > 0) kept.push_back(kept.back());
    if (fault_ == Fault::kSwaps && count > 1) std::swap(kept[count - 1], kept[count - 2]);
    for (const size_t i : kept) keep(input, i, output);
  }
  bool needs_tape() const override { return false; }
  void set_output_tape(bool) override {}

 private:
  void keep(const Batch& input, size_t i, BatchBuilder& output) const {
    if (fault_ != Fault::kLosesKey) return output.keep(input, i);
    output.add(input.value(i), {},
               {.timestamp_ms = input.entry(i).timestamp_ms, .offset_delta = input.entry(i).offset_delta});
  }

  const Fault fault_;
  uint64_t seen_ = 0;
};

Subject twin(Fault fault, bool is_open = false) {
  Descriptor& d = twin_descriptor(ComponentKind::kStage);
  bind_spec(d, ConfigSpec<Config>().field("password", &Config::password,
                                          {.description = "What it proves itself with.", .secret = !is_open}));
  d.create_pure_stage = [fault](const ParsedConfig&, ComponentContext) -> Result<std::unique_ptr<PureStage>> {
    return std::make_unique<TwinStage>(fault);
  };
  return {.descriptor = &d,
          .stage = "{}",
          .connection = [](uint16_t, const std::string& secret) { return "{password: " + secret + "}"; },
          .limit_ms = kTwinLimitMs};
}

}  // namespace

Subject honest_stage() {
  return twin(Fault::kNone);
}

std::vector<Twin> broken_stages() {
  return {
      {"says nothing of a setting", "documented", "has no description", undocumented(twin(Fault::kNone))},
      {"loses keys", "keeps", "it made", twin(Fault::kLosesKey)},
      {"loses an event", "keeps", "is missing", twin(Fault::kLosesEvent)},
      {"swaps two events", "keeps", "it made", twin(Fault::kSwaps)},
      {"doubles an event", "keeps", "more events", twin(Fault::kDoubles)},
      {"tells failures backwards", "failures", "3, 10 and 17", twin(Fault::kMixesFailures)},
      {"fails without a reason", "failures", "no message", twin(Fault::kFailsMutely)},
      {"stops at a failure", "failures", "3, 10 and 17", twin(Fault::kStopsAtFailure)},
      {"remembers what it was given", "batches", "the second run", twin(Fault::kCounts)},
      {"shows its password", "secrets", "the settings show it", twin(Fault::kNone, true)},
  };
}

}  // namespace colloquium::compliance
