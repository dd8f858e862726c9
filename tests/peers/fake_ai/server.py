"""Answers requests: finds out who is meant, asks the script, lets faults strike, and writes the ledger."""
import asyncio
import collections
import dataclasses
import functools
import socket
import urllib.parse

from . import routes
from .answers import NO_UTF8, Answer, Call, Refused
from .batches import AnthropicBatches, OpenAiBatches
from .control import Control
from .delivery import Broken, Delivery, Holds
from .faults import Faults
from .ledger import Ledger, Prices
from .limits import Limits
from .script import Script
from .sigv4 import Rejected
from .wire import Connection, Gone, Response

REQUESTS_KEPT = 1000


class Server:
    def __init__(self, script=None, prices=None):
        self.script = Script()
        self.prices = Prices(prices)
        self.ledger = Ledger(self.prices)
        self.faults = Faults()
        self.holds = Holds()
        self.counters = collections.Counter()
        self.requests = collections.deque(maxlen=REQUESTS_KEPT)
        self.control = Control(self)
        self.number = 0
        self.active = 0
        self.port = None
        self.listener = None
        self.routes = []
        self.found = {}
        self.limits = None
        self.set_script(script)

    def set_script(self, data):
        self.script = Script(data)
        self.prices.add(self.script.prices)
        self.limits = Limits(self.script.limit) if self.script.limit else None
        self.routes = routes.generating() + routes.plain(OpenAiBatches(self), AnthropicBatches(self))
        self.found = {}

    # --- listening

    async def start(self, host, port, control_port):
        """The port stays ours while nobody listens there, so that connections are refused and none goes astray."""
        self.keeper = socket.socket()
        self.keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.keeper.bind((host, port))
        self.host, self.port = self.keeper.getsockname()
        await self.listen(True)
        loop = asyncio.get_running_loop()
        make = functools.partial(Connection, self._serve_control, lambda _: True)
        control = await loop.create_server(make, host, control_port, backlog=128)
        return self.port, control.sockets[0].getsockname()[1]

    async def listen(self, wanted):
        if wanted and self.listener is None:
            make = functools.partial(Connection, self.serve, self._met)
            self.listener = await asyncio.get_running_loop().create_server(make, self.host, self.port, backlog=16384)
        elif not wanted and self.listener is not None:
            self.listener.close()
            self.listener = None

    def _met(self, connection):
        self.counters['connections'] += 1
        fault = self.faults.take_accepted()
        if fault is None:
            return True
        if fault.kind == 'reset':
            return False
        # What still comes is read, and never answered: unread, it would make a RST of the end.
        connection.serve = lambda request, each: each.gone.wait()
        if fault.kind == 'close':
            connection.transport.write_eof()
        return True

    async def _serve_control(self, request, connection):
        if not request.path.startswith('/fake/'):
            return await self.serve(request, connection)
        await self._deliver_plain(await self.control.answer(request), request, connection)

    # --- answering

    async def serve(self, request, connection):
        if request.path.startswith('/fake/'):
            return await self._deliver_plain(await self.control.answer(request), request, connection)
        self.number += 1
        request.number = self.number
        self.requests.append(request)
        self.active += 1
        self.counters['active_max'] = max(self.counters['active_max'], self.active)
        try:
            await self._serve(request, connection)
        finally:
            self.active -= 1

    async def _serve(self, request, connection):
        route, groups = self._route(request)
        self.counters['requests'] += 1
        if route is None:
            return await self._deliver_plain(routes.whose(request.path).refuse('not_found', 'Invalid URL', request=request),
                                             request, connection)
        self.counters[f'requests/{route.dialect.name}'] += 1
        refusal = self._refused_entry(route.dialect, request)
        if refusal is not None:
            return await self._deliver_plain(refusal, request, connection)
        if route.plain is None:
            return await self._generate(route, groups, request, connection)
        await self._say_plainly(route, groups, request, connection)

    async def _say_plainly(self, route, groups, request, connection):
        call = Call(route.dialect.name, 'batch', '', {})
        faults = self.faults.take(call, request.headers.get('x-colloquium-call'))
        stopping = next((fault for fault in faults if fault.stops()), None)
        try:
            if stopping is not None:
                response = self._scripted_refusal(route.dialect, stopping, request)
            else:
                response = _spoiled(route.dialect, route.plain(request, groups), faults)
        except Refused as refused:
            response = self._refusal(route.dialect, refused, request)
        except (ValueError, KeyError, TypeError) as problem:
            response = self._refusal(route.dialect, Refused('bad_request', f'not understood: {problem!r}'), request)
        if await self._deliver(Delivery(connection, faults, self.holds), response, Answer(), faults) == 'delivered':
            _after(request, connection)

    def _route(self, request):
        key = request.method, request.raw_path
        if key in self.found:
            return self.found[key]
        for route in self.routes:
            match = route.pattern.fullmatch(request.raw_path) if route.method == request.method else None
            if match:
                found = route, [urllib.parse.unquote(group) for group in match.groups()]
                if len(self.found) < 1000:
                    self.found[key] = found
                return found
        return None, ()

    def _refused_entry(self, dialect, request):
        try:
            if dialect.let_in(request, self.script):
                return None
        except Rejected as rejection:
            self.counters['refused/key'] += 1
            return dialect.rejected(rejection, request)
        return self._refusal(dialect, Refused('key'), request)

    def _refusal(self, dialect, refused, request):
        self.counters[f'refused/{refused.kind}'] += 1
        return dialect.refuse(refused.kind, refused.message, refused.more.get('retry_after'), request)

    async def _generate(self, route, groups, request, connection):
        dialect = route.dialect
        key = request.credential
        limits = self.limits
        try:
            call = self._read(route, groups, request)
            if limits is not None:
                limits.enter(key, call.input_tokens())
        except Refused as refused:
            return await self._deliver_plain(self._refusal(dialect, refused, request), request, connection)
        if not route.bills and call.kind == 'chat':
            call.kind = 'count'
        try:
            await self._answer(route, call, request, connection)
        finally:
            if limits is not None:
                limits.leave(key)

    async def _answer(self, route, call, request, connection):
        dialect = route.dialect
        call_id = request.headers.get('x-colloquium-call')
        try:
            answer = self.script.answer(call)
        except Refused as refused:
            return await self._deliver_plain(self._refusal(dialect, refused, request), request, connection)
        faults = self.faults.take(call, call_id, answer.faults)
        stopping = next((fault for fault in faults if fault.stops()), None)
        row = None
        if stopping is not None:
            response = self._scripted_refusal(dialect, stopping, request)
        else:
            if route.bills and all(fault.spec.get('billed', True) for fault in faults):
                row = self.ledger.begin(call, request, request.path, answer.usage, faults, call_id)
            _spoil_text(answer, faults)
            response = _spoiled(dialect, route.render(call, answer, request), faults)
        delivery = Delivery(connection, faults, self.holds, answer.chunk_ms)
        outcome = await self._deliver(delivery, response, answer, faults)
        if row is not None:
            self._settle(row, outcome, answer, delivery, response)
        if outcome == 'delivered':
            _after(request, connection)

    def _read(self, route, groups, request):
        try:
            body = request.json()
            model = groups[0] if groups else body.get('model')
            if not isinstance(model, str) or not model:
                raise Refused('bad_request', 'you must provide a model parameter')
            return route.read(body, model, request)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
            raise Refused('bad_request', f'not understood: {problem!r}') from None

    async def _deliver(self, delivery, response, answer, faults):
        wait_ms = max([answer.head_ms, *(fault.spec.get('head_ms', 0) for fault in faults)])
        try:
            if wait_ms:
                await delivery.connection.pause(wait_ms / 1000)
            await delivery.send(response)
            return 'delivered'
        except Gone:
            self.counters['gone'] += 1
            return 'client gone'
        except Broken as broken:
            return str(broken)

    def _settle(self, row, outcome, answer, delivery, response):
        """Whoever generates stops when nobody listens any more."""
        usage = None
        if outcome == 'client gone' and response.frames:
            made = delivery.chunks / len(response.frames)
            usage = dataclasses.replace(answer.usage, output=int(answer.usage.output * made),
                                        reasoning=int(answer.usage.reasoning * made))
        self.ledger.end(row, outcome, usage)

    def _scripted_refusal(self, dialect, fault, request):
        spec = fault.spec
        if 'error' in spec:
            return self._refusal(dialect, Refused(spec['error'], spec.get('message'), retry_after=spec.get('retry_after')), request)
        return Response(spec.get('status', 500), str(spec.get('body', '')).encode(), list(spec.get('headers', {}).items()),
                        content_type=spec.get('value', 'text/html'))

    async def _deliver_plain(self, response, request, connection):
        await Delivery(connection, (), self.holds).send(response)
        _after(request, connection)

    def for_batch(self, dialect, read, render, request, body, custom_id):
        """One line of a batch."""
        try:
            call = read(body, body.get('model', ''))
            call.batch, call.stream = True, False
            answer = self.script.answer(call)
        except Refused as refused:
            return self._refusal(dialect, refused, request)
        row = self.ledger.begin(call, request, request.path, answer.usage, (), custom_id)
        self.ledger.end(row, 'delivered')
        return render(call, answer, request)


def _after(request, connection):
    if request.headers.get('connection', '').lower() == 'close' or request.version == 'HTTP/1.0':
        connection.close()


def _spoil_text(answer, faults):
    for fault in faults:
        if fault.kind == 'invalid_utf8':
            added = NO_UTF8
        elif fault.kind == 'big_event':
            added = 'x' * int(fault.spec.get('megabytes', 1) * (1 << 20))
        else:
            continue
        at = len(answer.pieces) // 2
        answer.pieces = [*answer.pieces[:at], added, *answer.pieces[at:]]
        answer.text = ''.join(answer.pieces)


def _spoiled(dialect, response, faults):
    for fault in faults:
        if fault.kind == 'content_type':
            response.headers[0] = 'Content-Type', fault.spec.get('value', 'text/html')
        elif fault.kind == 'truncate' and response.frames is not None:
            response.frames.pop()
        elif fault.kind == 'truncate':
            response.body = response.body[:len(response.body) // 2]
        elif fault.kind == 'error_in_stream' and response.frames is not None:
            error = dialect.error_frame(fault.spec.get('error', 'overloaded'), fault.spec.get('message', 'Overloaded'))
            response.frames[fault.after:] = [error]
        elif fault.kind == 'broken_frame' and response.frames is not None:
            response.frames.insert(fault.after, dialect.broken_frame())
        elif fault.kind == 'broken_frame':
            response.body = b'{"this is": no JSON'
    return response
