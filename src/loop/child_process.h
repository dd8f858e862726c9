// ChildProcess: a program run beside this process, with its standard streams as pipes on the loop.
//
// The child leads a session and process group of its own, so that signals reach whatever it starts, too, and a
// Ctrl-C at our terminal does not reach it behind our back. Its environment is ours, and what is added to it. It
// has ended once it has exited and what it wrote is read. The rest of its group is killed then. What left the
// group and holds a pipe open does not keep it from ending: behind what was in the pipes at the exit nothing more
// is read.
//
// Ownership: create → … → destroyed at any time; destruction kills the group without another callback. The libuv
// handles live on the heap and go in their close callbacks. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium::loop {

class UvLoop;

struct ChildExit {
  int64_t status = 0;
  int signal = 0;  // that ended it; 0: none

  bool is_clean() const { return status == 0 && signal == 0; }
  // "exit status 3", "signal 9 (Killed)".
  std::string describe() const;
};

struct ChildSettings {
  std::vector<std::string> command;  // the program, found by PATH, and its arguments
  std::string directory;             // where it runs; empty: ours
  std::vector<std::pair<std::string, std::string>> environment = {};  // beside ours, and before it
};

// Each is called on the loop, never from inside of a method, and never after the ChildProcess was destroyed, which
// any of them may do.
struct ChildEvents {
  UniqueFunction<void(std::string_view)> output;  // bytes of its standard output
  UniqueFunction<void(std::string_view)> errors;  // and of its standard error
  UniqueFunction<void(ChildExit)> ended;          // once, the last one
};

class ChildProcess {
 public:
  // Fails if the program can't be started; its directory and name are in the message.
  static Result<std::unique_ptr<ChildProcess>> start(UvLoop& loop, const ChildSettings& settings,
                                                     ChildEvents events);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Writes to its standard input; `done` runs on the loop when the pipe has taken everything, or never will (the
  // child has gone). It runs even if the ChildProcess is destroyed before.
  void write(std::shared_ptr<const std::string> bytes, UniqueFunction<void(bool written)> done);
  // Of what was written, what the pipe has not taken yet.
  size_t unwritten_bytes() const;
  // It takes no input any more; what it wrote may still be on its way.
  bool has_exited() const;
  // The end of its input.
  void close_input();

  // Stops and goes on reading its standard output: a full pipe makes the child wait. One that has exited ends only
  // when what is left there may be read.
  void pause_output(bool paused);

  // To its process group. Nothing happens once it has exited.
  void signal(int number);

  int pid() const;

 private:
  struct State;
  explicit ChildProcess(State* state) : state_(state) {}

  State* state_;  // deletes itself when the last handle is closed
};

}  // namespace colloquium::loop
