#include "computo/scope.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/suggest.h"

namespace colloquium::computo {

struct Scope::Hidden {
  std::unordered_map<std::string_view, std::vector<Binding>> names;
};

std::shared_ptr<Scope::Hidden> Scope::hide() {
  auto hidden = std::make_shared<Hidden>();
  hidden->names.swap(names_);
  return hidden;
}

void Scope::show(const std::shared_ptr<Hidden>& hidden) {
  names_.swap(hidden->names);
}

void Scope::add_host(std::string_view name, uint32_t index) {
  Binding binding;
  binding.slot = index;
  binding.host = true;
  names_[name].push_back(std::move(binding));
}

void Scope::enter_function() {
  functions_.emplace_back();
}

std::vector<Capture> Scope::leave_function() {
  ASSERT(!functions_.empty());
  std::vector<Capture> captures = std::move(functions_.back().captures);
  functions_.pop_back();
  return captures;
}

void Scope::add_parameter(std::string_view name, uint32_t slot) {
  ASSERT(!functions_.empty());
  Binding binding;
  binding.depth = depth();
  binding.slot = slot;
  names_[name].push_back(std::move(binding));
}

void Scope::remove_parameter(std::string_view name) {
  ASSERT(!names_[name].empty());
  names_[name].pop_back();
}

// Names of a let stand on the table from its beginning; find_in_let says at which place which of them is visible.
void Scope::add_let(LetScope& let, const std::vector<std::string_view>& names) {
  ASSERT(let.cells.size() == names.size());
  for (uint32_t position = 0; position < names.size(); ++position) {
    auto& stack = names_[names[position]];
    if (stack.empty() || stack.back().let != &let) {
      Binding binding;
      binding.depth = let.depth;
      binding.let = &let;
      stack.push_back(std::move(binding));
    }
    stack.back().positions.push_back(position);
  }
}

void Scope::bind(std::string_view name) {
  Binding& binding = names_[name].back();
  ASSERT(binding.let != nullptr && binding.bound < binding.positions.size());
  ++binding.bound;
}

void Scope::remove_let(const std::vector<std::string_view>& names) {
  for (const std::string_view name : names) {
    auto& stack = names_[name];
    ASSERT(!stack.empty() && stack.back().let != nullptr);
    // A repeated name has one entry and is removed with its last position.
    if (stack.back().positions.size() > 1) {
      stack.back().positions.pop_back();
    } else {
      stack.pop_back();
    }
  }
}

bool Scope::find_in_let(const Binding& binding, Found& found) {
  const LetScope& let = *binding.let;
  const bool more = binding.bound < binding.positions.size();
  uint32_t position = 0;
  if (let.direct && more && binding.positions[binding.bound] == let.current) {
    position = let.current;  // the function itself
    found.early = true;
  } else if (binding.bound > 0) {
    position = binding.positions[binding.bound - 1];
  } else if (let.direct && more) {
    position = binding.positions[binding.bound];
    found.early = true;
  } else {
    return false;
  }
  ASSERT(position < let.cells.size());
  found.position = position;
  found.slot = let.base_slot + position;
  return true;
}

bool Scope::visible(const Binding& binding, Found& found) {
  found = {binding.depth, binding.slot, false, 0};
  ASSERT(!binding.host || binding.let == nullptr);
  return binding.let == nullptr || find_in_let(binding, found);
}

Resolved Scope::resolve(std::string_view name) {
  ASSERT(!functions_.empty());
  const auto entry = names_.find(name);
  if (entry == names_.end()) return {};
  for (auto binding = entry->second.rbegin(); binding != entry->second.rend(); ++binding) {
    Found found;
    if (!visible(*binding, found)) continue;
    if (binding->host) return {Resolved::Place::kHost, binding->slot};
    if (found.early) binding->let->cells[found.position] = true;
    if (found.depth == depth()) return {Resolved::Place::kLocal, found.slot};
    return {Resolved::Place::kCapture, capture(found.depth, found.slot)};
  }
  return {};
}

int Scope::parameters_of(std::string_view name) const {
  const auto entry = names_.find(name);
  if (entry == names_.end()) return -1;
  for (auto binding = entry->second.rbegin(); binding != entry->second.rend(); ++binding) {
    Found found;
    if (!visible(*binding, found)) continue;
    const bool known = binding->let != nullptr && found.position < binding->let->parameters.size();
    ASSERT(!known || binding->let->parameters[found.position] >= -1);
    return known ? binding->let->parameters[found.position] : -1;
  }
  return -1;
}

uint32_t Scope::capture(uint32_t found_depth, uint32_t slot) {
  ASSERT(found_depth < depth());
  const uint64_t id = (uint64_t{found_depth} << 32) | slot;
  uint32_t index = slot;
  // Each function between takes the value from the one around it, and the first from that one's stack.
  for (uint32_t level = found_depth + 1; level <= depth(); ++level) {
    FunctionScope& function = functions_[level];
    const auto next = static_cast<uint32_t>(function.captures.size());
    const auto [known, added] = function.known.emplace(id, next);
    if (added) function.captures.push_back({level == found_depth + 1, index});
    index = known->second;
  }
  return index;
}

std::vector<std::string_view> Scope::visible_names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, bindings] : names_) {
    Found found;
    const auto seen = [&](const Binding& binding) { return visible(binding, found); };
    if (std::any_of(bindings.begin(), bindings.end(), seen)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Scope::suggest(std::string_view name) const {
  Suggestion suggestion(name);
  for (const auto& [candidate, bindings] : names_) {
    Found found;
    for (const Binding& binding : bindings) {
      if (visible(binding, found)) suggestion.offer(candidate);
    }
  }
  ASSERT(suggestion.best().size() <= name.size() + 2);
  return suggestion.best();
}

}  // namespace colloquium::computo
