// The beginning of a WebSocket connection: a request of HTTP/1.1 that asks for it, and what it is answered.
// Private to src/net.
//
// Thread safety: pure functions. Source: RFC 6455, 4 and 10.2; RFC 6454 (origins).
#pragma once

#include <optional>
#include <string>

#include "net/http_message.h"

namespace colloquium::net {

struct Route;

// A GET that wants to go on as WebSocket, whatever else may be wrong with it.
bool asks_for_websocket(const RequestHead& head);

// What is wrong with it, or nothing. No extension is agreed on, and no subprotocol.
std::optional<Problem> check_websocket(const RequestHead& head);

// Browsers let every page open a WebSocket to every server: without a list of origins, only pages of this very
// server may. What is no browser sends no Origin.
std::optional<Problem> check_websocket_origin(const Route& route, const RequestHead& head);

// Appends the answer after which both sides speak WebSocket. REQUIRES: check_websocket() found nothing.
void append_switch(std::string& out, const RequestHead& head, std::string_view date);

}  // namespace colloquium::net
