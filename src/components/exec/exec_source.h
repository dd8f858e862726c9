// ExecSource: the NDJSON lines that a program writes to its standard output.
//
// One body is at the door at a time, as what the child said cannot be read again. While bodies wait, the child's
// output is not read, and its pipe fills up, unless `overflow` says to drop what is too much.
//
// Thread safety: as Source's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/door_queue.h"
#include "base/liveness.h"
#include "components/exec/exec_config.h"
#include "config/overflow.h"
#include "formats/line_cutter.h"
#include "metrics/registry.h"

namespace colloquium::components {

struct ExecSourceConfig {
  std::vector<std::string> command;
  std::string directory;
  ExecRestartConfig restart;
  Duration stop_timeout{5000};
  ByteSize max_event{1 << 20};
  config::OverflowSettings overflow;
};

const Descriptor& exec_source();

class ExecSource final : public Source {
 public:
  ExecSource(SourceContext context, const ExecSourceConfig& config, loop::UvLoop& loop);

  Status start(std::string cursor) override;
  void stop_intake() override;
  void when_offered(Task offered) override;
  void close(Task closed) override;

 private:
  void has_output(std::string_view bytes);
  void has_ended(loop::ChildExit exit);
  void push(const formats::Lines& lines);
  // Does whatever can be done now: emit, read on, finish.
  void pump();
  void take_last_line(bool clean);
  void child_is_gone();
  void tell_offered();

  SourceContext context_;
  const ExecSourceConfig config_;
  formats::LineCutter cutter_;
  DoorQueue queue_;
  metrics::Registration drops_;
  metrics::Registration left_;
  loop::SupervisedChild child_;
  std::optional<Error> failure_;  // with over_: why
  bool over_ = false;             // no child runs and none will
  bool stopped_ = false;
  bool closing_ = false;
  Task offered_;       // once the child is gone and all that it said is at the door
  bool told_ = false;  // that it has finished or failed
  bool gone_ = false;  // nothing is left of the child
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::components
