"""Bedrock: Converse and its stream, the formats of Claude and of Titan's and Cohere's embeddings through invoke, and the
count of tokens."""
import base64
import json

from . import event_stream, sigv4
from .answers import Call, Refused, to_json
from .anthropic import Anthropic
from .dialect import Dialect, bearer, identifier, in_parts
from .wire import Response

STOPS = {'stop': 'end_turn', 'length': 'max_tokens', 'tool_calls': 'tool_use', 'content_filter': 'content_filtered'}


class Bedrock(Dialect):
    name = 'bedrock'
    stream_type = 'application/vnd.amazon.eventstream'
    refusals = {
        'bad_request': (400, 'ValidationException'), 'context_length': (400, 'ValidationException'),
        'content_filter': (400, 'ValidationException'), 'quota': (400, 'ServiceQuotaExceededException'),
        'key': (403, 'UnrecognizedClientException'), 'permission': (403, 'AccessDeniedException'),
        'billing': (403, 'AccessDeniedException'), 'not_found': (404, 'ResourceNotFoundException'),
        'timeout': (408, 'ModelTimeoutException'), 'too_large': (413, 'ValidationException'),
        'conflict': (424, 'ModelErrorException'), 'rate_limit': (429, 'ThrottlingException'),
        'server': (500, 'InternalServerException'), 'overloaded': (503, 'ServiceUnavailableException'),
        'unavailable': (503, 'ServiceUnavailableException'),
    }
    # What a stream may break with, in the words of its own model of exceptions.
    in_stream = {'rate_limit': 'throttlingException', 'bad_request': 'validationException',
                 'server': 'internalServerException', 'conflict': 'modelStreamErrorException'}

    def let_in(self, request, script):
        """By signature, or by a key as a bearer. Raises Rejected for a signature that is none."""
        key = bearer(request)
        if key is not None:
            request.credential = key
            return key in script.keys
        request.credential = sigv4.verify(request, script.aws)
        return True

    def rejected(self, rejection, request):
        headers = [*self.headers(request), ('x-amzn-errortype', f'{rejection.name}:http://internal.amazon.com/coral/')]
        return Response(403, to_json({'message': rejection.message}), headers)

    def headers(self, request):
        return [('x-amzn-RequestId', identifier('', request))]

    def refusal(self, kind, message, retry_after, request):
        status, name = self.refusals[kind]
        headers = [('x-amzn-errortype', f'{name}:http://internal.amazon.com/coral/com.amazon.bedrock/')]
        if retry_after is not None:
            headers.append(('Retry-After', str(max(1, round(retry_after)))))
        return status, headers, {'message': message}

    def error_frame(self, kind, message):
        name = self.in_stream.get(kind, 'serviceUnavailableException')
        return event_stream.exception(name, to_json({'message': message}))

    def broken_frame(self):
        return event_stream.damaged(event_stream.event('contentBlockStop', b'{"contentBlockIndex":0}'))

    # --- Converse

    def read_converse(self, body, model, stream=False):
        if not isinstance(body.get('messages'), list) or not body['messages']:
            raise Refused('bad_request', 'The messages are missing.')
        system = '\n'.join(each['text'] for each in body.get('system') or [] if 'text' in each)
        messages = [('system', system)] if system else []
        for message in body['messages']:
            results = [part['toolResult'] for part in message['content'] if 'toolResult' in part]
            messages += [('tool', '\n'.join(each.get('text') or json.dumps(each.get('json')) for each in result['content']))
                         for result in results]
            if not results:
                messages.append((message['role'], '\n'.join(part['text'] for part in message['content'] if 'text' in part)))
        config = body.get('toolConfig') or {}
        tools = [(each['toolSpec']['name'], each['toolSpec']['inputSchema']['json'])
                 for each in config.get('tools', []) if 'toolSpec' in each]
        choice = config.get('toolChoice') or {}
        choice = choice['tool']['name'] if 'tool' in choice else next(iter(choice), 'auto')
        form = ((body.get('outputConfig') or {}).get('textFormat') or {}).get('structure', {}).get('jsonSchema', {})
        schema = json.loads(form['schema']) if 'schema' in form else None
        return Call(self.name, 'chat', model, body, messages, tools, choice, schema,
                    (body.get('inferenceConfig') or {}).get('maxTokens'), stream)

    def converse(self, call, answer, request):
        usage = answer.usage
        counted = {'inputTokens': usage.input, 'outputTokens': usage.total_output,
                   'totalTokens': usage.total_input + usage.total_output}
        if usage.cache_read or usage.cache_write:
            counted.update(cacheReadInputTokens=usage.cache_read, cacheWriteInputTokens=usage.cache_write)
        stop = STOPS.get(answer.finish, answer.finish)
        if call.stream:
            return self.streamed([event_stream.event(name, to_json(value)) for name, value in self._events(answer, stop, counted)],
                                 request)
        content = [{'reasoningContent': {'reasoningText': {'text': answer.reasoning}}}] if answer.reasoning else []
        content += [{'text': answer.text}] if answer.text or not answer.tool_calls else []
        content += [{'toolUse': {'toolUseId': each.id, 'name': each.name, 'input': each.value()}} for each in answer.tool_calls]
        return self.whole({'output': {'message': {'role': 'assistant', 'content': content}}, 'stopReason': stop,
                           'usage': counted, 'metrics': {'latencyMs': 1}}, request)

    @staticmethod
    def _events(answer, stop, counted):
        """Blocks of text have no start."""
        yield 'messageStart', {'role': 'assistant'}
        index = 0
        for deltas in ([{'reasoningContent': {'text': answer.reasoning}}] if answer.reasoning else [],
                       [{'text': piece} for piece in answer.pieces]):
            for delta in deltas:
                yield 'contentBlockDelta', {'contentBlockIndex': index, 'delta': delta}
            if deltas:
                yield 'contentBlockStop', {'contentBlockIndex': index}
                index += 1
        for number, call in enumerate(answer.tool_calls, index):
            start = {'toolUse': {'toolUseId': call.id, 'name': call.name}}
            yield 'contentBlockStart', {'contentBlockIndex': number, 'start': start}
            for part in in_parts(call.arguments, 12):
                yield 'contentBlockDelta', {'contentBlockIndex': number, 'delta': {'toolUse': {'input': part}}}
            yield 'contentBlockStop', {'contentBlockIndex': number}
        yield 'messageStop', {'stopReason': stop}
        yield 'metadata', {'usage': counted, 'metrics': {'latencyMs': 1}}

    # --- the formats of the models themselves

    def read_invoke(self, body, model, stream=False):
        if 'titan-embed' in model or 'cohere.embed' in model:
            return self._read_embed(body, model)
        if body.get('anthropic_version') != 'bedrock-2023-05-31':
            raise Refused('bad_request', 'anthropic_version is to be bedrock-2023-05-31; other formats are not known here')
        if 'model' in body or 'stream' in body:
            raise Refused('bad_request', 'extraneous key is not permitted')
        call = Anthropic().read_messages(body, model, None)
        call.provider, call.stream = self.name, stream
        return call

    def _read_embed(self, body, model):
        """Titan takes one text at a time, Cohere up to 96."""
        titan = 'titan' in model
        unknown = set(body) - ({'inputText', 'dimensions', 'normalize', 'embeddingTypes'} if titan else
                               {'texts', 'input_type', 'truncate', 'embedding_types', 'output_dimension', 'max_tokens'})
        inputs = [body.get('inputText')] if titan else body.get('texts')
        if unknown or not isinstance(inputs, list) or not 0 < len(inputs) <= 96 or not all(isinstance(t, str) for t in inputs):
            raise Refused('bad_request', f'Malformed input request, please reformat your input and try again: {sorted(unknown)}')
        if not titan and body.get('input_type') not in ('search_document', 'search_query', 'classification', 'clustering'):
            raise Refused('bad_request', 'input_type is required')
        return Call(self.name, 'embed', model, body, inputs=inputs, dimensions=body.get('dimensions' if titan else 'output_dimension'))

    def _embed(self, call, answer, counted, request):
        if 'titan' in call.model:
            vector = answer.vectors[0]
            return self.whole({'embedding': vector, 'embeddingsByType': {'float': vector},
                               'inputTextTokenCount': answer.usage.total_input}, request, counted)
        types = call.body.get('embedding_types')
        return self.whole({'id': identifier('', request), 'texts': call.inputs,
                           'embeddings': {'float': answer.vectors} if types else answer.vectors,
                           'response_type': 'embeddings_by_type' if types else 'embeddings_floats'}, request, counted)

    def invoke(self, call, answer, request):
        counted = [('X-Amzn-Bedrock-Input-Token-Count', str(answer.usage.total_input)),
                   ('X-Amzn-Bedrock-Output-Token-Count', str(answer.usage.total_output))]
        if call.kind == 'embed':
            return self._embed(call, answer, counted, request)
        native = Anthropic()
        message = native.message(call, answer, request)
        if not call.stream:
            return self.whole(message, request, counted)
        frames = [event_stream.event('chunk', to_json({'bytes': base64.b64encode(to_json(value)).decode(), 'p': 'abcd'}))
                  for value in native.native_events(message, answer)]
        return self.streamed(frames, request)

    def read_count(self, body, model):
        given = body.get('input') or {}
        if 'converse' in given:
            return self.read_converse(given['converse'], model)
        native = json.loads(base64.b64decode(given.get('invokeModel', {}).get('body', '')) or b'{}')
        return self.read_invoke(native, model)

    def count(self, call, answer, request):
        return self.whole({'inputTokens': call.input_tokens()}, request)
