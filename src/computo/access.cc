#include "computo/access.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "computo/number.h"

namespace colloquium::computo {

namespace {

bool view_truthy(const Value& v) {
  const TapeToken& token = v.token();
  switch (token.type()) {
    case TokenType::kNull:
    case TokenType::kFalse:
      return false;
    case TokenType::kTrue:
      return true;
    case TokenType::kString:
    case TokenType::kKey:
      return token.length > 2;
    case TokenType::kArray:
    case TokenType::kObject:
      return token.count > 0;
    case TokenType::kInteger:
    case TokenType::kDouble:
      break;
  }
  ASSERT(token.length > 0);
  return !is_zero(decode_number(v));
}

bool same_escaped_key(const Source& source, uint32_t token, std::string_view key) {
  std::string scratch;
  const json::ValueView view(source.text, source.root, token);
  ASSERT(view.is_escaped());
  return view.string(scratch) == key;
}

// Length and first byte tell nearly all keys of an event apart without a call.
inline bool same_key(const Source& source, uint32_t index, std::string_view key) {
  const TapeToken& token = source.root[index];
  if ((token.flags & kTokenEscaped) != 0) return same_escaped_key(source, index, key);
  if (token.length != key.size() + 2) return false;
  const char* const name = source.text + token.offset + 1;
  return key.empty() || (name[0] == key[0] && std::memcmp(name, key.data(), key.size()) == 0);
}

// The token of the member's value on the tape, 0 if there is none (no member stands at 0).
uint32_t find_on_tape(const Source& source, uint32_t object, std::string_view key) {
  const TapeToken* const root = source.root;
  const uint32_t end = root[object].next;
  const bool duplicates = (root[object].flags & kTokenDuplicateKeys) != 0;
  ASSERT(root[object].type() == TokenType::kObject);
  uint32_t found = 0;
  for (uint32_t i = object + 1; i < end; i = root[i + 1].next) {
    if (!same_key(source, i, key)) continue;
    found = i + 1;
    if (!duplicates) break;
  }
  return found;
}

// One step of a pointer; `v` stays as it is if it leads nowhere, for the message. A step into a view stays a view:
// that is what keeps bytes untouched by access.
bool step_into(Value& v, const Step& step) {
  if (v.kind == Kind::kView) {
    const TapeToken& token = v.token();
    if (token.type() == TokenType::kObject) {
      const uint32_t found = find_on_tape(*v.source, v.size, step.key);
      if (found != 0) v.size = found;
      return found != 0;
    }
    if (token.type() != TokenType::kArray || step.index == kNoIndex) return false;
    const auto element = v.view().element(step.index);
    if (element) v.size = element->index();
    return element.has_value();
  }
  if (v.kind == Kind::kArray) {
    if (step.index >= v.size) return false;
    v = v.items[step.index];
    return true;
  }
  return v.kind == Kind::kObject && find_member(v, step.key, v);
}

}  // namespace

bool is_truthy(const Value& v) {
  switch (v.kind) {
    case Kind::kNull:
    case Kind::kFalse:
      return false;
    case Kind::kTrue:
    case Kind::kUint:
    case Kind::kFunction:
      return true;
    case Kind::kInt:
      return v.integer != 0;
    case Kind::kDouble:
      return v.number != 0;
    case Kind::kString:
    case Kind::kArray:
    case Kind::kObject:
      return v.size > 0;
    case Kind::kView:
      return view_truthy(v);
    case Kind::kCell:
    case Kind::kUnbound:
      break;
  }
  ASSERT_WHY(false, "a slot marker is not a value");
  return false;
}

uint32_t array_size(const Value& v) {
  ASSERT(type_of(v) == Type::kArray);
  return v.kind == Kind::kView ? v.view().count() : v.size;
}

bool text_of(Machine& machine, const Value& v, std::string_view& out) {
  ASSERT(type_of(v) == Type::kString);
  if (v.kind == Kind::kString) {
    out = v.string();
    return true;
  }
  const json::ValueView view = v.view();
  if (!view.is_escaped()) {
    out = view.raw_string();
    return true;
  }
  return machine.decode(view, out);
}

bool key_of(Machine& machine, const json::ValueView& key, Key& out) {
  ASSERT(key.type() == TokenType::kKey);
  std::string_view text;
  if (!key.is_escaped()) {
    text = key.raw_string();
  } else if (!machine.decode(key, text)) {
    return false;
  }
  out = {text.data(), nullptr, static_cast<uint32_t>(text.size()), 0};
  return true;
}

// Values of a view's members stay views; only keys are decoded. Whoever needs order or distinctness pays for the
// sort here, once, and everything behind works on one shape of object.
bool members_of(Machine& machine, const Value& v, Object& out, uint32_t& count) {
  ASSERT(type_of(v) == Type::kObject);
  if (v.kind == Kind::kView) {
    const json::ValueView view = v.view();
    ObjectBuilder builder(machine, view.count());
    if (!builder.valid()) return false;
    for (json::ValueView key = view.first_child(); !key.at_end_of(view);) {
      Key name;
      if (!key_of(machine, key, name)) return false;
      const json::ValueView value = key.next();
      builder.add(name, view_value(v.source, value.index()));
      key = value.next();
    }
    Value built;
    if (!builder.finish(built)) return false;
    out = *built.object;
    count = built.size;
    return true;
  }
  out = *v.object;
  count = v.size;
  return true;
}

bool find_member(const Value& object, std::string_view key, Value& out) {
  ASSERT(type_of(object) == Type::kObject);
  if (object.kind == Kind::kView) {
    const uint32_t found = find_on_tape(*object.source, object.size, key);
    if (found != 0) out = view_value(object.source, found);
    return found != 0;
  }
  // Built objects are sorted, so this is a binary search.
  const Key* const begin = object.object->keys;
  const Key* const end = begin + object.size;
  const Key* at =
      std::lower_bound(begin, end, key, [](const Key& k, std::string_view name) { return k.view() < name; });
  if (at == end || at->view() != key) return false;
  out = object.object->values[at - begin];
  return true;
}

bool follow(Value& v, const Steps& steps, size_t& failed, uint64_t& passed) {
  ASSERT(!steps.empty());
  for (size_t i = 0; i < steps.size(); ++i) {
    if (v.kind == Kind::kView) passed += v.token().count;
    if (step_into(v, steps[i])) continue;
    failed = i;
    return false;
  }
  return true;
}

ObjectBuilder::ObjectBuilder(Machine& machine, uint32_t capacity)
    : machine_(machine),
      mark_(machine.scratch().mark()),
      entries_(machine.allocate_scratch<Entry>(capacity)),
      capacity_(capacity) {}

ObjectBuilder::~ObjectBuilder() {
  machine_.scratch().release(mark_);
}

// Most objects come in order (merge, omit, a sorted source), and then finish() sorts nothing.
void ObjectBuilder::add(const Key& key, const Value& value) {
  ASSERT(count_ < capacity_);
  if (count_ > 0 && entries_[count_ - 1].key.view() >= key.view()) ascending_ = false;
  entries_[count_] = {key, value, count_};
  ++count_;
}

// Equal keys stay in the order they were added, so the last of them is the one that wins.
uint32_t ObjectBuilder::sort_distinct() {
  ASSERT(!ascending_);
  std::sort(entries_, entries_ + count_, [](const Entry& a, const Entry& b) {
    const int order = a.key.view().compare(b.key.view());
    return order != 0 ? order < 0 : a.order < b.order;
  });
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    if (i + 1 < count_ && entries_[i].key.view() == entries_[i + 1].key.view()) continue;
    entries_[kept++] = entries_[i];
  }
  return kept;
}

bool ObjectBuilder::finish(Value& out) {
  if (!machine_.charge(count_)) return false;
  if (!ascending_) count_ = sort_distinct();
  auto* object = machine_.allocate<Object>(1);
  auto* keys = machine_.allocate<Key>(count_);
  auto* values = machine_.allocate<Value>(count_);
  if (object == nullptr || keys == nullptr || values == nullptr) return false;
  for (uint32_t i = 0; i < count_; ++i) {
    keys[i] = entries_[i].key;
    values[i] = entries_[i].value;
  }
  *object = {keys, values};
  ASSERT(count_ <= capacity_);
  out = object_value(object, count_);
  return true;
}

}  // namespace colloquium::computo
