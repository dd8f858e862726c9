// Scope: which slot, capture or host variable a name means at a place in the script.
//
// Scoping is lexical. Within the array form of `let` names appear one after the other; a lambda that is
// itself the bound expression sees, besides what was bound before it, itself and every later name of its own
// `let`, through cells (opcodes.h, kCell).
//
// Thread safety: belongs to one compilation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "computo/code.h"

namespace colloquium::computo {

// One `let` while its bindings and body are compiled.
struct LetScope {
  uint32_t depth = 0;           // of the function it stands in
  uint32_t base_slot = 0;       // of its first name
  uint32_t current = 0;         // which binding is being compiled
  bool direct = false;          // …and it is itself a lambda
  std::vector<int> parameters;  // by position: of the function that is bound, -1 if that is not known
  std::vector<bool> cells;      // by position: some function sees the name before it is bound
};

// Where a name's value is found.
struct Resolved {
  enum class Place { kNone, kLocal, kCapture, kHost };
  Place place = Place::kNone;
  uint32_t index = 0;
};

class Scope {
 public:
  void add_host(std::string_view name, uint32_t index);

  // Nothing is visible from here on (what was is given, to be shown again): an imported script sees only hosts.
  struct Hidden;
  std::shared_ptr<Hidden> hide();
  void show(const std::shared_ptr<Hidden>& hidden);

  // A function begins and ends; the script itself is the first.
  void enter_function();
  std::vector<Capture> leave_function();
  uint32_t depth() const { return static_cast<uint32_t>(functions_.size()) - 1; }

  void add_parameter(std::string_view name, uint32_t slot);
  void remove_parameter(std::string_view name);

  // All names of a `let` (repeats included) become known but not yet bound, in the order of their positions.
  void add_let(LetScope& let, const std::vector<std::string_view>& names);
  void bind(std::string_view name);  // its next position has been evaluated
  void remove_let(const std::vector<std::string_view>& names);

  // What the name means here, innermost first. Marks cells and adds captures on the way.
  Resolved resolve(std::string_view name);

  // How many parameters the function has that the name is bound to; -1 if that is not known.
  int parameters_of(std::string_view name) const;

  // Every name that resolve() finds here, in order.
  std::vector<std::string_view> visible_names() const;

  // The nearest visible name, or nothing.
  std::string suggest(std::string_view name) const;

 private:
  // One meaning of a name.
  struct Binding {
    uint32_t depth = 0;  // of its function
    uint32_t slot = 0;   // of a parameter; index of a host variable
    bool host = false;
    LetScope* let = nullptr;
    std::vector<uint32_t> positions;  // in its let
    size_t bound = 0;                 // how many of them are
  };
  // A function while its body is compiled: what it takes along, each value once.
  struct FunctionScope {
    std::vector<Capture> captures;
    std::unordered_map<uint64_t, uint32_t> known;  // depth and slot of what was captured → index
  };
  struct Found {
    uint32_t depth;
    uint32_t slot;
    bool early;         // before it is bound: through a cell
    uint32_t position;  // in its let
  };

  // Which of a name's positions in its let is meant at this place, if any is visible.
  static bool find_in_let(const Binding& binding, Found& found);
  static bool visible(const Binding& binding, Found& found);
  // The running function's capture of a slot of a function around it, made in every function between.
  uint32_t capture(uint32_t depth, uint32_t slot);

  // Innermost last.
  std::unordered_map<std::string_view, std::vector<Binding>> names_;
  std::vector<FunctionScope> functions_;
};

}  // namespace colloquium::computo
