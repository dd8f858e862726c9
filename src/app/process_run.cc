#include "app/process_run.h"

#include <algorithm>
#include <csignal>
#include <ostream>
#include <unistd.h>
#include <utility>

#include "admin/admin_routes.h"
#include "app/descriptor_limit.h"
#include "app/log_keys.h"
#include "app/tls_metrics.h"
#include "app/version.h"
#include "base/assert.h"
#include "base/logging.h"
#include "engine/plan_data.h"
#include "engine/plan_group.h"
#include "net/http_server.h"
#include "net/tls_context.h"

namespace colloquium::app {
namespace {

constexpr const char* kComponent = "run";
constexpr const char* kOff = "off";
// Requests under way have had the drain's time already.
constexpr int64_t kPortCloseMs = 1000;

// Only then is the ingest port opened: a pipeline of files needs none, and should not collide over it.
bool has_listening_source(const engine::Plan& plan) {
  const auto& sources = plan.data().sources;
  return std::any_of(sources.begin(), sources.end(),
                     [](const engine::SourcePlan& source) { return source.traits.listens; });
}

size_t worker_count(const config::Settings& settings) {
  return settings.workers > 0 ? static_cast<size_t>(settings.workers) : default_workers();
}

net::TlsSettings tls_settings(const config::Settings& settings) {
  return {.certificate = settings.tls_certificate,
          .key = settings.tls_key,
          .client_ca = settings.tls_client_ca,
          .minimum = settings.tls_minimum == config::MinimumTls::kTls13 ? net::TlsVersion::kTls13
                                                                        : net::TlsVersion::kTls12};
}

// The net folder does not know the flags.
Status with_advice(Status status, const std::string& advice) {
  if (status) return status;
  Error error = std::move(status).error();
  error.message += "; " + advice;
  return fail(std::move(error));
}

}  // namespace

ProcessRun::ProcessRun(RunRequest request, io::FileSystem& files, Console& console)
    : request_(std::move(request)), files_(files), console_(console) {
  ASSERT(!request_.plans.empty());
}

ProcessRun::~ProcessRun() = default;

Exit ProcessRun::run() {
  descriptors_ = raise_descriptor_limit();
  auto foundation = Foundation::create(files_, worker_count(request_.settings));
  if (!foundation) return refuse(console_, foundation.error());
  foundation_ = std::move(*foundation);
  pipelines_ = std::make_unique<PipelineSet>(
      foundation_->loop(), request_.settings.drain_timeout.ms,
      [this](std::optional<Error> failure) { pipelines_closed(std::move(failure)); });
  // Ports are bound and sources started before the loop turns for the first time, so no request can come
  // between the two and find its path missing.
  Status started = open();
  if (started) started = pipelines_->start();
  if (started) {
    announce();
  } else {
    refused_ = true;
    refuse(console_, started.error());
    pipelines_->stop();
  }
  foundation_->loop().run();
  return finish();
}

// In the order of what costs least to undo: nothing has been promised to anybody until pipelines start.
Status ProcessRun::open() {
  TRY(open_data_directory());
  TRY(open_ports());
  TRY(create_pipelines());
  return watch_signals();
}

Status ProcessRun::open_data_directory() {
  const bool needed = std::any_of(request_.plans.begin(), request_.plans.end(),
                                  [](const auto& plan) { return plan->needs_data_directory(); });
  if (!needed) return {};
  TRY_ASSIGN(auto keys, key_ring_of(request_.plans, files_, foundation_->chance()));
  TRY_ASSIGN(data_, DataDirectory::open(*foundation_, request_.settings.data_dir, std::move(keys)));
  foundation_->services().provide<log::Log>(&data_->log());
  data_->start_ticking();
  registrations_ = register_log(data_->log(), foundation_->metrics());
  return {};
}

Status ProcessRun::open_ports() {
  const config::Settings& settings = request_.settings;
  loop::UvLoop& loop = foundation_->loop();
  const bool wants_ingest = std::any_of(request_.plans.begin(), request_.plans.end(),
                                        [](const auto& plan) { return has_listening_source(*plan); });
  if (wants_ingest && settings.listen != kOff) TRY(open_ingest());
  if (settings.admin == kOff) return {};
  net::HttpLimits limits;
  limits.connections = connection_shares(descriptors_).admin;
  admin_ = std::make_unique<net::HttpServer>(loop, foundation_->clock(), limits);
  TRY(with_advice(admin_->listen(settings.admin), "choose another with --admin, or none with --admin off"));
  const admin::AdminView view{foundation_->metrics(), health_, foundation_->clock(), version(),
                              foundation_->clock().monotonic_ns()};
  TRY(admin::add_admin_routes(*admin_, view));
  if (data_ == nullptr) return {};
  dead_route_ = std::make_unique<DeadRoute>(data_->segments(), foundation_->executor(), loop);
  TRY(dead_route_->add_to(*admin_));
  return data_->set_admin_address(admin_->address());
}

Status ProcessRun::open_ingest() {
  const config::Settings& settings = request_.settings;
  loop::UvLoop& loop = foundation_->loop();
  net::StreamWrapper wrapper;
  if (!settings.tls_certificate.empty()) {
    TRY_ASSIGN(tls_, net::TlsContext::create(files_, loop, tls_settings(settings)));
    wrapper = [this](std::unique_ptr<net::ByteStream> below) { return tls_->wrap(std::move(below)); };
    Registrations more = register_tls(tls_->counters(), foundation_->metrics());
    std::move(more.begin(), more.end(), std::back_inserter(registrations_));
  }
  net::HttpLimits limits;
  limits.connections = connection_shares(descriptors_).ingest;
  ingest_ = std::make_unique<net::HttpServer>(loop, foundation_->clock(), limits, std::move(wrapper));
  TRY(with_advice(ingest_->listen(settings.listen), "choose another with --listen"));
  foundation_->services().provide<net::HttpServer>(ingest_.get());
  return {};
}

Status ProcessRun::create_pipelines() {
  log::Log* const log = data_ == nullptr ? nullptr : &data_->log();
  if (log != nullptr) {
    TRY(engine::open_streams(request_.plans, *log));
    for (const std::string& target : engine::missing_targets(request_.plans, *log)) {
      log_warning(kComponent,
                  "errors go to '" + target +
                      "', and there is neither such a pipeline here nor such a stream: it is "
                      "made now, with one partition, and what comes waits there for a pipeline of that name");
    }
  }
  for (const auto& plan : request_.plans) {
    TRY_ASSIGN(auto pipeline, engine::Pipeline::create(plan, foundation_->environment(log, request_.from_start)));
    pipelines_->add(plan->name(), std::move(pipeline));
    TRY(register_streams(*plan));
  }
  health_holders_.push_back(health_.add([this] { return pipelines_->health(); }));
  return {};
}

// Registered once the pipeline has opened its streams; opening them again gives the same ones.
Status ProcessRun::register_streams(const engine::Plan& plan) {
  if (data_ == nullptr) return {};
  const engine::PlanData& data = plan.data();
  const auto add = [&](const log::StreamSpec& stream, const std::vector<std::string>& legs) -> Status {
    TRY_ASSIGN(Registrations more,
               register_stream(data_->log(), stream, plan.name(), legs, foundation_->metrics()));
    std::move(more.begin(), more.end(), std::back_inserter(registrations_));
    return {};
  };
  for (const engine::SectionPlan& section : data.sections) {
    if (data.logged()) TRY(add({section.stream, data.config.log.partitions}, data.legs(section)));
  }
  if (plan.needs_data_directory()) TRY(add({data.dead_stream(), 1}, {}));
  return {};
}

Status ProcessRun::watch_signals() {
  TRY(foundation_->loop().on_signal(SIGTERM, [this] { signalled("SIGTERM"); }));
  TRY(foundation_->loop().on_signal(SIGINT, [this] { signalled("SIGINT"); }));
  if (tls_ == nullptr) return {};
  return foundation_->loop().on_signal(SIGHUP, [this] { reload_tls(); });
}

// What connects from then on gets the new certificate; if there is anything wrong with it, the old one.
void ProcessRun::reload_tls() {
  tls_->reload([this](Status status) {
    if (status) return log_info(kComponent, "SIGHUP: TLS certificate read again: " + tls_->describe());
    log_error(kComponent, "SIGHUP: the TLS certificate stays as it was: " + status.error().message);
  });
}

// What an operator wants to know of a start: what is promised, where the data is, where to connect. The admin
// line comes last: who waits for the start waits for it.
void ProcessRun::announce() const {
  log_info(kComponent, std::string("colloquium ") + version(),
           {{"workers", foundation_->worker_count()}, {"open_files_max", descriptors_}});
  for (const auto& plan : request_.plans) {
    for (const std::string& promise : plan->promises()) log_info(plan->name(), promise);
  }
  if (data_ != nullptr) {
    for (const std::string& line : data_->describe()) log_info(kComponent, line);
  }
  if (ingest_ != nullptr) {
    log_info(kComponent, std::string("listening for events on ") + (tls_ == nullptr ? "http://" : "https://") +
                             ingest_->address());
  }
  if (tls_ != nullptr) log_info(kComponent, "TLS certificate: " + tls_->describe());
  if (admin_ != nullptr) log_info(kComponent, "admin on http://" + admin_->address());
}

void ProcessRun::signalled(const char* name) {
  if (++signals_ > 1) {
    // What was acknowledged is on disk; the rest is resent or read again by whoever gave it.
    console_.err << "error: " << name << " again: ending at once\n" << std::flush;
    ::_exit(static_cast<int>(Exit::kFailed));
  }
  log_info(kComponent, std::string(name) + ": intake stops, draining",
           {{"deadline_ms", request_.settings.drain_timeout.ms}});
  // Whoever comes now is better served elsewhere, and the clients that are here are asked to go as they are
  // answered.
  if (ingest_ != nullptr) ingest_->wind_down();
  pipelines_->stop();
}

void ProcessRun::pipelines_closed(std::optional<Error> failure) {
  failure_ = std::move(failure);
  close_ports();
}

// The ports outlive the pipelines: sources answer what they were still asked.
void ProcessRun::close_ports() {
  loop::UvLoop& loop = foundation_->loop();
  ports_open_ = 1;
  const auto one_closed = [this, &loop] {
    if (--ports_open_ > 0) return;
    // Destroyed servers give their handles back in the turn they die in, so the loop stops one turn later.
    loop.post([this, &loop] {
      health_holders_.clear();
      if (data_ != nullptr) data_->stop_ticking();
      ingest_.reset();
      admin_.reset();
      loop.post([&loop] { loop.stop(); });
    });
  };
  // ports_open_ began with one, so that the last of these callbacks cannot come before all are under way.
  for (net::HttpServer* port : {ingest_.get(), admin_.get()}) {
    if (port == nullptr) continue;
    ++ports_open_;
    port->stop(kPortCloseMs, one_closed);
  }
  one_closed();
}

// The loop has ended; what is left goes in the reverse order of its making. The log is last, because everything
// else may still have told it something.
Exit ProcessRun::finish() {
  registrations_.clear();
  pipelines_.reset();
  dead_route_.reset();
  const Status closed = data_ == nullptr ? Status() : data_->close();
  data_.reset();
  foundation_.reset();
  if (refused_) return Exit::kRefused;
  if (failure_) return fail_running(console_, *failure_);
  if (!closed) return fail_running(console_, closed.error());
  log_info(kComponent, "stopped");
  return Exit::kDone;
}

}  // namespace colloquium::app
