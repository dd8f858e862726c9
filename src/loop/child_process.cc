#include "loop/child_process.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <sys/ioctl.h>
#include <utility>
#include <uv.h>

#include "base/assert.h"
#include "loop/uv_loop.h"

namespace colloquium::loop {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;

struct WriteRequest {
  uv_write_t request{};
  std::shared_ptr<const std::string> bytes;
  UniqueFunction<void(bool)> done;
};

// What uv_spawn wants, of texts that outlive it.
std::vector<char*> words_of(const std::vector<std::string>& texts) {
  std::vector<char*> words;
  for (const std::string& text : texts) words.push_back(const_cast<char*>(text.c_str()));
  words.push_back(nullptr);
  return words;
}

// Ours, as a child would get it anyway, with what is added; none if nothing is.
std::vector<std::string> environment_of(const ChildSettings& settings) {
  std::vector<std::string> all;
  if (settings.environment.empty()) return all;
  for (const auto& [name, value] : settings.environment) all.push_back(name + "=" + value);
  uv_env_item_t* items = nullptr;
  int count = 0;
  ASSERT(uv_os_environ(&items, &count) == 0);
  for (int i = 0; i < count; ++i) {
    const std::string name = items[i].name;
    const bool is_set = std::any_of(settings.environment.begin(), settings.environment.end(),
                                    [&](const auto& each) { return each.first == name; });
    if (!is_set) all.push_back(name + "=" + items[i].value);
  }
  uv_os_free_environ(items, count);
  return all;
}

// What stands in it, unread.
size_t bytes_in(const uv_pipe_t& pipe) {
  uv_os_fd_t fd = -1;
  int count = 0;
  const bool known =
      uv_fileno(reinterpret_cast<const uv_handle_t*>(&pipe), &fd) == 0 && ::ioctl(fd, FIONREAD, &count) == 0;
  ASSERT_WHY(known && count >= 0, "an open pipe of ours knows what is in it");
  return static_cast<size_t>(count);
}

template <class Handle>
uv_stream_t* as_stream(Handle& handle) {
  return reinterpret_cast<uv_stream_t*>(&handle);
}

}  // namespace

std::string ChildExit::describe() const {
  if (signal == 0) return "exit status " + std::to_string(status);
  return "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

struct ChildProcess::State {
  State(UvLoop& owner, ChildEvents told) : loop(owner), events(std::move(told)) {}

  void open_pipes();
  Status spawn(const ChildSettings& settings);
  void read(uv_pipe_t& pipe);
  void has_read(uv_stream_t* stream, ssize_t got, const char* bytes);
  void has_exited(ChildExit exit);
  void end_if_read(uv_pipe_t& pipe, size_t left);
  void close(uv_handle_t* handle);
  void close_all();
  void check_ended();
  void kill_group(int number) const;

  uv_handle_t* process_handle() { return reinterpret_cast<uv_handle_t*>(&process); }
  uv_handle_t* handle_of(uv_pipe_t& pipe) { return reinterpret_cast<uv_handle_t*>(&pipe); }

  UvLoop& loop;
  ChildEvents events;
  uv_process_t process{};
  uv_pipe_t input{};
  uv_pipe_t output{};
  uv_pipe_t errors{};
  std::array<char, kReadBytes> buffer;
  size_t open_handles = 0;
  size_t open_outputs = 2;
  size_t output_left = 0;  // of what was in the pipe when the child exited
  size_t errors_left = 0;
  bool has_process = false;
  bool exited = false;
  bool ended = false;
  bool detached = false;  // the ChildProcess is gone: nobody is told any more
  ChildExit exit;
};

void ChildProcess::State::open_pipes() {
  for (uv_pipe_t* pipe : {&input, &output, &errors}) {
    ASSERT(uv_pipe_init(loop.handle(), pipe, 0) == 0);
    pipe->data = this;
    ++open_handles;
  }
}

Status ChildProcess::State::spawn(const ChildSettings& settings) {
  ASSERT(!settings.command.empty());
  std::vector<char*> arguments = words_of(settings.command);
  const std::vector<std::string> variables = environment_of(settings);
  std::vector<char*> environment = words_of(variables);
  uv_stdio_container_t streams[3]{};
  streams[0].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_READABLE_PIPE);
  streams[0].data.stream = as_stream(input);
  streams[1].flags = streams[2].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
  streams[1].data.stream = as_stream(output);
  streams[2].data.stream = as_stream(errors);
  uv_process_options_t options{};
  options.file = arguments[0];
  options.args = arguments.data();
  options.env = variables.empty() ? nullptr : environment.data();
  options.cwd = settings.directory.empty() ? nullptr : settings.directory.c_str();
  options.flags = UV_PROCESS_DETACHED;
  options.stdio = streams;
  options.stdio_count = 3;
  options.exit_cb = [](uv_process_t* handle, int64_t status, int number) {
    static_cast<State*>(handle->data)->has_exited({status, number});
  };
  process.data = this;
  const int failed = uv_spawn(loop.handle(), &process, &options);
  ++open_handles;  // also where it failed: libuv wants the handle closed
  if (failed == 0) {
    has_process = true;
    return {};
  }
  const std::string where = settings.directory.empty() ? "" : " in '" + settings.directory + "'";
  return fail(failed == UV_ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              "cannot run '" + settings.command[0] + "'" + where + ": " + uv_strerror(failed) +
                  "; check the command, the folder and its permissions");
}

void ChildProcess::State::read(uv_pipe_t& pipe) {
  const int failed = uv_read_start(
      as_stream(pipe),
      [](uv_handle_t* handle, size_t, uv_buf_t* room) {
        auto& into = static_cast<State*>(handle->data)->buffer;
        *room = uv_buf_init(into.data(), static_cast<unsigned>(into.size()));
      },
      [](uv_stream_t* stream, ssize_t got, const uv_buf_t* room) {
        static_cast<State*>(stream->data)->has_read(stream, got, room->base);
      });
  ASSERT_WHY(failed == 0, "a pipe of ours can be read");
}

void ChildProcess::State::has_read(uv_stream_t* stream, ssize_t got, const char* bytes) {
  if (got == 0) return;  // libuv's way of saying EAGAIN
  const bool is_output = stream == as_stream(output);
  uv_pipe_t& pipe = is_output ? output : errors;
  // The end, or an error that is one.
  if (got < 0) return end_if_read(pipe, 0);
  const auto count = static_cast<size_t>(got);
  auto& event = is_output ? events.output : events.errors;
  if (!detached && event) event({bytes, count});
  if (!exited || detached) return;
  size_t& left = is_output ? output_left : errors_left;
  left -= std::min(left, count);
  end_if_read(pipe, left);
}

void ChildProcess::State::end_if_read(uv_pipe_t& pipe, size_t left) {
  if (left > 0 || uv_is_closing(handle_of(pipe)) != 0) return;
  ASSERT(open_outputs > 0);
  --open_outputs;
  close(handle_of(pipe));
  check_ended();
}

void ChildProcess::State::has_exited(ChildExit how) {
  ASSERT(!exited);
  exited = true;
  exit = how;
  // The group goes by the number of its leader, which is not given again while the group has members.
  kill_group(SIGKILL);
  close(process_handle());
  close(handle_of(input));
  // Their ends may never come: whatever left the group may have the pipes, too.
  if (uv_is_closing(handle_of(output)) == 0) output_left = bytes_in(output);
  if (uv_is_closing(handle_of(errors)) == 0) errors_left = bytes_in(errors);
  const bool had_ended = open_outputs == 0;
  end_if_read(output, output_left);
  end_if_read(errors, errors_left);
  if (had_ended) check_ended();
}

void ChildProcess::State::check_ended() {
  if (!exited || open_outputs > 0 || ended || detached) return;
  ended = true;
  if (events.ended) events.ended(exit);
}

void ChildProcess::State::kill_group(int number) const {
  if (has_process && process.pid > 0) uv_kill(-process.pid, number);
}

void ChildProcess::State::close(uv_handle_t* handle) {
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) {
    auto* const state = static_cast<State*>(closed->data);
    ASSERT(state->open_handles > 0);
    if (--state->open_handles == 0 && state->detached) delete state;
  });
}

void ChildProcess::State::close_all() {
  for (uv_pipe_t* pipe : {&input, &output, &errors}) close(handle_of(*pipe));
  // A living child keeps its handle until libuv has reaped it.
  if (!has_process) close(process_handle());
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(UvLoop& loop, const ChildSettings& settings,
                                                          ChildEvents events) {
  LOOP_ASSERT(loop);
  auto* const state = new State(loop, std::move(events));
  state->open_pipes();
  if (Status spawned = state->spawn(settings); !spawned) {
    state->detached = true;
    state->close_all();
    return fail(std::move(spawned).error());
  }
  state->read(state->output);
  state->read(state->errors);
  return std::unique_ptr<ChildProcess>(new ChildProcess(state));
}

ChildProcess::~ChildProcess() {
  LOOP_ASSERT(state_->loop);
  state_->detached = true;
  if (!state_->exited) state_->kill_group(SIGKILL);
  state_->close_all();
  if (state_->open_handles == 0) delete state_;
}

void ChildProcess::write(std::shared_ptr<const std::string> bytes, UniqueFunction<void(bool written)> done) {
  LOOP_ASSERT(state_->loop);
  ASSERT(bytes != nullptr);
  auto* const request = new WriteRequest{{}, std::move(bytes), std::move(done)};
  request->request.data = request;
  const auto finished = [](uv_write_t* written, int status) {
    const std::unique_ptr<WriteRequest> ours(static_cast<WriteRequest*>(written->data));
    ours->done(status == 0);
  };
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(request->bytes->data()), static_cast<unsigned>(request->bytes->size()));
  const bool open = uv_is_closing(state_->handle_of(state_->input)) == 0;
  if (open && uv_write(&request->request, as_stream(state_->input), &buffer, 1, finished) == 0) return;
  state_->loop.post([request] {
    const std::unique_ptr<WriteRequest> ours(request);
    ours->done(false);
  });
}

size_t ChildProcess::unwritten_bytes() const {
  LOOP_ASSERT(state_->loop);
  return uv_stream_get_write_queue_size(as_stream(state_->input));
}

bool ChildProcess::has_exited() const {
  LOOP_ASSERT(state_->loop);
  return state_->exited;
}

void ChildProcess::close_input() {
  LOOP_ASSERT(state_->loop);
  state_->close(state_->handle_of(state_->input));
}

void ChildProcess::pause_output(bool paused) {
  LOOP_ASSERT(state_->loop);
  if (uv_is_closing(state_->handle_of(state_->output)) != 0) return;
  if (paused) {
    uv_read_stop(as_stream(state_->output));
  } else if (uv_is_active(state_->handle_of(state_->output)) == 0) {
    state_->read(state_->output);
  }
}

void ChildProcess::signal(int number) {
  LOOP_ASSERT(state_->loop);
  if (!state_->exited) state_->kill_group(number);
}

int ChildProcess::pid() const {
  return state_->process.pid;
}

}  // namespace colloquium::loop
