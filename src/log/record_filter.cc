#include "log/record_filter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/accept_header.h"
#include "log/log.h"

namespace colloquium::log {
namespace {

using Header = std::pair<std::string_view, std::string_view>;

tl::unexpected<Error> malformed() {
  return fail(ErrorCode::kCorrupt, "a batch's records are malformed although its checksum holds");
}

// The header in which the log says where the batch came from, without ids; empty if it does not.
std::pair<std::string_view, std::string> source_header(const Record& first) {
  const auto ours = std::find_if(first.headers.begin(), first.headers.end(),
                                 [](const Header& header) { return is_batch_header(header.first); });
  if (ours == first.headers.end()) return {};
  if (ours->first == kSourceHeader) return {kSourceHeader, std::string(ours->second)};
  std::optional<AcceptInfo> accept = get_accept(ours->second);
  // Of a version that is not known here: kept as it is.
  if (!accept) return {kAcceptHeader, std::string(ours->second)};
  accept->id_hashes.clear();
  return {kAcceptHeader, put_accept(*accept)};
}

}  // namespace

Result<bool> CheckedRecords::next(Record& record) {
  if (!reader_.next(record)) return reader_.ok() ? Result<bool>(false) : malformed();
  if (record.offset_delta <= before_ || record.offset_delta > last_offset_delta_) return malformed();
  before_ = record.offset_delta;
  return true;
}

bool is_version(const Record& record) {
  const auto& headers = record.headers;
  return record.key && std::none_of(headers.begin(), headers.end(),
                                    [](const Header& header) { return header.first == kLegHeader; });
}

bool RecordFilter::stays(const BatchHeader& header, const Record& record) {
  const int64_t offset = header.base_offset + record.offset_delta;
  ASSERT(offset >= 0);
  if (drop_tombstones_ && !record.value && record.key) return false;
  if (!record.key || offset >= below_) return true;
  const std::optional<int64_t> newest = newest_.find(*record.key);
  return !newest || *newest <= offset;
}

Result<RecordFilter::Verdict> RecordFilter::judge(const BatchHeader& header, std::string_view unpacked) {
  ASSERT(!header.is_control());
  Verdict verdict;
  verdict.count = header.record_count;
  CheckedRecords records(header, unpacked);
  Record record;
  for (;;) {
    TRY_ASSIGN(const bool more, records.next(record));
    if (!more) return verdict;
    if (!stays(header, record)) continue;
    ++verdict.left;
    if (!record.value && record.key) ++verdict.tombstones;
  }
}

Result<std::string_view> RecordFilter::filter(const BatchHeader& header, std::string_view unpacked) {
  raw_.clear();
  RecordReader reader(unpacked, header.record_count);
  Record record;
  std::pair<std::string_view, std::string> source;
  bool first_read = true;
  while (reader.next(record)) {
    if (std::exchange(first_read, false)) source = source_header(record);
    if (!stays(header, record)) continue;
    if (!raw_.empty() || source.second.empty()) {
      raw_ += reader.bytes();
      continue;
    }
    record.headers.erase(std::remove_if(record.headers.begin(), record.headers.end(),
                                        [](const Header& each) { return is_batch_header(each.first); }),
                         record.headers.end());
    record.headers.insert(record.headers.begin(), Header(source.first, source.second));
    append_record(raw_, record);
  }
  ASSERT_WHY(reader.ok() && !raw_.empty(), "the batch was judged before");
  if (header.codec() == Codec::kNone) return std::string_view(raw_);
  TRY(compressor_.compress(static_cast<io::Compression>(header.codec()), raw_, packed_));
  return std::string_view(packed_);
}

}  // namespace colloquium::log
