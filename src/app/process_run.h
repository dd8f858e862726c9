// ProcessRun: one `colloquium run`, from its settings and plans to its exit code.
//
// Start: data directory locked and its log opened, ports bound, pipelines created and started; whatever fails
// until then is told, nothing is left running, and the exit code is 2. End: every finite source drained, or a
// signal: intake stops, what was accepted drains until the deadline, everything is closed in order (pipelines,
// ports, log). A second signal ends the process at once; what was acknowledged is in the log.
//
// Thread safety: main thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/health.h"
#include "app/data_directory.h"
#include "app/dead_route.h"
#include "app/foundation.h"
#include "app/log_metrics.h"
#include "app/pipeline_set.h"
#include "app/verb.h"
#include "config/settings.h"
#include "engine/pipeline.h"

namespace colloquium::net {
class HttpServer;
class TlsContext;
}  // namespace colloquium::net

namespace colloquium::app {

struct RunRequest {
  config::Settings settings;
  std::vector<std::shared_ptr<const engine::Plan>> plans;
  bool from_start = false;
};

class ProcessRun {
 public:
  // `files` outlives it.
  ProcessRun(RunRequest request, io::FileSystem& files, Console& console);
  ~ProcessRun();

  Exit run();

 private:
  Status open();
  Status open_data_directory();
  Status open_ports();
  Status open_ingest();
  void reload_tls();
  Status create_pipelines();
  Status register_streams(const engine::Plan& plan);
  Status watch_signals();
  void announce() const;
  void signalled(const char* name);
  void pipelines_closed(std::optional<Error> failure);
  void close_ports();
  Exit finish();

  // Constant after construction.
  RunRequest request_;
  io::FileSystem& files_;
  Console& console_;
  uint64_t descriptors_ = 0;  // that the process may have; since run()
  // In the order in which they are made.
  std::unique_ptr<Foundation> foundation_;
  std::unique_ptr<DataDirectory> data_;  // null if no pipeline needs one
  admin::Health health_;
  std::unique_ptr<net::TlsContext> tls_;  // null: ingest_ speaks plain HTTP
  std::unique_ptr<net::HttpServer> ingest_;
  std::unique_ptr<net::HttpServer> admin_;
  std::unique_ptr<DeadRoute> dead_route_;  // null without a data directory, or without an admin port
  std::unique_ptr<PipelineSet> pipelines_;
  Registrations registrations_;
  std::vector<admin::Health::Holder> health_holders_;
  // How it ended.
  std::optional<Error> failure_;
  bool refused_ = false;  // it could not start, and that was told
  int signals_ = 0;
  size_t ports_open_ = 0;
};

}  // namespace colloquium::app
