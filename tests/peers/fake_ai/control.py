"""What tests ask of the fake itself, under /fake/."""
from .answers import to_json
from .wire import Response


class Control:
    def __init__(self, server):
        self.server = server

    async def answer(self, request):
        handler = getattr(self, f'{request.method.lower()}_{request.path[len("/fake/"):]}', None)
        if handler is None:
            return self._reply({'error': f'there is no {request.method} {request.path}'}, 404)
        try:
            return self._reply(await handler(request))
        except (ValueError, KeyError, TypeError) as problem:
            return self._reply({'error': repr(problem)}, 400)

    @staticmethod
    def _reply(value, status=200):
        return Response(status, to_json(value))

    async def post_faults(self, request):
        """One object, or {"faults": […]}; gives their numbers."""
        body = request.json()
        specs = body.get('faults', [body])
        return {'numbers': [self.server.faults.add(spec) for spec in specs]}

    async def get_faults(self, _):
        return {'waiting': [{**fault.spec, 'number': fault.number, 'left': fault.left} for fault in self.server.faults.waiting]}

    async def delete_faults(self, _):
        self.server.faults.clear()
        return {}

    async def post_release(self, request):
        """{"count": n}, or all that wait."""
        return {'released': self.server.holds.release(request.json().get('count') if request.body else None)}

    async def post_listen(self, request):
        """{"open": false}: from now on, connections are refused."""
        await self.server.listen(bool(request.json()['open']))
        return {'open': self.server.listener is not None}

    async def get_ledger(self, request):
        return self.server.ledger.shown(int(request.query.get('since', 0)))

    async def get_counters(self, _):
        server = self.server
        return {**server.counters, 'active': server.active, 'held': len(server.holds.waiting), 'faults': server.faults.counters}

    async def get_requests(self, request):
        """The last ones, with everything that came."""
        since = int(request.query.get('since', 0))
        return {'requests': [{'n': each.number, 'method': each.method, 'target': each.target, 'headers': each.headers,
                              'body': each.body.decode('utf-8', 'replace')} for each in self.server.requests
                             if each.number > since]}

    async def post_script(self, request):
        self.server.set_script(request.json())
        return {}

    async def post_reset(self, _):
        """As at the start, but for the script."""
        server = self.server
        server.faults.clear()
        server.faults.counters.clear()
        server.holds.release()
        server.ledger.clear()
        server.counters.clear()
        server.requests.clear()
        await server.listen(True)
        return {}
