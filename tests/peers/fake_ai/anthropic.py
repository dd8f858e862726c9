"""Anthropic's messages in both versions of the API, and the count of tokens."""
from .answers import Call, Refused, text_of
from .dialect import Dialect, bearer, event, identifier, in_parts

OLD, NEW = '2023-06-01', '2026-10-21'
SAMPLING = ('temperature', 'top_p', 'top_k')  # the new version has them no more
STOPS = {'stop': 'end_turn', 'length': 'max_tokens', 'tool_calls': 'tool_use', 'content_filter': 'refusal'}


class Anthropic(Dialect):
    name = 'anthropic'
    refusals = {
        'bad_request': (400, 'invalid_request_error'), 'context_length': (400, 'invalid_request_error'),
        'content_filter': (400, 'invalid_request_error'), 'key': (401, 'authentication_error'),
        'billing': (402, 'billing_error'), 'permission': (403, 'permission_error'), 'not_found': (404, 'not_found_error'),
        'too_large': (413, 'request_too_large'), 'rate_limit': (429, 'rate_limit_error'),
        'quota': (429, 'rate_limit_error'), 'server': (500, 'api_error'), 'unavailable': (503, 'api_error'),
        'timeout': (504, 'timeout_error'), 'overloaded': (529, 'overloaded_error'), 'conflict': (409, 'invalid_request_error'),
    }

    def credential(self, request):
        """By x-api-key in the old version, as a bearer in both."""
        if request.headers.get('anthropic-version') == OLD and 'x-api-key' in request.headers:
            return request.headers['x-api-key']
        return bearer(request)

    def headers(self, request):
        headers = [('request-id', identifier('req_', request))]
        for name, limit in (('requests', 4000), ('tokens', 400000), ('input-tokens', 300000), ('output-tokens', 100000)):
            headers += [(f'anthropic-ratelimit-{name}-limit', str(limit)),
                        (f'anthropic-ratelimit-{name}-remaining', str(limit - 1)),
                        (f'anthropic-ratelimit-{name}-reset', '2026-01-01T00:00:00Z')]
        return headers

    def refusal(self, kind, message, retry_after, request):
        status, name = self.refusals[kind]
        headers = [] if retry_after is None else [('retry-after', str(max(1, round(retry_after))))]
        error = {'type': name, 'message': message}
        if kind == 'quota':
            error['details'] = {'error_code': 'contract_spend_limit_reached'}
            headers.append(('x-should-retry', 'false'))
        return status, headers, {'type': 'error', 'error': error, 'request_id': identifier('req_', request)}

    def error_frame(self, kind, message):
        return event({'type': 'error', 'error': {'type': self.refusals[kind][1], 'message': message}}, 'error')

    def broken_frame(self):
        return b'event: content_block_delta\n' + super().broken_frame()

    def check_version(self, request):
        version = request.headers.get('anthropic-version')
        if version not in (OLD, NEW):
            raise Refused('bad_request', 'anthropic-version: header is required' if version is None else
                          f'anthropic-version: {version!r} is not a valid version')
        return version

    def read_messages(self, body, model, version):
        if not isinstance(body.get('max_tokens'), int):
            raise Refused('bad_request', 'max_tokens: Field required')
        if version == NEW and any(name in body for name in SAMPLING):
            raise Refused('bad_request', 'sampling parameters are not supported')
        return self.read_count(body, model)

    def read_count(self, body, model):
        if not isinstance(body.get('messages'), list) or not body['messages']:
            raise Refused('bad_request', 'messages: Field required')
        system = text_of(body.get('system') or '')
        messages = [('system', system)] if system else []
        for message in body['messages']:
            messages += _messages(message)
        form = (body.get('output_config') or {}).get('format') or {}
        choice = body.get('tool_choice') or {}
        return Call(self.name, 'chat', model, body, messages,
                    [(tool['name'], tool.get('input_schema', {})) for tool in body.get('tools') or []],
                    choice.get('name', choice.get('type', 'auto')), form.get('schema'), body.get('max_tokens'),
                    bool(body.get('stream')))

    def count(self, call, answer, request):
        return self.whole({'input_tokens': call.input_tokens()}, request)

    def message(self, call, answer, request):
        blocks = []
        if answer.reasoning:
            blocks.append({'type': 'thinking', 'thinking': answer.reasoning, 'signature': 'c2lnbmVk'})
        if answer.text or not answer.tool_calls:
            blocks.append({'type': 'text', 'text': answer.text})
        blocks += [{'type': 'tool_use', 'id': _tool_id(each), 'name': each.name, 'input': each.value()}
                   for each in answer.tool_calls]
        usage = answer.usage
        counted = {'input_tokens': usage.input, 'cache_creation_input_tokens': usage.cache_write,
                   'cache_read_input_tokens': usage.cache_read,
                   'cache_creation': {'ephemeral_5m_input_tokens': usage.cache_write_5m,
                                      'ephemeral_1h_input_tokens': usage.cache_write_1h},
                   'output_tokens': usage.total_output, 'service_tier': 'batch' if call.batch else 'standard'}
        if usage.reasoning:
            counted['output_tokens_details'] = {'thinking_tokens': usage.reasoning}
        return {'id': identifier('msg_', request), 'type': 'message', 'role': 'assistant', 'model': call.model,
                'content': blocks, 'stop_reason': STOPS.get(answer.finish, answer.finish), 'stop_sequence': None,
                'usage': counted}

    def messages(self, call, answer, request):
        message = self.message(call, answer, request)
        return self.streamed(self.events(message, answer), request) if call.stream else self.whole(message, request)

    def events(self, message, answer):
        return [event(value, value['type']) for value in self.native_events(message, answer)]

    def native_events(self, message, answer):
        usage = message['usage']
        yield {'type': 'message_start', 'message': {**message, 'content': [], 'stop_reason': None,
                                                    'usage': {**usage, 'output_tokens': 1}}}
        for index, block in enumerate(message['content']):
            yield {'type': 'content_block_start', 'index': index, 'content_block': _begun(block)}
            if index == 0:
                yield {'type': 'ping'}
            for delta in _deltas(block, answer):
                yield {'type': 'content_block_delta', 'index': index, 'delta': delta}
            yield {'type': 'content_block_stop', 'index': index}
        yield {'type': 'message_delta', 'delta': {'stop_reason': message['stop_reason'], 'stop_sequence': None},
               'usage': {'output_tokens': usage['output_tokens']}}
        yield {'type': 'message_stop'}


def _messages(message):
    """A message of a user may hold the results of tools, too."""
    content = message.get('content')
    if isinstance(content, list):
        for block in content:
            if block.get('type') == 'tool_result':
                yield 'tool', text_of(block.get('content', ''))
        if content and all(block.get('type') == 'tool_result' for block in content):
            return
    yield message.get('role'), text_of(content)


def _tool_id(call):
    return call.id if call.id.startswith('toolu_') else 'toolu_' + call.id


def _begun(block):
    empty = {'text': {'text': ''}, 'thinking': {'thinking': '', 'signature': ''}, 'tool_use': {'input': {}}}
    return {**block, **empty[block['type']]}


def _deltas(block, answer):
    if block['type'] == 'text':
        return [{'type': 'text_delta', 'text': piece} for piece in answer.pieces]
    if block['type'] == 'thinking':
        return [{'type': 'thinking_delta', 'thinking': block['thinking']},
                {'type': 'signature_delta', 'signature': block['signature']}]
    call = next(each for each in answer.tool_calls if _tool_id(each) == block['id'])
    return [{'type': 'input_json_delta', 'partial_json': part} for part in ('', *in_parts(call.arguments, 12))]
