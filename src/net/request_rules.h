// What holds for every request, whichever version of HTTP carried it: what is refused at its head, how much memory
// its body is given, who may read its answer. Private to src/net.
//
// Thread safety: pure functions, but for those that ask the core: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/compress.h"
#include "net/exchange.h"

namespace colloquium::net {

class ServerCore;
struct LiveRoute;

// A refused request's body of up to this length is read over, so that the connection can be kept.
inline constexpr uint64_t kSkipBytesMax = 64 * 1024;
// Memory set aside for a body on its sender's word alone; it counts in the budget.
inline constexpr uint64_t kBodyReserveMax = 1024 * 1024;
// A body takes of the budget by such pieces, and the next one before it can need it: while it is not certain that
// a further read fits. Its declared length is no reason to hold memory for it: two mute connections would shut out
// everybody else.
inline constexpr size_t kPieceBytes = 256 * 1024;
inline constexpr size_t kReadAheadBytes = 64 * 1024;
// What a compressed body is thought to hold: more than most do. What holds more is decompressed again with room
// for several times as much; all tries together cost little more than the last.
inline constexpr size_t kDecodedRatio = 16;
inline constexpr size_t kDecodedGrowth = 8;
// Compressed bodies up to this length, and up to this length decompressed, are decompressed on the loop: a
// hand-over costs more. A few bytes can hold many megabytes, so both are needed.
inline constexpr size_t kDecodeHereBytesMax = 4 * 1024;
inline constexpr size_t kDecodedHereBytesMax = 256 * 1024;
// A body that brings less than this in body_pace_ms is slow, and keeps only so much of the budget ahead.
inline constexpr size_t kPaceBytes = 256 * 1024;
inline constexpr size_t kSlowAheadBytes = 8 * 1024;

// Refusals. All but too_large end by themselves: 503 with Retry-After.
Problem busy(std::string detail);
Problem memory_full();
Problem not_served_now();  // of a path that was served; the connection ends
Problem too_large(size_t limit);

size_t first_decode_room(uint64_t compressed_bytes, size_t limit);

// What a head is refused for, in the order in which to ask. `route` may be null: nothing is served there.
std::optional<Problem> check_route(const LiveRoute* route, const RequestHead& head);
std::optional<Problem> check_coding(const RequestHead& head, io::Compression& coding);
std::optional<Problem> check_size(const ServerCore& core, const Route& route, const RequestHead& head);

// Who may read an answer.
struct OriginAnswer {
  bool vary = false;  // the answer depends on the Origin
  std::string allow;  // Access-Control-Allow-Origin; empty: none

  bool says_nothing() const { return !vary && allow.empty(); }
};

// Before anything is answered, so that the page can read refusals as well. A browser that sends without having
// asked is refused by the result; what is no browser sends no Origin.
std::optional<Problem> check_origin(const Route& route, const RequestHead& head, OriginAnswer& answer);

// The answer's own headers and those of `origin`. Views into both.
std::vector<HeaderField> with_origin(const Response& response, const OriginAnswer& origin);

// Answers OPTIONS, of a route or, with null, of the server.
void answer_options(Exchanges& exchanges, uint64_t exchange, const LiveRoute* route, const RequestHead& head,
                    const OriginAnswer& origin, bool close);

}  // namespace colloquium::net
