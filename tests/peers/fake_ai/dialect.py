"""What all wire formats have in common: who is let in, what a refusal looks like, how a stream is framed."""
import hashlib

from .answers import to_json
from .wire import Response

MESSAGES = {
    'key': 'Incorrect API key provided.', 'permission': 'This key may not use that model.',
    'bad_request': 'The request is not one.', 'not_found': 'The model does not exist.',
    'too_large': 'The request is too large.', 'rate_limit': 'Rate limit reached.',
    'quota': 'You exceeded your current quota, please check your plan and billing details.',
    'billing': 'There is a problem with your billing.', 'overloaded': 'Overloaded', 'server': 'Internal server error',
    'unavailable': 'The service is not available.', 'timeout': 'The request took too long.',
    'context_length': "This model's maximum context length is exceeded.",
    'content_filter': 'The prompt was filtered.', 'conflict': 'Try again.',
}


class Dialect:
    """One provider's. `refusals`: kind of error -> what it is in this provider's words, the status first."""
    name = ''
    refusals = {}
    stream_type = 'text/event-stream; charset=utf-8'

    def credential(self, request):
        """What the client logged in with, or None."""
        return bearer(request)

    def let_in(self, request, script):
        credential = self.credential(request)
        if credential not in script.keys:
            return False
        request.credential = credential
        return True

    def headers(self, request):
        """Of every answer."""
        return []

    def refusal(self, kind, message, retry_after, request):
        """(status, headers, body)"""
        raise NotImplementedError

    def error_frame(self, kind, message):
        raise NotImplementedError

    def broken_frame(self):
        return b'data: {"this is": no JSON\n\n'

    # --- the same for all

    def refuse(self, kind, message=None, retry_after=None, request=None):
        kind = kind if kind in self.refusals else 'server'
        status, headers, body = self.refusal(kind, message or MESSAGES.get(kind, kind), retry_after, request)
        return Response(status, to_json(body), [*self.headers(request), *headers])

    def whole(self, body, request, headers=()):
        return Response(200, to_json(body), [*self.headers(request), *headers])

    def streamed(self, frames, request):
        return Response(200, frames=frames, headers=[*self.headers(request), ('Cache-Control', 'no-cache')],
                        content_type=self.stream_type)


def bearer(request):
    scheme, _, key = request.headers.get('authorization', '').partition(' ')
    return key if scheme.lower() == 'bearer' else None


def event(value, name=None):
    """A server-sent event."""
    head = b'event: ' + name.encode() + b'\n' if name else b''
    return head + b'data: ' + to_json(value) + b'\n\n'


def identifier(prefix, request, extra=''):
    """The same for the same request, another for each other."""
    number = getattr(request, 'number', 0)
    return prefix + hashlib.sha256(f'{number} {extra}'.encode()).hexdigest()[:24]


def in_parts(text, size):
    return [text[at:at + size] for at in range(0, len(text), size)] or ['']
