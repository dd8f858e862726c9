"""Sends an answer phase by phase, and breaks off where a fault says so."""
import asyncio

from .wire import Gone


class Broken(Exception):
    """A fault ended the answer; its name."""


class Holds:
    """Answers that wait to be let go."""

    def __init__(self):
        self.waiting = []

    async def hold(self, connection):
        released = asyncio.Event()
        self.waiting.append(released)
        go, gone = asyncio.ensure_future(released.wait()), asyncio.ensure_future(connection.gone.wait())
        try:
            await asyncio.wait((go, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            go.cancel()
            gone.cancel()
            if released in self.waiting:
                self.waiting.remove(released)
        if connection.gone.is_set():
            raise Gone

    def release(self, count=None):
        """Lets go the oldest, or all."""
        let_go = self.waiting[:count]
        del self.waiting[:len(let_go)]
        for released in let_go:
            released.set()
        return len(let_go)


class Delivery:
    def __init__(self, connection, faults, holds, chunk_ms=0):
        self.connection = connection
        self.breaks = [fault for fault in faults if fault.breaks()]
        self.split = any(fault.kind == 'split' for fault in faults)
        self.chunk_ms = max([chunk_ms, *(fault.spec.get('chunk_ms', 0) for fault in faults)])
        self.holds = holds
        self.chunks = 0  # that went out

    async def send(self, response):
        """Raises Gone or Broken; `chunks` then says how far it came."""
        head = response.head()
        parts, end = response.parts()
        if not self.breaks and not self.split and not self.chunk_ms:
            await self.connection.send(b''.join((head, *parts, end)))
            self.chunks = len(parts)
            return
        await self._phase('before_head')
        half = len(head) // 2
        await self._write(head[:half])
        await self._phase('in_head')
        await self._write(head[half:])
        await self._phase('before_first_chunk')
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            if index and not last:
                await self._phase('between_chunks')
            if index and self.chunk_ms:
                await self.connection.pause(self.chunk_ms / 1000)
            if last:
                await self._phase('before_final')
            # What breaks off after the final frame must not have ended the body already.
            if last and not end and self._at('after_final'):
                part, end = part[:-1], part[-1:]
            await self._write(part)
            self.chunks += 1
        await self._phase('after_final')
        await self._write(end)

    async def _write(self, data):
        if not self.split:
            return await self.connection.send(data)
        for at in range(len(data)):
            await self.connection.send(data[at:at + 1])
            await asyncio.sleep(0)  # the transport writes it before it gets the next

    def _at(self, phase):
        return [fault for fault in self.breaks
                if fault.phase == phase and (phase != 'between_chunks' or fault.after == self.chunks)]

    async def _phase(self, phase):
        for fault in self._at(phase):
            await self.connection.flushed()
            if fault.kind == 'hold':
                await self.holds.hold(self.connection)
                continue
            if fault.kind == 'hang':
                await self.connection.gone.wait()
                raise Broken(fault.name())
            if fault.kind == 'reset':
                self.connection.reset()
            else:
                self.connection.close()
            raise Broken(fault.name())
