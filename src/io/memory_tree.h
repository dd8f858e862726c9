// The state behind MemoryFileSystem: nodes with what a program sees and what would survive a power cut.
//
// Private to src/io. Thread safety: none; MemoryFileSystem holds one mutex over all of it.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "colloquium/clock.h"

namespace colloquium::io {

inline constexpr uint64_t kSectorBytes = 512;

// A file or a folder. A folder's names live here too.
struct MemoryNode {
  uint64_t inode = 0;
  bool is_directory = false;

  // File content as programs see it, and as the disk has it.
  std::string live;
  std::string durable;
  std::string former;  // `durable` before the last sync that replaced or cut off any of it
  // Bytes in which the two may differ, beside their sizes.
  uint64_t dirty_begin = ~uint64_t{0};
  uint64_t dirty_end = 0;

  // Names of a folder, likewise.
  std::map<std::string, std::shared_ptr<MemoryNode>> names;
  std::map<std::string, std::shared_ptr<MemoryNode>> durable_names;

  void write(uint64_t offset, std::string_view bytes);
  void truncate(uint64_t size);
  void sync();

  // What a power cut leaves: the durable bytes; with `chance` also any of the 512-byte sectors and sizes
  // that were on their way, and of a sector now and then only a part.
  void cut_power(Random* chance);

 private:
  void keep_some_sectors(Random& chance);
};

using MemoryNodePtr = std::shared_ptr<MemoryNode>;

// A change of one folder's names that is not durable yet. `node` null: the name was removed.
struct PendingName {
  MemoryNodePtr folder;
  std::string name;
  MemoryNodePtr node;
  uint64_t step;  // changes of one step (both halves of a rename) persist together
};

class MemoryTree {
 public:
  MemoryTree();

  // Null if there is none. "" and "/" are the root; relative paths start there too.
  MemoryNodePtr find(std::string_view path) const;
  MemoryNodePtr make_node(bool is_directory);

  // REQUIRES: the folder of `path` exists.
  void set_name(const std::string& path, MemoryNodePtr node);
  void rename(const std::string& from, const std::string& to);
  void link(const MemoryNodePtr& node, const std::string& to);
  uint64_t names_of(const MemoryNode& node) const;
  void sync_names(const MemoryNodePtr& folder);

  // Everything not durable is gone; with `chance`, some sectors are kept, and of the pending name changes the
  // first few (most file systems journal them in order) or any (nothing promises that).
  void cut_power(Random* chance);

  std::unique_ptr<MemoryTree> copy() const;

  uint64_t used_bytes() const;

 private:
  void change(const std::string& path, MemoryNodePtr node, uint64_t step);
  void keep_some_names(Random& chance);

  uint64_t next_inode_ = 1;  // before the root, which takes the first
  MemoryNodePtr root_;
  std::list<PendingName> pending_;
  uint64_t next_step_ = 1;
  bool has_links_ = false;  // some node may have several names
};

// Calls `visit` for the node and all below, by the names that programs see.
template <class Visit>
void for_each_node(const MemoryNodePtr& node, const Visit& visit) {
  visit(*node);
  for (const auto& [name, child] : node->names) for_each_node(child, visit);
}

}  // namespace colloquium::io
