#include "ai/recorded_costs.h"

#include <map>
#include <string_view>
#include <utility>

#include "ai/call_record.h"
#include "ai/call_records.h"
#include "log/data_directory.h"
#include "log/journal_look.h"

namespace colloquium::ai {
namespace {

// Between two looks retention may remove what the first one said is still needed.
constexpr int kLooks = 5;

class CostReader {
 public:
  CostReader(io::FileSystem& fs, const std::string& directory, const std::shared_ptr<const log::KeyRing>& keys)
      : fs_(fs), directory_(directory), keys_(keys) {}

  // Null `state`: the leg has committed nothing yet.
  Result<RecordedCosts> read(const std::string& records, const log::LegState* state, bool has_stream) {
    CountedLedger sums;
    if (state != nullptr) {
      auto stored = CountedLedger::parse(state->sink_token);
      if (!stored) return unreadable(records, stored.error());
      sums = std::move(*stored);
    }
    open_.clear();
    if (has_stream) TRY(add_records(records, state, sums));
    RecordedCosts costs{records, std::move(sums.ledger), static_cast<int64_t>(open_.size()), {}};
    for (const auto& [call, reserved] : open_) costs.open_reserved += reserved;
    return costs;
  }

 private:
  static tl::unexpected<Error> unreadable(const std::string& records, const Error& why) {
    return fail(ErrorCode::kCorrupt, "cannot read what the calls of '" + records + "' cost: " + why.message);
  }

  Status add_records(const std::string& records, const log::LegState* state, CountedLedger& sums) {
    const std::string stream = records + std::string(kCallsSuffix);
    int64_t from = 0;
    if (state != nullptr) {
      for (const auto& at : state->positions) {
        if (at.stream == stream) from = at.next_offset;
      }
    }
    TRY_ASSIGN(const auto reader,
               log::open_reader(fs_, directory_, stream, 0, from, keys_, nullptr, state != nullptr && from > 0));
    for (;;) {
      TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
      if (batch == nullptr) return {};
      for (size_t i = 0; i < batch->size(); ++i) {
        if (batch->offset(i) < from) continue;
        auto record = parse_record(batch->value(i));
        // A stage may be named "calls", too: nothing has ever committed sums of its stream.
        if (!record && state == nullptr) return {};
        if (!record) return unreadable(records, record.error());
        add(*record, batch->offset(i), sums);
      }
    }
  }

  void add(const CallRecord& record, int64_t offset, CountedLedger& sums) {
    if (offset >= sums.counted) sums.ledger.add(record);
    if (record.kind == RecordKind::kIntent) {
      open_[record.tags.call] = record.tags.reserved;
    } else if (record.kind != RecordKind::kReuse) {
      open_.erase(record.tags.call);
    }
  }

  io::FileSystem& fs_;
  const std::string& directory_;
  const std::shared_ptr<const log::KeyRing>& keys_;
  std::map<std::string, NanoUsd> open_;
};

bool is_of(const std::string& records, const std::optional<std::string>& pipeline) {
  return !pipeline || records == *pipeline || records.starts_with(*pipeline + ".replay-");
}

// The journal before the streams: whatever it speaks of is in one that is listed.
Result<std::vector<RecordedCosts>> look(io::FileSystem& fs, const std::string& directory,
                                        const std::optional<std::string>& pipeline,
                                        const std::shared_ptr<const log::KeyRing>& keys) {
  TRY_ASSIGN(const log::JournalLook journal, log::look_into_journal(fs, directory, keys));
  if (!journal.closed.empty()) {
    return fail(ErrorCode::kPermission, "cannot read what calls cost: " + journal.closed);
  }
  TRY_ASSIGN(const auto streams, log::list_data_directory(fs, directory));
  std::map<std::string, bool> all;  // whether there is a stream
  const auto note = [&](const std::string& name, std::string_view suffix, bool stream) {
    if (!name.ends_with(suffix)) return;
    const std::string records = name.substr(0, name.size() - suffix.size());
    if (is_of(records, pipeline)) all[records] |= stream;
  };
  for (const auto& [leg, state] : journal.state.legs()) note(leg, kCallsLegSuffix, false);
  for (const log::StreamInfo& stream : streams) note(stream.name, kCallsSuffix, true);
  CostReader reader(fs, directory, keys);
  std::vector<RecordedCosts> costs;
  for (const auto& [records, has_stream] : all) {
    const log::LegState* const state = journal.state.leg(records + std::string(kCallsLegSuffix));
    TRY_ASSIGN(RecordedCosts one, reader.read(records, state, has_stream));
    costs.push_back(std::move(one));
  }
  return costs;
}

}  // namespace

Result<std::vector<RecordedCosts>> read_costs(io::FileSystem& fs, const std::string& directory,
                                              const std::optional<std::string>& pipeline,
                                              const std::shared_ptr<const log::KeyRing>& keys) {
  TRY(log::read_format(fs, directory));
  for (int looks = 1;; ++looks) {
    auto costs = look(fs, directory, pipeline, keys);
    if (costs || costs.error().code != ErrorCode::kNotFound || looks == kLooks) return costs;
  }
}

}  // namespace colloquium::ai
