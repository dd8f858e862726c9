#include "ai/answer_cache.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

// With what the tables take for each.
constexpr size_t kEntryBytes = 512;

size_t size_of(const CallRecord& record) {
  const CallContent& content = record.content;
  size_t bytes = kEntryBytes + content.text.size();
  for (const AiToolCall& call : content.tool_calls) {
    bytes += sizeof(call) + call.id.size() + call.name.size() + call.arguments.size();
  }
  for (const auto& vector : content.embeddings) bytes += sizeof(vector) + vector.size() * sizeof(float);
  return bytes;
}

}  // namespace

void AnswerCache::erase(Order::iterator at) {
  bytes_ -= at->bytes;
  by_key_.erase(at->answer->cache->key);
  by_call_.erase(at->answer->tags.call);
  order_.erase(at);
}

void AnswerCache::put(std::shared_ptr<const CallRecord> answer) {
  ASSERT(answer->kind == RecordKind::kAnswer && answer->cache);
  const auto old = by_key_.find(answer->cache->key);
  if (old != by_key_.end()) erase(old->second);
  const size_t bytes = size_of(*answer);
  if (bytes > bytes_max_) return;
  while (bytes_ + bytes > bytes_max_) erase(std::prev(order_.end()));
  order_.push_front({std::move(answer), bytes});
  bytes_ += bytes;
  by_key_.emplace(order_.front().answer->cache->key, order_.begin());
  by_call_.insert_or_assign(order_.front().answer->tags.call, order_.begin());
}

void AnswerCache::remove(const std::string& call) {
  const auto found = by_call_.find(call);
  if (found != by_call_.end()) erase(found->second);
}

std::shared_ptr<const CallRecord> AnswerCache::find(const io::Digest128& key, int64_t ttl_ms, int64_t now_ms) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const auto at = found->second;
  const CallRecord& record = *at->answer;
  if (record.cache->until_ms <= now_ms) {
    erase(at);
    return nullptr;
  }
  if (record.tags.at_ms + record.took_ms + ttl_ms <= now_ms) return nullptr;
  order_.splice(order_.begin(), order_, at);
  return at->answer;
}

}  // namespace colloquium::ai
