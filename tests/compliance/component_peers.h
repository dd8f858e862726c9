// What stands in for the peers of the components, inside of the test program.
//
// Thread safety: the test's thread; a SsePeer and a MqttPeer have one of their own.
#pragma once

#include "tests/compliance/component_world.h"

namespace colloquium::compliance {

// Sources.
std::unique_ptr<SourcePeer> standard_input(World& world, int64_t events);
std::unique_ptr<SourcePeer> file_to_read(World& world, int64_t events);
std::unique_ptr<SourcePeer> folder_to_follow(World& world, int64_t events);
std::unique_ptr<SourcePeer> program_that_prints(World& world, int64_t events);
std::unique_ptr<SourcePeer> event_template(World& world, int64_t events);
std::unique_ptr<SourcePeer> stream_to_read(World& world, int64_t events);
std::unique_ptr<SourcePeer> http_poster(World& world, int64_t events);
std::unique_ptr<SourcePeer> http_document(World& world, int64_t events);
std::unique_ptr<SourcePeer> event_stream_server(World& world, int64_t events);
std::unique_ptr<SourcePeer> kafka_cluster(World& world, int64_t events);
std::unique_ptr<SourcePeer> mqtt_broker(World& world, int64_t events);

// Sinks.
std::unique_ptr<SinkPeer> standard_output(World& world);
std::unique_ptr<SinkPeer> file_to_write(World& world);
std::unique_ptr<SinkPeer> rotated_files(World& world);
std::unique_ptr<SinkPeer> program_that_reads(World& world);
std::unique_ptr<SinkPeer> stream_to_fill(World& world);
std::unique_ptr<SinkPeer> http_receiver(World& world);
std::unique_ptr<SinkPeer> http_batch_receiver(World& world);

}  // namespace colloquium::compliance
