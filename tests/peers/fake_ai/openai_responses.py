"""OpenAI's /v1/responses, whole and as its typed events."""
from .answers import Call, Refused, text_of
from .dialect import event, identifier, in_parts
from .openai import CREATED, OpenAi, tool_choice_of


class Responses(OpenAi):
    def error_frame(self, kind, message):
        code = self.refusals[kind][2] or self.refusals[kind][1]
        return event({'type': 'error', 'code': code, 'message': message, 'param': None, 'sequence_number': 1000}, 'error')

    def read_responses(self, body, model):
        given = body.get('input')
        if given is None:
            raise Refused('bad_request', "Missing required parameter: 'input'.")
        messages = [('system', body['instructions'])] if body.get('instructions') else []
        messages += [('user', given)] if isinstance(given, str) else [_item(item) for item in given]
        wanted = (body.get('text') or {}).get('format') or {}
        schema = {'json_schema': wanted.get('schema', True), 'json_object': True}.get(wanted.get('type'))
        tools = [(tool['name'], tool.get('parameters') or {}) for tool in body.get('tools') or [] if tool['type'] == 'function']
        return Call(self.name, 'chat', model, body, messages, tools, tool_choice_of(body.get('tool_choice')), schema,
                    body.get('max_output_tokens'), bool(body.get('stream')))

    def responses(self, call, answer, request):
        whole = self._response(call, answer, request)
        return self.streamed(_events(whole, answer), request) if call.stream else self.whole(whole, request)

    def _response(self, call, answer, request):
        body = call.body
        output = []
        if answer.text or not answer.tool_calls:
            output.append({'type': 'message', 'id': identifier('msg_', request), 'status': 'completed', 'role': 'assistant',
                           'content': [{'type': 'output_text', 'text': answer.text, 'annotations': [], 'logprobs': []}]})
        output += [{'type': 'function_call', 'id': identifier('fc_', request, each.id), 'call_id': each.id, 'name': each.name,
                    'arguments': each.arguments, 'status': 'completed'} for each in answer.tool_calls]
        cut = {'length': 'max_output_tokens', 'content_filter': 'content_filter'}.get(answer.finish)
        usage = answer.usage
        return {'id': identifier('resp_', request), 'object': 'response', 'created_at': CREATED, 'completed_at': CREATED + 1,
                'status': 'incomplete' if cut else 'completed', 'error': None,
                'incomplete_details': {'reason': cut} if cut else None, 'instructions': body.get('instructions'),
                'max_output_tokens': call.max_tokens, 'model': call.model, 'output': output, 'parallel_tool_calls': True,
                'previous_response_id': body.get('previous_response_id'), 'reasoning': {'effort': None, 'summary': None},
                'store': body.get('store', True), 'temperature': body.get('temperature', 1.0),
                'text': body.get('text') or {'format': {'type': 'text'}}, 'tool_choice': body.get('tool_choice', 'auto'),
                'tools': body.get('tools') or [], 'top_p': body.get('top_p', 1.0), 'truncation': 'disabled',
                'usage': {'input_tokens': usage.total_input,
                          'input_tokens_details': {'cached_tokens': usage.cache_read, 'cache_write_tokens': usage.cache_write},
                          'output_tokens': usage.total_output,
                          'output_tokens_details': {'reasoning_tokens': usage.reasoning},
                          'total_tokens': usage.total_input + usage.total_output},
                'metadata': body.get('metadata') or {}}


def _item(item):
    kind = item.get('type', 'message')
    if kind == 'message':
        role = item.get('role', 'user')
        return ('system' if role == 'developer' else role), text_of(item.get('content'))
    if kind == 'function_call_output':
        return 'tool', text_of(item.get('output'))
    return 'assistant', item.get('arguments', '')


def _events(whole, answer):
    """Each one says its own name and number."""
    frames = []

    def say(kind, **more):
        frames.append(event({'type': kind, 'sequence_number': len(frames), **more}, kind))

    begun = {**whole, 'status': 'in_progress', 'completed_at': None, 'output': [], 'incomplete_details': None}
    del begun['usage']
    say('response.created', response=begun)
    say('response.in_progress', response=begun)
    for index, item in enumerate(whole['output']):
        where = {'item_id': item['id'], 'output_index': index}
        if item['type'] == 'message':
            _message_events(say, item, where, answer)
        else:
            say('response.output_item.added', output_index=index, item={**item, 'status': 'in_progress', 'arguments': ''})
            for part in in_parts(item['arguments'], 12):
                say('response.function_call_arguments.delta', **where, delta=part)
            say('response.function_call_arguments.done', **where, name=item['name'], arguments=item['arguments'])
        say('response.output_item.done', output_index=index, item=item)
    say('response.incomplete' if whole['incomplete_details'] else 'response.completed', response=whole)
    return frames


def _message_events(say, item, where, answer):
    part = item['content'][0]
    say('response.output_item.added', output_index=where['output_index'],
        item={**item, 'status': 'in_progress', 'content': []})
    say('response.content_part.added', **where, content_index=0, part={**part, 'text': ''})
    for piece in answer.pieces:
        say('response.output_text.delta', **where, content_index=0, delta=piece, logprobs=[])
    say('response.output_text.done', **where, content_index=0, text=answer.text, logprobs=[])
    say('response.content_part.done', **where, content_index=0, part=part)
