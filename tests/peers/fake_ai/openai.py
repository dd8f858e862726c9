"""OpenAI's chat completions, embeddings and moderations, and Azure's twins of the first two."""
import array
import base64
import re

from .answers import Call, Refused, text_of
from .dialect import Dialect, bearer, event, identifier, in_parts

CREATED = 1767225600  # the same at each run
REASONING_MODELS = re.compile(r'^(o[1-9]|gpt-5)')


class OpenAi(Dialect):
    name = 'openai'
    refusals = {
        'key': (401, 'invalid_request_error', 'invalid_api_key'), 'permission': (403, 'invalid_request_error', None),
        'bad_request': (400, 'invalid_request_error', None),
        'not_found': (404, 'invalid_request_error', 'model_not_found'),
        'too_large': (413, 'invalid_request_error', None), 'conflict': (409, 'invalid_request_error', None),
        'rate_limit': (429, 'requests', 'rate_limit_exceeded'), 'quota': (429, 'insufficient_quota', 'insufficient_quota'),
        'billing': (429, 'insufficient_quota', 'billing_hard_limit_reached'),
        'overloaded': (503, 'server_error', None), 'unavailable': (503, 'server_error', None),
        'server': (500, 'server_error', None), 'timeout': (504, 'server_error', None),
        'context_length': (400, 'invalid_request_error', 'context_length_exceeded'),
        'content_filter': (400, 'invalid_request_error', 'content_policy_violation'),
    }

    def headers(self, request):
        return [('x-request-id', identifier('req_', request)), ('openai-version', '2020-10-01'),
                ('openai-processing-ms', '1'), ('x-ratelimit-limit-requests', '10000'),
                ('x-ratelimit-remaining-requests', '9999'), ('x-ratelimit-reset-requests', '6ms'),
                ('x-ratelimit-limit-tokens', '2000000'), ('x-ratelimit-remaining-tokens', '1999000'),
                ('x-ratelimit-reset-tokens', '1s')]

    def refusal(self, kind, message, retry_after, request):
        status, error_type, code = self.refusals[kind]
        headers = []
        if retry_after is not None:
            headers = [('Retry-After', str(max(1, round(retry_after)))), ('retry-after-ms', str(round(retry_after * 1000)))]
        return status, headers, {'error': {'message': message, 'type': error_type, 'param': None, 'code': code}}

    def error_frame(self, kind, message):
        return event(self.refusal(kind, message, None, None)[2])

    # --- chat completions

    def read_chat(self, body, model):
        messages = body.get('messages')
        if not isinstance(messages, list) or not messages:
            raise Refused('bad_request', "Missing required parameter: 'messages'.")
        if REASONING_MODELS.match(model) and 'max_tokens' in body:
            raise Refused('bad_request', "Unsupported parameter: 'max_tokens' is not supported with this model. "
                                         "Use 'max_completion_tokens' instead.")
        wanted = body.get('response_format') or {}
        schema = {'json_schema': wanted.get('json_schema', {}).get('schema', True), 'json_object': True}.get(wanted.get('type'))
        return Call(self.name, 'chat', model, body, [self._message(each) for each in messages],
                    [(tool['function']['name'], tool['function'].get('parameters', {})) for tool in body.get('tools') or []],
                    tool_choice_of(body.get('tool_choice')), schema,
                    body.get('max_completion_tokens', body.get('max_tokens')), bool(body.get('stream')),
                    count=body.get('n') or 1)

    @staticmethod
    def _message(message):
        role = message.get('role')
        if role not in ('developer', 'system', 'user', 'assistant', 'tool', 'function'):
            raise Refused('bad_request', f'Invalid value: {role!r}.')
        role = {'developer': 'system', 'function': 'tool'}.get(role, role)
        return role, text_of(message.get('content'))

    def chat(self, call, answer, request):
        common = {'id': identifier('chatcmpl-', request), 'created': CREATED, 'model': call.model,
                  'system_fingerprint': 'fp_fake', 'service_tier': 'default'}
        if call.stream:
            return self.streamed(self._chunks(call, answer, common), request)
        choices = [self._choice(index, answer) for index in range(call.count)]
        return self.whole({**common, 'object': 'chat.completion', 'choices': choices, 'usage': _usage(answer.usage)}, request)

    def _choice(self, index, answer):
        calls = [{'id': each.id, 'type': 'function', 'function': {'name': each.name, 'arguments': each.arguments}}
                 for each in answer.tool_calls]
        message = {'role': 'assistant', 'content': answer.text if answer.text or not calls else None, 'refusal': None,
                   'annotations': []}
        if calls:
            message['tool_calls'] = calls
        return {'index': index, 'message': message, 'logprobs': None, 'finish_reason': answer.finish}

    def _chunks(self, call, answer, common):
        common = {**common, 'object': 'chat.completion.chunk'}
        counted = (call.body.get('stream_options') or {}).get('include_usage')
        usage = {'usage': None} if counted else {}

        def chunk(index, delta, finish=None):
            choice = {'index': index, 'delta': delta, 'logprobs': None, 'finish_reason': finish}
            return event({**common, 'choices': [self._streamed_choice(choice)], **usage})

        frames = []
        for index in range(call.count):
            frames.append(chunk(index, {'role': 'assistant', 'content': '' if not answer.tool_calls else None, 'refusal': None}))
            frames += [chunk(index, {'content': piece}) for piece in answer.pieces]
            for number, each in enumerate(answer.tool_calls):
                frames.append(chunk(index, {'tool_calls': [{'index': number, 'id': each.id, 'type': 'function',
                                                            'function': {'name': each.name, 'arguments': ''}}]}))
                frames += [chunk(index, {'tool_calls': [{'index': number, 'function': {'arguments': part}}]})
                           for part in in_parts(each.arguments, 12)]
            frames.append(chunk(index, {}, answer.finish))
        if counted:
            frames.append(event({**common, 'choices': [], 'usage': _usage(answer.usage)}))
        return [*frames, b'data: [DONE]\n\n']

    def _streamed_choice(self, choice):
        return choice

    # --- embeddings and moderations

    def read_embeddings(self, body, model):
        given = body.get('input')
        if isinstance(given, str) or (isinstance(given, list) and given and isinstance(given[0], int)):
            given = [given]
        if not isinstance(given, list) or not given:
            raise Refused('bad_request', "'input' is to be a string, or strings.")
        inputs = [each if isinstance(each, str) else ' '.join(map(str, each)) for each in given]
        return Call(self.name, 'embed', model, body, inputs=inputs, dimensions=body.get('dimensions'))

    def embeddings(self, call, answer, request):
        packed = call.body.get('encoding_format') == 'base64'
        data = [{'object': 'embedding', 'index': index,
                 'embedding': base64.b64encode(_floats(vector)).decode() if packed else vector}
                for index, vector in enumerate(answer.vectors)]
        counted = answer.usage.total_input
        return self.whole({'object': 'list', 'data': data, 'model': call.model,
                           'usage': {'prompt_tokens': counted, 'total_tokens': counted}}, request)

    def read_moderations(self, body, model):
        call = self.read_embeddings(body, model)
        call.kind = 'moderate'
        return call

    def moderations(self, call, answer, request):
        names = ('harassment', 'harassment/threatening', 'hate', 'hate/threatening', 'illicit', 'illicit/violent', 'self-harm',
                 'self-harm/intent', 'self-harm/instructions', 'sexual', 'sexual/minors', 'violence', 'violence/graphic')
        results = []
        for text in call.inputs:
            bad = {name: name == 'violence' and bool(re.search(r'\bkill (?:him|her|them|you)\b', text)) for name in names}
            results.append({'flagged': any(bad.values()), 'categories': bad,
                            'category_scores': {name: 0.9 if value else 0.0001 for name, value in bad.items()},
                            'category_applied_input_types': {name: ['text'] for name in names}})
        return self.whole({'id': identifier('modr-', request), 'model': call.model, 'results': results}, request)


class Azure(OpenAi):
    name = 'azure'
    refusals = {**OpenAi.refusals, 'key': (401, None, '401'), 'not_found': (404, None, 'DeploymentNotFound'),
                'rate_limit': (429, None, '429'), 'quota': (429, None, '429'), 'billing': (403, None, '403'),
                'content_filter': (400, None, 'content_filter')}
    safe = {name: {'filtered': False, 'severity': 'safe'} for name in ('hate', 'self_harm', 'sexual', 'violence')}

    def credential(self, request):
        return request.headers.get('api-key') or bearer(request)

    def headers(self, request):
        number = identifier('', request)
        return [('apim-request-id', number), ('x-request-id', number), ('x-ms-region', 'Nowhere'),
                ('x-ms-deployment-name', 'fake'), ('x-ratelimit-remaining-requests', '99'),
                ('x-ratelimit-remaining-tokens', '99000')]

    def refusal(self, kind, message, retry_after, request):
        if kind == 'rate_limit' and retry_after is not None:
            message = f'{message} Please retry after {max(1, round(retry_after))} seconds.'
        status, headers, body = super().refusal(kind, message, retry_after, request)
        if body['error']['type'] is None:
            body = {'error': {'code': body['error']['code'], 'message': message}}
        if kind == 'content_filter':
            filtered = {**self.safe, 'violence': {'filtered': True, 'severity': 'medium'}}
            body['error'].update(param='prompt', status=400, innererror={
                'code': 'ResponsibleAIPolicyViolation', 'content_filter_result': filtered})
        return status, headers, body

    def chat(self, call, answer, request):
        response = super().chat(call, answer, request)
        if response.frames is not None:  # a chunk before all others that has no choice
            response.frames.insert(0, event({'id': '', 'object': '', 'created': 0, 'model': '', 'choices': [],
                                             'prompt_filter_results': self._prompt()}))
        return response

    def whole(self, body, request, headers=()):
        if 'choices' in body:
            body['prompt_filter_results'] = self._prompt()
        return super().whole(body, request, headers)

    def _prompt(self):
        return [{'prompt_index': 0, 'content_filter_results': self.safe}]

    def _choice(self, index, answer):
        return {**super()._choice(index, answer), 'content_filter_results': self.safe}

    def _streamed_choice(self, choice):
        return {**choice, 'content_filter_results': self.safe if choice['delta'].get('content') else {}}


def tool_choice_of(choice):
    if isinstance(choice, dict):
        return choice.get('function', choice).get('name', 'any')
    return {'required': 'any', None: 'auto'}.get(choice, choice)


def _usage(usage):
    return {'prompt_tokens': usage.total_input, 'completion_tokens': usage.total_output,
            'total_tokens': usage.total_input + usage.total_output,
            'prompt_tokens_details': {'cached_tokens': usage.cache_read, 'cache_write_tokens': usage.cache_write,
                                      'audio_tokens': 0},
            'completion_tokens_details': {'reasoning_tokens': usage.reasoning, 'audio_tokens': 0,
                                          'accepted_prediction_tokens': 0, 'rejected_prediction_tokens': 0}}


def _floats(vector):
    return array.array('f', vector).tobytes()  # little-endian, as are all machines that tests run on
