#include "computo/prepared.h"

#include <algorithm>
#include <functional>

#include "base/assert.h"

namespace colloquium::computo {

namespace {
uint64_t hash_of(std::string_view kind, std::string_view text) {
  const std::hash<std::string_view> hash;
  return hash(text) * 31 + hash(kind);
}
}  // namespace

// The hashes fit a few cache lines, so passing over all of them costs less than a table's indirections.
const Prepared* PreparedCache::look_up(std::string_view kind, std::string_view text) {
  ASSERT(hashes_.size() == entries_.size());
  const uint64_t hash = hash_of(kind, text);
  for (auto at = hashes_.begin(); (at = std::find(at, hashes_.end(), hash)) != hashes_.end(); ++at) {
    Entry& entry = entries_[static_cast<size_t>(at - hashes_.begin())];
    if (entry.kind != kind || entry.text != text) continue;
    entry.used = ++clock_;
    return entry.object.get();
  }
  return nullptr;
}

void PreparedCache::drop_oldest() {
  ASSERT(!entries_.empty());
  const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                       [](const Entry& a, const Entry& b) { return a.used < b.used; });
  bytes_ -= oldest->bytes;
  hashes_[static_cast<size_t>(oldest - entries_.begin())] = hashes_.back();
  if (&*oldest != &entries_.back()) *oldest = std::move(entries_.back());
  hashes_.pop_back();
  entries_.pop_back();
}

// The entry used last stays whatever its size: an operator may be holding it while it adds another.
const Prepared* PreparedCache::insert(std::string_view kind, std::string_view text,
                                      std::unique_ptr<const Prepared> object) {
  ASSERT(object != nullptr);
  const size_t bytes = object->bytes() + text.size();
  while (entries_.size() >= kMostPrepared || (entries_.size() > 1 && bytes_ + bytes > kMostPreparedBytes)) {
    drop_oldest();
  }
  const Prepared* const kept = object.get();
  hashes_.push_back(hash_of(kind, text));
  entries_.push_back({++clock_, bytes, kind, std::string(text), std::move(object)});
  bytes_ += bytes;
  return kept;
}

Tool* Tools::look_up(std::string_view kind) const {
  ASSERT(!kind.empty());
  for (const Entry& entry : entries_) {
    if (entry.kind == kind) return entry.tool.get();
  }
  return nullptr;
}

Tool* Tools::insert(std::string_view kind, std::unique_ptr<Tool> tool) {
  ASSERT(look_up(kind) == nullptr);
  entries_.push_back({kind, std::move(tool)});
  return entries_.back().tool.get();
}

}  // namespace colloquium::computo
