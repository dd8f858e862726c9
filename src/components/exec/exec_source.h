// ExecSource: the NDJSON lines that a program writes to its standard output.
//
// One body is at the door at a time, as what the child said cannot be read again: a body that the door turned away
// is offered again before the next one. While bodies wait, the child's output is not read, and its pipe fills up.
//
// Thread safety: as Source's.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "components/exec/supervised_child.h"
#include "formats/line_cutter.h"

namespace colloquium::components {

struct ExecSourceConfig {
  std::vector<std::string> command;
  std::string directory;
  ExecRestartConfig restart;
  Duration stop_timeout{5000};
  ByteSize max_event{1 << 20};
};

const Descriptor& exec_source();

class ExecSource final : public Source {
 public:
  ExecSource(SourceContext context, const ExecSourceConfig& config, loop::UvLoop& loop);

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  void has_output(std::string_view bytes);
  void has_ended(loop::ChildExit exit);
  void take_lines();
  // Does whatever can be done now: emit, read on, finish.
  void pump();
  void emit();
  void acknowledged(const Ack& ack);
  void child_is_gone();
  template <class Fn>
  auto guarded(Fn fn);

  SourceContext context_;
  const ExecSourceConfig config_;
  formats::LineCutter cutter_;
  std::deque<formats::Lines> waiting_;  // the front one is at the door while at_door_
  SupervisedChild child_;
  std::optional<Error> failure_;  // with over_: why
  bool over_ = false;             // no child runs and none will
  bool at_door_ = false;
  bool waits_for_door_ = false;
  bool stopped_ = false;
  bool told_ = false;      // that it has finished or failed
  bool gone_ = false;      // nothing is left of the child
  uint64_t refusals_ = 0;  // in a row
  std::unique_ptr<Timer> retry_timer_;
  Task closed_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // gone with this object: callbacks look at it
};

}  // namespace colloquium::components
