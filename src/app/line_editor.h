// LineEditor: lines typed on a terminal, with editing, history and completion. libedit (BSD licence) is behind it.
//
// The history is a file that is read at the start and written after each line. Thread safety: one thread, one at a
// time: it has the terminal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace colloquium::app {

class LineEditor {
 public:
  // Gives what the last word of a text may become.
  using Complete = std::function<std::vector<std::string>(std::string_view text)>;

  // `history_file` may be empty: then there is a history only while it lives.
  LineEditor(const std::string& history_file, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // Without its end; nothing when the user closes the input.
  std::optional<std::string> read(const std::string& prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What all candidates begin with.
std::string common_beginning(const std::vector<std::string>& candidates);

}  // namespace colloquium::app
