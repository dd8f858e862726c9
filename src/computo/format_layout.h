// Layout: text with places where lines may end, printed so that as much as fits stands on one line.
//
// A group stands on one line if what it holds, and what follows up to the next possible end of a line, fits;
// else every space and gap directly in it ends a line, while groups inside are asked anew. What holds a new line
// or a comment never fits. Source: P. Wadler, "A prettier printer"; linear, since a group is measured no further
// than a line is long.
//
// Thread safety: belongs to one thread. Texts must outlive the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace colloquium::computo {

class Layout {
 public:
  using Piece = uint32_t;

  Piece text(std::string_view text);
  Piece space() { return line(Kind::kSpace, false); }                         // a space, or the end of a line
  Piece gap(bool blank = false) { return line(Kind::kGap, blank); }           // nothing, or the end of a line
  Piece new_line(bool blank = false) { return line(Kind::kNewLine, blank); }  // always; `blank`: an empty line too
  // A space that becomes an empty line if its group is broken.
  Piece blank_space() { return line(Kind::kSpace, true); }
  // Goes to the end of the line it is met on, whatever else comes there.
  Piece comment(std::string_view text);
  Piece join(const std::vector<Piece>& pieces);
  Piece join(std::initializer_list<Piece> pieces) { return join(std::vector<Piece>(pieces)); }
  Piece indent(Piece piece);
  Piece group(Piece piece);
  // A group that never stands on one line.
  Piece broken_group(Piece piece);

  // Whether it holds a new line or a comment.
  bool is_broken(Piece piece) const { return nodes_[piece].broken; }
  // Columns on one line. REQUIRES: not is_broken.
  size_t width(Piece piece) const { return nodes_[piece].width; }

  // Ends with a line's end.
  std::string print(Piece root, size_t columns);

 private:
  enum class Kind : uint8_t { kText, kSpace, kGap, kNewLine, kComment, kJoin, kIndent, kGroup };
  struct Node {
    Kind kind;
    bool broken = false;
    bool blank = false;
    uint32_t first = 0;  // kJoin: in children_; kIndent, kGroup: the piece
    uint32_t count = 0;
    size_t width = 0;
    std::string_view text;
  };
  // Something still to print.
  struct Task {
    Piece piece;
    uint32_t indent;
    bool flat;
  };

  Piece line(Kind kind, bool blank);
  Piece add(Node node);
  Piece wrap(Kind kind, Piece piece);
  void push_children(const Node& node, const Task& task, std::vector<Task>& tasks) const;
  bool fits(const Task& task, size_t room) const;
  void print_one(const Task& task);
  void end_line(uint32_t indent, bool blank);
  void end_comments(uint32_t indent);

  std::vector<Node> nodes_;
  std::vector<Piece> children_;

  // While printing.
  size_t columns_ = 0;
  size_t column_ = 0;
  std::string out_;
  std::vector<Task> tasks_;
  std::vector<std::string_view> comments_;
};

// How many characters a text has.
size_t character_count(std::string_view text);

}  // namespace colloquium::computo
