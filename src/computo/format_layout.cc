#include "computo/format_layout.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace colloquium::computo {

namespace {
constexpr uint32_t kIndent = 2;
// Deeper lines stand no further to the right: a long script may not become a thousand times as long.
constexpr uint32_t kMostIndent = 80;
}  // namespace

size_t character_count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Layout::Piece Layout::add(Node node) {
  nodes_.push_back(node);
  ASSERT(nodes_.size() < UINT32_MAX);
  return static_cast<Piece>(nodes_.size() - 1);
}

Layout::Piece Layout::text(std::string_view text) {
  ASSERT(text.find('\n') == std::string_view::npos);
  Node node{Kind::kText};
  node.text = text;
  node.width = character_count(text);
  return add(node);
}

Layout::Piece Layout::line(Kind kind, bool blank) {
  Node node{kind};
  node.broken = kind == Kind::kNewLine;
  node.blank = blank;
  node.width = kind == Kind::kSpace ? 1 : 0;
  return add(node);
}

Layout::Piece Layout::comment(std::string_view text) {
  ASSERT(!text.empty() && text.find('\n') == std::string_view::npos);
  Node node{Kind::kComment};
  node.text = text;
  node.broken = true;
  return add(node);
}

Layout::Piece Layout::join(const std::vector<Piece>& pieces) {
  Node node{Kind::kJoin};
  node.first = static_cast<uint32_t>(children_.size());
  node.count = static_cast<uint32_t>(pieces.size());
  for (const Piece piece : pieces) {
    ASSERT(piece < nodes_.size());
    node.broken = node.broken || nodes_[piece].broken;
    node.width += nodes_[piece].width;
    children_.push_back(piece);
  }
  return add(node);
}

Layout::Piece Layout::wrap(Kind kind, Piece piece) {
  ASSERT(piece < nodes_.size());
  Node node{kind};
  node.first = piece;
  node.broken = nodes_[piece].broken;
  node.width = nodes_[piece].width;
  return add(node);
}

Layout::Piece Layout::indent(Piece piece) {
  return wrap(Kind::kIndent, piece);
}
Layout::Piece Layout::group(Piece piece) {
  return wrap(Kind::kGroup, piece);
}
Layout::Piece Layout::broken_group(Piece piece) {
  const Piece group = wrap(Kind::kGroup, piece);
  nodes_[group].broken = true;
  return group;
}

void Layout::push_children(const Node& node, const Task& task, std::vector<Task>& tasks) const {
  switch (node.kind) {
    case Kind::kJoin:
      for (uint32_t i = node.count; i-- > 0;) tasks.push_back({children_[node.first + i], task.indent, task.flat});
      return;
    case Kind::kIndent:
      return tasks.push_back({node.first, task.indent + kIndent, task.flat});
    default:
      ASSERT(node.kind == Kind::kGroup);
      return tasks.push_back({node.first, task.indent, task.flat && !node.broken});
  }
}

// Whether the task, and what comes after it on the same line, needs no more than `room` columns.
bool Layout::fits(const Task& task, size_t room) const {
  std::vector<Task> inner = {task};
  size_t outer = tasks_.size();
  while (true) {
    if (inner.empty()) {
      if (outer == 0) return true;
      inner.push_back(tasks_[--outer]);
    }
    const Task next = inner.back();
    inner.pop_back();
    const Node& node = nodes_[next.piece];
    const bool line = node.kind == Kind::kSpace || node.kind == Kind::kGap || node.kind == Kind::kNewLine;
    if (line && (!next.flat || node.kind == Kind::kNewLine)) return true;
    if (node.kind == Kind::kText || line) {
      if (node.width > room) return false;
      room -= node.width;
    } else if (node.kind != Kind::kComment) {
      push_children(node, next, inner);
    }
  }
}

// Comments come at the end of the line; of several all but the first stand below it.
void Layout::end_comments(uint32_t indent) {
  for (size_t i = 0; i < comments_.size(); ++i) {
    if (i == 0) {
      out_ += ' ';
    } else {
      out_ += '\n';
      out_.append(indent, ' ');
    }
    out_ += comments_[i];
  }
  comments_.clear();
}

void Layout::end_line(uint32_t depth, bool blank) {
  const uint32_t indent = std::min(depth, kMostIndent);
  end_comments(indent);
  while (out_.ends_with(' ')) out_.pop_back();
  out_ += blank ? "\n\n" : "\n";
  out_.append(indent, ' ');
  column_ = indent;
}

void Layout::print_one(const Task& task) {
  const Node& node = nodes_[task.piece];
  switch (node.kind) {
    case Kind::kText:
      out_ += node.text;
      column_ += node.width;
      return;
    case Kind::kComment:
      return comments_.push_back(node.text);
    case Kind::kSpace:
    case Kind::kGap:
      if (!task.flat) return end_line(task.indent, node.blank);
      if (node.kind == Kind::kSpace) out_ += ' ';
      column_ += node.width;
      return;
    case Kind::kNewLine:
      return end_line(task.indent, node.blank);
    case Kind::kGroup: {
      const Task flat{node.first, task.indent, true};
      const size_t room = columns_ > column_ ? columns_ - column_ : 0;
      if (!node.broken && (task.flat || fits(flat, room))) return tasks_.push_back(flat);
      return tasks_.push_back({node.first, task.indent, false});
    }
    default:
      return push_children(node, task, tasks_);
  }
}

std::string Layout::print(Piece root, size_t columns) {
  ASSERT(tasks_.empty() && columns > 0);
  columns_ = columns;
  column_ = 0;
  out_.clear();
  tasks_.push_back({root, 0, false});
  while (!tasks_.empty()) {
    const Task task = tasks_.back();
    tasks_.pop_back();
    print_one(task);
  }
  end_comments(0);
  while (out_.ends_with(' ')) out_.pop_back();
  out_ += '\n';
  return std::move(out_);
}

}  // namespace colloquium::computo
