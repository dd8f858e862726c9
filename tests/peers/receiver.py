"""HTTP receivers for tests of whatever sends requests: one that a script answers for, and a proxy.

Python's standard library only; threads of the test's own process.
"""
import base64
import collections
import http.server
import select
import socket
import socketserver
import threading

Request = collections.namedtuple('Request', 'method path headers body')
HANG_UP = 'hang up'  # instead of a status: the connection is closed without an answer


class Receiver(http.server.ThreadingHTTPServer):
    """Answers each request with what `says(Request)` gives: a status, (status, headers) or (status, headers, body),
    or HANG_UP. Keeps the requests in `requests`. What a check in `says` finds wrong is raised on exit."""
    daemon_threads = True

    def __init__(self, says=lambda request: 204, port=0):
        super().__init__(('127.0.0.1', port), _Handler)
        self.says = says
        self.requests = []
        self.complaints = []
        self.lock = threading.Lock()
        self.url = f'http://127.0.0.1:{self.server_port}'
        self.thread = threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
        self.thread.start()

    def handle_error(self, *_):
        """A sender that went away is no error here."""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.shutdown()
        self.server_close()
        if self.complaints and kind is None:
            raise self.complaints[0]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1  # one write an answer

    def answer(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        request = Request(self.command, self.path, self.headers, body)
        with self.server.lock:
            self.server.requests.append(request)
            try:
                said = self.server.says(request)
            except AssertionError as complaint:
                self.server.complaints.append(complaint)
                said = 200
        if said == HANG_UP:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, body = (said, {}, b'') if isinstance(said, int) else (*said, b'')[:3]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_):
        pass


class ConnectProxy(socketserver.ThreadingTCPServer):
    """A proxy that knows CONNECT alone, for who says user and password. Keeps the heads it got in `heads`."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, user, password):
        super().__init__(('127.0.0.1', 0), _Tunnel)
        self.wanted = 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()
        self.heads = []
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def handle_error(self, *_):
        """A client that went away is no error here."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Tunnel(socketserver.BaseRequestHandler):
    def handle(self):
        head = b''
        while b'\r\n\r\n' not in head:
            piece = self.request.recv(4096)
            if not piece:
                return
            head += piece
        lines = head.decode('latin-1').split('\r\n')
        self.server.heads.append(lines)
        if f'Proxy-Authorization: {self.server.wanted}' not in lines:
            self.request.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
            return
        host, port = lines[0].split()[1].rsplit(':', 1)
        with socket.create_connection((host, int(port))) as peer:
            self.request.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
            self.pass_on(peer)

    def pass_on(self, peer):
        ways = {self.request: peer, peer: self.request}
        while True:
            for side in select.select(list(ways), [], [])[0]:
                piece = side.recv(65536)
                if not piece:
                    return
                ways[side].sendall(piece)
