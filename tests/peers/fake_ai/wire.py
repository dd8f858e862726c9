"""HTTP/1.1 as bytes: requests as they come, and a way out that can be cut at any byte."""
import asyncio
import email.utils
import json
import socket
import struct
import urllib.parse

HEAD_MAX = 64 << 10
BODY_MAX = 256 << 20
REASONS = {200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found',
           405: 'Method Not Allowed', 408: 'Request Timeout', 413: 'Payload Too Large', 424: 'Failed Dependency',
           429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable',
           504: 'Gateway Timeout', 529: 'Overloaded'}


class Gone(Exception):
    """The client is no longer there."""


class Request:
    def __init__(self, head):
        lines = head.decode('latin-1').split('\r\n')
        self.method, self.target, self.version = lines[0].split(' ')
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(':')
            self.headers[name.strip().lower()] = value.strip()
        self.raw_path, _, self.raw_query = self.target.partition('?')
        self.path = urllib.parse.unquote(self.raw_path)
        self.query = dict(urllib.parse.parse_qsl(self.raw_query, keep_blank_values=True))
        self.body = b''
        self.credential = None  # what it logged in with, once that was found good

    def json(self):
        """An object, or ValueError."""
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError('not an object')
        return value


class Response:
    """`frames` None: a whole body. Otherwise each frame is one chunk, and the last one is what says that it is over."""

    def __init__(self, status=200, body=b'', headers=(), frames=None, content_type='application/json'):
        self.status = status
        self.body = body
        self.headers = [('Content-Type', content_type), *headers]
        self.frames = frames

    def head(self):
        lines = [f'HTTP/1.1 {self.status} {REASONS.get(self.status, "Status")}']
        lines.append('Date: ' + email.utils.formatdate(usegmt=True))
        lines += [f'{name}: {value}' for name, value in self.headers]
        lines.append('Transfer-Encoding: chunked' if self.frames is not None else f'Content-Length: {len(self.body)}')
        return ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')

    def parts(self):
        """The body as it goes to the wire, and what ends it."""
        if self.frames is not None:
            return [b'%x\r\n%b\r\n' % (len(frame), frame) for frame in self.frames if frame], b'0\r\n\r\n'
        half = len(self.body) // 2
        return [part for part in (self.body[:half], self.body[half:]) if part], b''


class Connection(asyncio.Protocol):
    """`serve(request, connection)` answers each request, one after the other. `met(connection)`, before anything was
    read, is false for one that is not to live."""

    def __init__(self, serve, met):
        self.serve = serve
        self.met = met
        self.received = bytearray()
        self.request = None  # whose body is still coming
        self.task = None
        self.transport = None
        self.gone = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=256 << 10)
        if not self.met(self):
            self.reset()

    def data_received(self, data):
        self.received += data
        self.advance()

    def eof_received(self):
        self.gone.set()
        self.writable.set()
        return False  # the transport closes itself

    def connection_lost(self, _):
        self.gone.set()
        self.writable.set()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def advance(self):
        if self.task is not None or self.gone.is_set():
            return
        try:
            request = self._whole_request()
        except (ValueError, UnicodeError):
            self.transport.write(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
            self.transport.close()
            return
        if request is not None:
            self.task = asyncio.ensure_future(self.serve(request, self))
            self.task.add_done_callback(self._served)

    def _served(self, task):
        self.task = None
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Gone):
            self.transport.abort()
            asyncio.get_running_loop().call_exception_handler({'message': 'an answer failed', 'exception': error})
        elif not task.cancelled():
            self.advance()

    def _whole_request(self):
        if self.request is None:
            end = self.received.find(b'\r\n\r\n')
            if end < 0:
                if len(self.received) > HEAD_MAX:
                    raise ValueError('a head without an end')
                return None
            self.request = Request(bytes(self.received[:end]))
            del self.received[:end + 4]
            if self.request.headers.get('expect', '').lower() == '100-continue':
                self.transport.write(b'HTTP/1.1 100 Continue\r\n\r\n')
        body = self._whole_body(self.request.headers)
        if body is None:
            return None
        request, self.request = self.request, None
        request.body = body
        return request

    def _whole_body(self, headers):
        if headers.get('transfer-encoding', '').lower() == 'chunked':
            return self._whole_chunks()
        length = int(headers.get('content-length', 0))
        if not 0 <= length <= BODY_MAX:
            raise ValueError('a body of that length')
        if len(self.received) < length:
            return None
        body = bytes(self.received[:length])
        del self.received[:length]
        return body

    def _whole_chunks(self):
        body, at = [], 0
        while True:
            end = self.received.find(b'\r\n', at)
            if end < 0:
                return None
            length = int(self.received[at:end].split(b';')[0], 16)
            if len(self.received) < end + 4 + length:
                return None
            if length == 0:  # no client of ours sends trailers
                del self.received[:end + 4]
                return b''.join(body)
            body.append(bytes(self.received[end + 2:end + 2 + length]))
            at = end + 4 + length

    # --- the way out

    async def send(self, data):
        if self.gone.is_set():
            raise Gone
        self.transport.write(data)
        if not self.writable.is_set():
            await self.writable.wait()
            if self.gone.is_set():
                raise Gone

    async def pause(self, seconds):
        """Raises Gone as soon as the client is."""
        try:
            await asyncio.wait_for(self.gone.wait(), seconds)
        except asyncio.TimeoutError:
            return
        raise Gone

    async def flushed(self):
        """Until the kernel has everything, so that what comes next can't overtake it."""
        self.transport.set_write_buffer_limits(high=0)
        if self.transport.get_write_buffer_size():
            self.writable.clear()
            await self.writable.wait()
        self.transport.set_write_buffer_limits(high=256 << 10)

    def reset(self):
        """The peer gets a RST."""
        peer = self.transport.get_extra_info('socket')
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.transport.abort()

    def close(self):
        self.transport.close()
