// The event log's keys, from where a pipeline file, a flag or the environment names them.
//
// A text of keys holds one or more, each 32 bytes in hex or base64, separated by white space; in a file, lines
// that begin with # are comments. The first one wraps what is new, the others open what is older. A file that
// others may read is refused, as ssh does. No message ever holds a part of a key.
//
// Thread safety: main thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "app/verb.h"
#include "engine/pipeline.h"
#include "io/file_system.h"
#include "log/key_ring.h"

namespace colloquium::app {

// `what` names the text in messages, `context` the place that named it ("orders.yaml:4:16").
Result<log::KeyRing::Keys> parse_keys(std::string_view text, const std::string& what, const std::string& context);
Result<log::KeyRing::Keys> read_key_file(const io::FileSystem& files, const std::string& path,
                                         const std::string& context);

// What the pipelines of a process say about their log, which has one set of keys; null if none says anything.
Result<std::shared_ptr<const log::KeyRing>> key_ring_of(
    const std::vector<std::shared_ptr<const engine::Plan>>& plans, const io::FileSystem& files, Random& random);

// Where a verb that looks into a data directory gets keys: --key-file, --pipeline, else COLLOQUIUM_LOG_KEY_FILE,
// else COLLOQUIUM_LOG_KEY.
struct KeyOptions {
  std::optional<std::string> key_file, pipeline;
};
// To be added to a verb's options. `target` lives as long as the verb.
std::vector<VerbOption> key_options(KeyOptions& target);
// Null if no key is given.
Result<std::shared_ptr<const log::KeyRing>> key_ring_for_reading(const KeyOptions& options,
                                                                 const io::FileSystem& files);
// The same for a verb that writes: what it writes is encrypted if there is a key, and with --pipeline as that
// says.
Result<std::shared_ptr<const log::KeyRing>> key_ring_for_writing(const KeyOptions& options,
                                                                 const io::FileSystem& files);

}  // namespace colloquium::app
