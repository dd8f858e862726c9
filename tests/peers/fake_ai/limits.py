"""A provider's own limits, per key, if the script has some: {"limit": {"requests": 50, "tokens": 10000, "per_ms": 1000,
"concurrent": 8}}. Who stays below them never sees a 429."""
import time

from .answers import Refused


class Limits:
    def __init__(self, spec, now=time.monotonic):
        self.requests = spec.get('requests')
        self.tokens = spec.get('tokens')
        self.concurrent = spec.get('concurrent')
        self.seconds = spec.get('per_ms', 60000) / 1000
        self.now = now
        self.windows = {}  # of each key: when it began, requests, tokens
        self.under_way = {}

    def enter(self, key, tokens):
        """Raises Refused for one too many, which then does not count. leave() undoes a concurrent one."""
        now = self.now()
        began, requests, used = self.windows.get(key, (now, 0, 0))
        if now - began >= self.seconds:
            began, requests, used = now, 0, 0
        self.windows[key] = began, requests, used
        if (self.requests is not None and requests + 1 > self.requests) or (self.tokens is not None and used + tokens > self.tokens):
            raise Refused('rate_limit', retry_after=round(began + self.seconds - now, 3))
        if self.concurrent is not None and self.under_way.get(key, 0) + 1 > self.concurrent:
            raise Refused('rate_limit', 'Too many concurrent requests.')
        self.windows[key] = began, requests + 1, used + tokens
        self.under_way[key] = self.under_way.get(key, 0) + 1

    def leave(self, key):
        self.under_way[key] -= 1
