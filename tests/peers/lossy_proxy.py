"""A TCP proxy between a client and its peer that has bad days: it cuts connections after some bytes, freezes, or lets
nobody in. It counts what it did, so that a test can wait for that instead of for time to pass.

Python's standard library only; threads of the test's own process.
"""
import random
import select
import socket
import struct
import threading
import time

PIECE = 16384


class LossyProxy:
    """Listens on `port` of the loopback from its making on; `target` is the peer's port and may change. Passes
    everything on until it is told otherwise. `attempts` has the time of every connection that was tried."""

    def __init__(self, target=0, seed=0):
        self.target = target
        self.attempts = []
        self.cuts = 0
        self.moved = 0  # bytes that were passed on, both ways together
        self.stuck = 0  # bytes that came, or connections that were made, while it was frozen
        self._chance = random.Random(seed)
        self._to_cut, self._range = 0, (0, 0)
        self._resets = 0
        self._frozen = self._away = self._over = False
        self._changed = threading.Condition()
        self._connections = set()
        self._listener = socket.socket()
        self._listener.bind(('127.0.0.1', 0))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self.reset()
        self._listener.close()

    def cut(self, connections, low, high):
        """New connections are reset after `low` to `high` bytes, both ways together, until so many have been. (One that
        carries less than that uses up none: clients hold some for nothing but a greeting.)"""
        with self._changed:
            self._to_cut, self._range = connections, (low, high)
        self.reset()

    def freeze(self):
        """Connections stay, and new ones are taken, but not a byte goes through."""
        with self._changed:
            self._frozen, self.stuck = True, 0

    def leave(self):
        """Resets every connection, and every new one."""
        with self._changed:
            self._away = True
        self.reset()

    def heal(self):
        with self._changed:
            self._frozen = self._away = False
            self._to_cut = 0
            self._changed.notify_all()

    def reset(self):
        with self._changed:
            self._resets += 1  # for those that are on their way to their peer
            connections = list(self._connections)
        for connection in connections:
            connection.reset()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.attempts.append(time.monotonic())
                self.stuck += self._frozen
                away = self._away or self._over
                resets = self._resets
                left = None
                if self._to_cut > 0 and not away:
                    left = self._chance.randint(*self._range)
            if away:
                reset(client)
            else:
                threading.Thread(target=self._serve, args=(client, left, resets), daemon=True).start()

    def _serve(self, client, left, resets):
        self._wait_while_frozen()
        try:
            peer = socket.create_connection(('127.0.0.1', self.target), timeout=10)
        except OSError:
            return reset(client)
        connection = _Connection(self, client, peer, left)
        with self._changed:
            self._connections.add(connection)
            late = self._resets != resets
        if late:
            connection.reset()
        back = threading.Thread(target=connection.pump, args=(peer, client), daemon=True)
        back.start()
        connection.pump(client, peer)
        back.join()
        connection.close()
        with self._changed:
            self._connections.discard(connection)

    def _wait_while_frozen(self, held=0):
        with self._changed:
            if self._frozen:
                self.stuck += held
            self._changed.wait_for(lambda: not self._frozen or self._over)


def reset(peer):
    """Closes it so that the other side sees an error and no end."""
    try:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    except OSError:
        pass
    peer.close()


class _Connection:
    def __init__(self, proxy, client, peer, left):
        self.proxy, self.client, self.peer = proxy, client, peer
        self.left = left  # bytes until it is cut; None: it is not
        self.gone = False
        self.lock = threading.Lock()

    def pump(self, source, target):
        """Moves bytes one way until its end. (Select with a limit, as nothing else ends a wait for bytes.)"""
        try:
            while not self.gone:
                if not select.select([source], [], [], 0.05)[0]:
                    continue
                piece = source.recv(PIECE)
                self.proxy._wait_while_frozen(len(piece))
                if self.gone or not piece:
                    break
                if not self.pass_on(piece, target):
                    return
            target.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            self.gone = True

    def pass_on(self, piece, target):
        with self.lock:
            allowed = len(piece) if self.left is None else min(self.left, len(piece))
            if self.left is not None:
                self.left -= allowed
            cut = self.left == 0 and self._takes_a_cut()
            if self.left == 0 and not cut:
                allowed, self.left = len(piece), None
        target.sendall(piece[:allowed])
        with self.proxy._changed:
            self.proxy.moved += allowed
        if cut:
            self.reset()
        return not cut

    def _takes_a_cut(self):
        with self.proxy._changed:
            taken = self.proxy._to_cut > 0
            if taken:
                self.proxy._to_cut -= 1
                self.proxy.cuts += 1
            return taken

    def reset(self):
        self.gone = True
        for side in (self.client, self.peer):
            try:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.client.close()
        self.peer.close()
