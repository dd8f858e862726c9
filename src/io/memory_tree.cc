#include "io/memory_tree.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/assert.h"
#include "io/path.h"

namespace colloquium::io {

void MemoryNode::write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (live.size() < offset + bytes.size()) live.resize(offset + bytes.size());
  live.replace(offset, bytes.size(), bytes);
  dirty_begin = std::min(dirty_begin, offset);
  dirty_end = std::max<uint64_t>(dirty_end, offset + bytes.size());
}

void MemoryNode::truncate(uint64_t size) {
  dirty_begin = std::min<uint64_t>(dirty_begin, std::min<uint64_t>(size, live.size()));
  dirty_end = std::max<uint64_t>(dirty_end, std::max<uint64_t>(size, live.size()));
  live.resize(size);
}

void MemoryNode::sync() {
  if (std::min(dirty_begin, uint64_t{live.size()}) < durable.size()) former = durable;
  durable.resize(live.size());
  const uint64_t end = std::min<uint64_t>(dirty_end, live.size());
  if (dirty_begin < end) durable.replace(dirty_begin, end - dirty_begin, live, dirty_begin, end - dirty_begin);
  dirty_begin = ~uint64_t{0};
  dirty_end = 0;
}

void MemoryNode::keep_some_sectors(Random& chance) {
  // The size travels on its own: the old one, the new one, or a sector's border between them.
  uint64_t size = durable.size();
  const uint64_t low = std::min(durable.size(), live.size());
  const uint64_t high = std::max(durable.size(), live.size());
  switch (chance.next() % 3) {
    case 0:
      break;
    case 1:
      size = live.size();
      break;
    default:
      size = std::clamp(low + chance.next() % (high - low + 1) / kSectorBytes * kSectorBytes, low, high);
      break;
  }
  std::string kept = durable;
  kept.resize(size);
  for (uint64_t at = dirty_begin / kSectorBytes * kSectorBytes; at < std::min(dirty_end, size);
       at += kSectorBytes) {
    const uint64_t end = std::min<uint64_t>({at + kSectorBytes, size, live.size()});
    const uint64_t fate = chance.next() % 16;
    if (at >= end || fate < 7) continue;
    uint64_t begin = at;
    uint64_t length = end - at;
    if (fate == 7) length = chance.next() % length;                       // torn: only its first bytes …
    if (fate == 8) length -= (begin = at + chance.next() % length) - at;  // … or only its last
    kept.replace(begin, length, live, begin, length);
  }
  durable = std::move(kept);
}

void MemoryNode::cut_power(Random* chance) {
  if (chance != nullptr && dirty_begin < dirty_end) keep_some_sectors(*chance);
  live = durable;
  names = durable_names;
  dirty_begin = ~uint64_t{0};
  dirty_end = 0;
}

MemoryTree::MemoryTree() : root_(make_node(true)) {}

MemoryNodePtr MemoryTree::make_node(bool is_directory) {
  auto node = std::make_shared<MemoryNode>();
  node->inode = next_inode_++;
  node->is_directory = is_directory;
  return node;
}

MemoryNodePtr MemoryTree::find(std::string_view path) const {
  MemoryNodePtr node = root_;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    const auto found = node->names.find(std::string(name));
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

void MemoryTree::change(const std::string& path, MemoryNodePtr node, uint64_t step) {
  const MemoryNodePtr folder = find(parent_of(path));
  ASSERT(folder != nullptr && folder->is_directory);
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (node != nullptr) {
    folder->names[name] = node;
  } else {
    folder->names.erase(name);
  }
  pending_.push_back({folder, name, std::move(node), step});
}

void MemoryTree::set_name(const std::string& path, MemoryNodePtr node) {
  change(path, std::move(node), next_step_++);
}

void MemoryTree::rename(const std::string& from, const std::string& to) {
  const MemoryNodePtr node = find(from);
  ASSERT(node != nullptr);
  const uint64_t step = next_step_++;
  change(from, nullptr, step);
  change(to, node, step);
}

void MemoryTree::link(const MemoryNodePtr& node, const std::string& to) {
  ASSERT(node != nullptr && !node->is_directory);
  has_links_ = true;
  set_name(to, node);
}

uint64_t MemoryTree::names_of(const MemoryNode& node) const {
  if (!has_links_) return 1;
  uint64_t names = 0;
  for_each_node(root_, [&](const MemoryNode& other) { names += &other == &node ? 1 : 0; });
  return names;
}

namespace {
void apply(const PendingName& pending) {
  if (pending.node != nullptr) {
    pending.folder->durable_names[pending.name] = pending.node;
  } else {
    pending.folder->durable_names.erase(pending.name);
  }
}
}  // namespace

void MemoryTree::sync_names(const MemoryNodePtr& folder) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->folder != folder) {
      ++it;
      continue;
    }
    apply(*it);
    it = pending_.erase(it);
  }
}

// Both halves of a rename, or neither.
void MemoryTree::keep_some_names(Random& chance) {
  const bool in_order = chance.next() % 2 == 0;
  uint64_t kept = chance.next() % (pending_.size() + 1);
  uint64_t last_step = 0;
  bool keep = true;
  for (const PendingName& pending : pending_) {
    if (pending.step != last_step) keep = in_order ? kept != 0 : chance.next() % 2 == 0;
    if (kept != 0) --kept;
    last_step = pending.step;
    if (keep) apply(pending);
  }
}

void MemoryTree::cut_power(Random* chance) {
  if (chance != nullptr && !pending_.empty()) keep_some_names(*chance);
  pending_.clear();
  // Top down by durable names: cutting a folder restores the names below it, which are then visited.
  root_->cut_power(chance);
  for_each_node(root_, [&](MemoryNode& node) {
    if (&node != root_.get()) node.cut_power(chance);
  });
}

uint64_t MemoryTree::used_bytes() const {
  uint64_t used = 0;
  std::unordered_set<const MemoryNode*> seen;  // a file with two names takes its space once
  for_each_node(root_, [&](const MemoryNode& node) {
    if (!has_links_ || seen.insert(&node).second) used += node.live.size();
  });
  return used;
}

namespace {
// Copies what hangs below a node, by both kinds of names; a node with two names stays one node.
class Copier {
 public:
  MemoryNodePtr copy(const MemoryNodePtr& node) {
    if (node == nullptr) return nullptr;
    MemoryNodePtr& made = copies_[node.get()];
    if (made != nullptr) return made;
    const MemoryNodePtr fresh = made = std::make_shared<MemoryNode>(*node);
    for (auto& [name, child] : fresh->names) child = copy(child);
    for (auto& [name, child] : fresh->durable_names) child = copy(child);
    return fresh;
  }

 private:
  std::unordered_map<const MemoryNode*, MemoryNodePtr> copies_;
};
}  // namespace

std::unique_ptr<MemoryTree> MemoryTree::copy() const {
  auto tree = std::make_unique<MemoryTree>();
  Copier copier;
  tree->root_ = copier.copy(root_);
  for (const PendingName& pending : pending_) {
    tree->pending_.push_back({copier.copy(pending.folder), pending.name, copier.copy(pending.node), pending.step});
  }
  tree->next_inode_ = next_inode_;
  tree->next_step_ = next_step_;
  tree->has_links_ = has_links_;
  return tree;
}

}  // namespace colloquium::io
