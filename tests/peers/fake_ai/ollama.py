"""Ollama's chat, in lines of JSON or whole, and embeddings."""
from .answers import Call, Refused, to_json
from .dialect import Dialect

CREATED = '2026-01-01T00:00:00.000000Z'
FINISH = {'length': 'length'}


class Ollama(Dialect):
    name = 'ollama'
    stream_type = 'application/x-ndjson'
    refusals = {'bad_request': (400,), 'context_length': (400,), 'content_filter': (400,), 'key': (401,), 'permission': (403,),
                'billing': (402,), 'not_found': (404,), 'too_large': (413,), 'rate_limit': (429,), 'quota': (429,),
                'server': (500,), 'unavailable': (503,), 'overloaded': (503,), 'timeout': (504,), 'conflict': (409,)}

    def let_in(self, request, script):
        """Who has no key is let in, as Ollama does; a wrong one is noticed, as a proxy before it would."""
        credential = self.credential(request)
        request.credential = credential
        return credential is None or credential in script.keys

    def refusal(self, kind, message, retry_after, request):
        headers = [] if retry_after is None else [('Retry-After', str(max(1, round(retry_after))))]
        return self.refusals[kind][0], headers, {'error': message}

    def error_frame(self, kind, message):
        return to_json({'error': message}) + b'\n'

    def broken_frame(self):
        return b'{"this is": no JSON\n'

    def read_chat(self, body, model):
        if not isinstance(body.get('messages'), list):
            raise Refused('bad_request', 'messages are missing')
        form = body.get('format')
        tools = [(tool['function']['name'], tool['function'].get('parameters', {})) for tool in body.get('tools') or []]
        return Call(self.name, 'chat', model, body, [(each['role'], each.get('content', '')) for each in body['messages']],
                    tools, schema=True if form == 'json' else form or None,
                    max_tokens=(body.get('options') or {}).get('num_predict'), stream=body.get('stream', True))

    def chat(self, call, answer, request):
        common = {'model': call.model, 'created_at': CREATED}
        calls = [{'function': {'name': each.name, 'arguments': each.value()}} for each in answer.tool_calls]
        last = {'done': True, 'done_reason': FINISH.get(answer.finish, 'stop'), 'total_duration': 3000000, 'load_duration': 1000000,
                'prompt_eval_count': answer.usage.total_input, 'prompt_eval_duration': 1000000,
                'eval_count': answer.usage.total_output, 'eval_duration': 1000000}
        last = {name: value for name, value in last.items() if value != 0}
        if not call.stream:
            message = {'role': 'assistant', 'content': answer.text, **({'tool_calls': calls} if calls else {}),
                       **({'thinking': answer.reasoning} if answer.reasoning else {})}
            return self.whole({**common, 'message': message, **last}, request)
        said = [{'content': '', 'thinking': answer.reasoning}] if answer.reasoning else []
        said += [{'content': piece} for piece in answer.pieces]
        said += [{'content': '', 'tool_calls': [each]} for each in calls]
        lines = [{**common, 'message': {'role': 'assistant', **each}, 'done': False} for each in said]
        lines.append({**common, 'message': {'role': 'assistant', 'content': ''}, **last})
        return self.streamed([to_json(line) + b'\n' for line in lines], request)

    def read_embed(self, body, model):
        given = body.get('input')
        inputs = [given] if isinstance(given, str) else given
        if not isinstance(inputs, list):
            raise Refused('bad_request', 'invalid input type')
        return Call(self.name, 'embed', model, body, inputs=inputs, dimensions=body.get('dimensions'))

    def embed(self, call, answer, request):
        return self.whole({'model': call.model, 'embeddings': answer.vectors, 'total_duration': 1000000,
                           'load_duration': 1000, 'prompt_eval_count': answer.usage.total_input}, request)
