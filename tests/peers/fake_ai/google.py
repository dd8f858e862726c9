"""Google's generateContent, its stream, embeddings and the count of tokens."""
from .answers import Call, Refused, to_json
from .dialect import Dialect, event, identifier

FINISH = {'stop': 'STOP', 'tool_calls': 'STOP', 'length': 'MAX_TOKENS', 'content_filter': 'SAFETY'}
INFO = 'type.googleapis.com/google.rpc.'


class Google(Dialect):
    name = 'google'
    stream_type = 'text/event-stream'
    refusals = {
        'bad_request': (400, 'INVALID_ARGUMENT'), 'context_length': (400, 'INVALID_ARGUMENT'), 'key': (400, 'INVALID_ARGUMENT'),
        'content_filter': (400, 'INVALID_ARGUMENT'), 'permission': (403, 'PERMISSION_DENIED'),
        'billing': (403, 'PERMISSION_DENIED'), 'not_found': (404, 'NOT_FOUND'), 'too_large': (413, 'INVALID_ARGUMENT'),
        'rate_limit': (429, 'RESOURCE_EXHAUSTED'), 'quota': (429, 'RESOURCE_EXHAUSTED'), 'server': (500, 'INTERNAL'),
        'overloaded': (503, 'UNAVAILABLE'), 'unavailable': (503, 'UNAVAILABLE'), 'timeout': (504, 'DEADLINE_EXCEEDED'),
        'conflict': (409, 'ABORTED'),
    }

    def credential(self, request):
        return request.headers.get('x-goog-api-key') or request.query.get('key')

    def refusal(self, kind, message, retry_after, request):
        status, name = self.refusals[kind]
        details = []
        if kind == 'key':
            message = 'API key not valid. Please pass a valid API key.'
            details.append({'@type': INFO + 'ErrorInfo', 'reason': 'API_KEY_INVALID', 'domain': 'googleapis.com'})
        if kind in ('rate_limit', 'quota'):
            per = 'PerDay' if kind == 'quota' else 'PerMinute'
            details.append({'@type': INFO + 'QuotaFailure', 'violations': [
                {'quotaMetric': 'generativelanguage.googleapis.com/generate_content_requests',
                 'quotaId': f'GenerateRequests{per}PerProjectPerModel'}]})
        if retry_after is not None:
            details.append({'@type': INFO + 'RetryInfo', 'retryDelay': f'{retry_after:g}s'})
        error = {'code': status, 'message': message, 'status': name, **({'details': details} if details else {})}
        return status, [], {'error': error}

    def error_frame(self, kind, message):
        return event(self.refusal(kind, message, None, None)[2])

    # --- generateContent

    def read_generate(self, body, model, stream=False):
        if not isinstance(body.get('contents'), list) or not body['contents']:
            raise Refused('bad_request', 'contents is not specified')
        config = body.get('generationConfig') or {}
        system = _text(body.get('systemInstruction') or {})
        messages = [('system', system)] if system else []
        for content in body['contents']:
            results = [part['functionResponse'] for part in content.get('parts', []) if 'functionResponse' in part]
            messages += [('tool', to_json(each.get('response')).decode()) for each in results]
            if not results:
                messages.append(('assistant' if content.get('role') == 'model' else 'user', _text(content)))
        tools = [(each['name'], each.get('parametersJsonSchema') or each.get('parameters') or {})
                 for tool in body.get('tools') or [] for each in tool.get('functionDeclarations', [])]
        calling = (body.get('toolConfig') or {}).get('functionCallingConfig') or {}
        mode = {'ANY': (calling.get('allowedFunctionNames') or ['any'])[0], 'NONE': 'none'}.get(calling.get('mode'), 'auto')
        schema = config.get('responseJsonSchema') or config.get('responseSchema')
        if schema is None and config.get('responseMimeType') == 'application/json':
            schema = True
        return Call(self.name, 'chat', model, body, messages, tools, mode, schema, config.get('maxOutputTokens'), stream,
                    count=config.get('candidateCount') or 1)

    def generate(self, call, answer, request):
        parts = [{'text': answer.reasoning, 'thought': True}] if answer.reasoning else []
        texts = answer.pieces if call.stream else [answer.text]
        parts += [{'text': text} for text in texts if text or not (call.stream or answer.tool_calls)]
        parts += [{'functionCall': {'id': each.id, 'name': each.name, 'args': each.value()}} for each in answer.tool_calls]
        if not call.stream:
            return self.whole(self._answer(call, answer, request, parts, last=True), request)
        values = [self._answer(call, answer, request, [part], last=False) for part in parts]
        values.append(self._answer(call, answer, request, [{'text': ''}], last=True))
        if request.query.get('alt') == 'sse':
            return self.streamed([event(value).replace(b'\n\n', b'\r\n\r\n') for value in values], request)
        frames = [(b'[' if index == 0 else b',\r\n') + to_json(value) for index, value in enumerate(values)]
        response = self.streamed([*frames, b']'], request)
        response.headers[0] = ('Content-Type', 'application/json; charset=UTF-8')
        return response

    def _answer(self, call, answer, request, parts, last):
        usage = answer.usage
        candidate = {'content': {'parts': parts, 'role': 'model'}, 'index': 0}
        counted = {'promptTokenCount': usage.total_input, 'totalTokenCount': usage.total_input}
        if usage.cache_read:
            counted['cachedContentTokenCount'] = usage.cache_read
        if last:
            candidate['finishReason'] = FINISH.get(answer.finish, answer.finish)
            counted['candidatesTokenCount'] = usage.output
            counted['totalTokenCount'] += usage.total_output
            if usage.reasoning:
                counted['thoughtsTokenCount'] = usage.reasoning
        candidates = [{**candidate, 'index': index} for index in range(call.count)]
        return {'candidates': candidates, 'usageMetadata': counted, 'modelVersion': call.model,
                'responseId': identifier('', request)}

    # --- the rest

    def read_embed(self, body, model):
        return Call(self.name, 'embed', model, body, inputs=[_text(body.get('content') or {})],
                    dimensions=body.get('outputDimensionality'))

    def embed(self, call, answer, request):
        return self.whole({'embedding': {'values': answer.vectors[0]}}, request)

    def read_embed_all(self, body, model):
        requests = body.get('requests')
        if not isinstance(requests, list) or not requests:
            raise Refused('bad_request', 'requests is empty')
        if any(each.get('model') != f'models/{model}' for each in requests):
            raise Refused('bad_request', 'the model of each request is to be that of the path')
        return Call(self.name, 'embed', model, body, inputs=[_text(each.get('content') or {}) for each in requests],
                    dimensions=requests[0].get('outputDimensionality'))

    def embed_all(self, call, answer, request):
        return self.whole({'embeddings': [{'values': vector} for vector in answer.vectors]}, request)

    def read_count(self, body, model):
        return self.read_generate(body.get('generateContentRequest') or body, model)

    def count(self, call, answer, request):
        return self.whole({'totalTokens': call.input_tokens()}, request)


def _text(content):
    if isinstance(content, str):
        return content
    return '\n'.join(part['text'] for part in content.get('parts', []) if 'text' in part)
