// Prepared: what an operator makes of a text once and then only uses: a compiled regular expression, a schema,
// a parsed format; and Tool: working memory of an operator that outlives the event (a hash context, a parser).
//
// Both belong to a Machine and to one thread. Prepared objects are kept per kind and text, the least recently
// used are dropped: at most kMostPrepared of them and kMostPreparedBytes, whatever the events contain. Finding
// one allocates nothing. Tools are made at first use and kept; their number is that of the types of tools.
//
// Ownership: the cache owns; a pointer it gave is good until the second add() after it.
// Errors: none of its own; what cannot be prepared is the operator's to report, and is not remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace colloquium::computo {

inline constexpr size_t kMostPrepared = 256;
inline constexpr size_t kMostPreparedBytes = 64u << 20;

// A kind of prepared object derives from this and names itself: static constexpr std::string_view kKind.
class Prepared {
 public:
  Prepared() = default;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  virtual ~Prepared() = default;
  virtual size_t bytes() const = 0;  // roughly what it holds, or may come to hold
};

class PreparedCache {
 public:
  // Null if there is none.
  template <class T>
  const T* find(std::string_view text) {
    return static_cast<const T*>(look_up(T::kKind, text));
  }
  // REQUIRES: find() gave null for it.
  template <class T>
  const T* add(std::string_view text, std::unique_ptr<const T> made) {
    return static_cast<const T*>(insert(T::kKind, text, std::move(made)));
  }

  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    uint64_t used;  // when it was, in look-ups
    size_t bytes;
    std::string_view kind;
    std::string text;
    std::unique_ptr<const Prepared> object;
  };
  const Prepared* look_up(std::string_view kind, std::string_view text);
  const Prepared* insert(std::string_view kind, std::string_view text, std::unique_ptr<const Prepared> object);
  void drop_oldest();

  std::vector<uint64_t> hashes_;  // of entries_, apart: a look-up reads these alone
  std::vector<Entry> entries_;
  uint64_t clock_ = 0;
  size_t bytes_ = 0;
};

class Tool {
 public:
  Tool() = default;
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;
  virtual ~Tool() = default;
};

// One of each type: static constexpr std::string_view kKind names it.
class Tools {
 public:
  template <class T>
  T& get() {
    Tool* found = look_up(T::kKind);
    return *static_cast<T*>(found != nullptr ? found : insert(T::kKind, std::make_unique<T>()));
  }

 private:
  struct Entry {
    std::string_view kind;
    std::unique_ptr<Tool> tool;
  };
  Tool* look_up(std::string_view kind) const;
  Tool* insert(std::string_view kind, std::unique_ptr<Tool> tool);

  std::vector<Entry> entries_;
};

}  // namespace colloquium::computo
