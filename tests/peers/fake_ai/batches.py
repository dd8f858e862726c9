"""Batches of OpenAI (with the files they are in) and of Anthropic. Each look at a batch takes it one state further, so
that nobody has to wait; the script's "batch" may say {"states": […], "ending": …}.
"""
import json
import re

from .anthropic import Anthropic
from .answers import Refused, to_json
from .dialect import identifier
from .openai import CREATED
from .openai_responses import Responses
from .wire import Response

INSTANT = '2026-01-01T00:00:00Z'


class OpenAiBatches:
    def __init__(self, server):
        self.server = server
        self.dialect = Responses()
        self.files = {}
        self.batches = {}

    def _url(self, url):
        dialect = self.dialect
        return {'/v1/chat/completions': (dialect.read_chat, dialect.chat), '/v1/responses': (dialect.read_responses, dialect.responses),
                '/v1/embeddings': (dialect.read_embeddings, dialect.embeddings)}.get(url)

    # --- files

    def upload(self, request, _):
        parts = _multipart(request)
        if 'file' not in parts or 'purpose' not in parts:
            raise Refused('bad_request', "'file' and 'purpose' are required.")
        name, content = parts['file']
        return self._reply(self._keep(request, content, name or 'file', parts['purpose'][1].decode()))

    def _keep(self, request, content, name, purpose, extra=''):
        row = {'id': identifier('file-', request, name + extra), 'object': 'file', 'bytes': len(content), 'created_at': CREATED,
               'expires_at': CREATED + 2592000, 'filename': name, 'purpose': purpose, 'status': 'processed'}
        self.files[row['id']] = row, content
        return row

    def file(self, request, groups):
        return self._reply(self._file(groups)[0])

    def content(self, request, groups):
        return Response(200, self._file(groups)[1], content_type='application/octet-stream')

    def forget(self, request, groups):
        row, _ = self._file(groups)
        del self.files[row['id']]
        return self._reply({'id': row['id'], 'object': 'file', 'deleted': True})

    def _file(self, groups):
        if groups[0] not in self.files:
            raise Refused('not_found', f'No such File object: {groups[0]}')
        return self.files[groups[0]]

    # --- batches

    def create(self, request, _):
        body = request.json()
        if body.get('input_file_id') not in self.files:
            raise Refused('not_found', f"No such File object: {body.get('input_file_id')}")
        if self._url(body.get('endpoint')) is None or body.get('completion_window') != '24h':
            raise Refused('bad_request', "Invalid 'endpoint' or 'completion_window'.")
        lines = self.files[body['input_file_id']][1].splitlines()
        batch = {'id': identifier('batch_', request), 'object': 'batch', 'endpoint': body['endpoint'], 'errors': None,
                 'input_file_id': body['input_file_id'], 'completion_window': '24h', 'status': 'validating',
                 'output_file_id': None, 'error_file_id': None, 'created_at': CREATED, 'in_progress_at': None,
                 'expires_at': CREATED + 86400, 'finalizing_at': None, 'completed_at': None, 'failed_at': None,
                 'expired_at': None, 'cancelling_at': None, 'cancelled_at': None,
                 'request_counts': {'total': 0, 'completed': 0, 'failed': 0}, 'metadata': body.get('metadata')}
        said = self.server.script.batch
        states = [*said.get('states', ['in_progress', 'finalizing']), said.get('ending', 'completed')]
        self.batches[batch['id']] = batch, states, lines
        return self._reply(_without_nulls(batch))

    def look(self, request, groups):
        batch, states, lines = self._batch(groups)
        if states:
            self._enter(batch, states.pop(0), lines, request)
        return self._reply(_without_nulls(batch))

    def cancel(self, request, groups):
        batch, states, _ = self._batch(groups)
        if not states:
            raise Refused('conflict', f"Cannot cancel a batch with status '{batch['status']}'.")
        states[:] = ['cancelled']
        batch.update(status='cancelling', cancelling_at=CREATED)
        return self._reply(_without_nulls(batch))

    def listed(self, request, _):
        rows = [_without_nulls(batch) for batch, _, _ in self.batches.values()]
        ids = [row['id'] for row in rows]
        return self._reply({'object': 'list', 'data': rows, 'first_id': ids[0] if ids else None,
                            'last_id': ids[-1] if ids else None, 'has_more': False})

    def _batch(self, groups):
        if groups[0] not in self.batches:
            raise Refused('not_found', f'No batch found with id {groups[0]}')
        return self.batches[groups[0]]

    def _enter(self, batch, state, lines, request):
        batch['status'] = state
        if f'{state}_at' in batch:
            batch[f'{state}_at'] = CREATED
        counts = batch['request_counts']
        if state == 'in_progress':
            counts['total'] = len(lines)
        elif state == 'failed':
            batch['errors'] = {'object': 'list', 'data': [{'code': 'invalid_json_line', 'line': 1, 'param': None,
                                                           'message': 'This line is not parseable as valid JSON.'}]}
        elif state in ('completed', 'expired'):
            done = [self._line(batch, line, request) for line in (lines if state == 'completed' else lines[:len(lines) // 2])]
            late = [self._late(line, request) for line in lines[len(done):]]
            good = [line for line in done if line['response'] and line['response']['status_code'] == 200]
            bad = [line for line in done if line not in good] + late
            counts.update(total=len(lines), completed=len(good), failed=len(bad))
            for key, found in (('output_file_id', good), ('error_file_id', bad)):
                if found:  # in another order than that of the input
                    text = b''.join(to_json(line) + b'\n' for line in reversed(found))
                    batch[key] = self._keep(request, text, f'{batch["id"]}_{key}.jsonl', 'batch_output')['id']

    def _line(self, batch, line, request):
        line = json.loads(line)
        answered = {'id': identifier('batch_req_', request, line['custom_id']), 'custom_id': line['custom_id']}
        read, render = self._url(batch['endpoint'])
        response = self.server.for_batch(self.dialect, read, render, request, line['body'], line['custom_id'])
        return {**answered, 'error': None,
                'response': {'status_code': response.status, 'request_id': identifier('req_', request, line['custom_id']),
                             'body': json.loads(response.body)}}

    @staticmethod
    def _late(line, request):
        custom_id = json.loads(line)['custom_id']
        return {'id': identifier('batch_req_', request, custom_id), 'custom_id': custom_id, 'response': None,
                'error': {'code': 'batch_expired', 'message': 'This request could not be executed before the completion window '
                                                              'expired.'}}

    @staticmethod
    def _reply(value):
        return Response(200, to_json(value))


class AnthropicBatches:
    def __init__(self, server):
        self.server = server
        self.dialect = Anthropic()
        self.batches = {}

    def create(self, request, _):
        requests = request.json().get('requests')
        if not isinstance(requests, list) or not requests:
            raise Refused('bad_request', 'requests: Field required')
        if len({each['custom_id'] for each in requests}) < len(requests):
            raise Refused('bad_request', 'requests: custom_id is to be unique')
        version = self.dialect.check_version(request)
        batch = {'id': identifier('msgbatch_', request), 'type': 'message_batch', 'processing_status': 'in_progress',
                 'request_counts': {'processing': len(requests), 'succeeded': 0, 'errored': 0, 'canceled': 0, 'expired': 0},
                 'created_at': INSTANT, 'expires_at': '2026-01-02T00:00:00Z', 'ended_at': None, 'archived_at': None,
                 'cancel_initiated_at': None, 'results_url': None}
        looks = len(self.server.script.batch.get('states', [1, 2]))
        self.batches[batch['id']] = {'shown': batch, 'requests': requests, 'looks': looks, 'version': version, 'results': b''}
        return self._reply(batch)

    def look(self, request, groups):
        batch = self._batch(groups)
        if batch['shown']['processing_status'] != 'ended':
            batch['looks'] -= 1
            if batch['looks'] <= 0:
                self._end(batch, request)
        return self._reply(batch['shown'])

    def cancel(self, request, groups):
        batch = self._batch(groups)
        if batch['shown']['processing_status'] == 'in_progress':
            batch['shown'].update(processing_status='canceling', cancel_initiated_at=INSTANT)
            batch['looks'] = 1
        return self._reply(batch['shown'])

    def listed(self, request, _):
        rows = [batch['shown'] for batch in self.batches.values()]
        ids = [row['id'] for row in rows]
        return self._reply({'data': rows, 'has_more': False, 'first_id': ids[0] if ids else None,
                            'last_id': ids[-1] if ids else None})

    def results(self, request, groups):
        batch = self._batch(groups)
        if batch['shown']['results_url'] is None:
            raise Refused('not_found', 'the batch has no results yet')
        return Response(200, batch['results'], content_type='application/x-jsonl')

    def _batch(self, groups):
        if groups[0] not in self.batches:
            raise Refused('not_found', f'batch {groups[0]} not found')
        return self.batches[groups[0]]

    def _end(self, batch, request):
        shown, counts = batch['shown'], batch['shown']['request_counts']
        ending = 'canceled' if shown['processing_status'] == 'canceling' else None
        if self.server.script.batch.get('ending') == 'expired':
            ending = 'expired'
        lines = []
        for each in batch['requests']:
            result = {'type': ending} if ending else self._result(each, batch['version'], request)
            counts[result['type']] += 1
            lines.append(to_json({'custom_id': each['custom_id'], 'result': result}) + b'\n')
        counts['processing'] = 0
        batch['results'] = b''.join(reversed(lines))
        url = f'http://{request.headers.get("host")}/v1/messages/batches/{shown["id"]}/results'
        shown.update(processing_status='ended', ended_at=INSTANT, results_url=url)

    def _result(self, each, version, request):
        def read(body, model):
            return self.dialect.read_messages(body, model, version)
        response = self.server.for_batch(self.dialect, read, self.dialect.messages, request, each['params'], each['custom_id'])
        body = json.loads(response.body)
        return {'type': 'succeeded', 'message': body} if response.status == 200 else {'type': 'errored', 'error': body}

    @staticmethod
    def _reply(value):
        return Response(200, to_json(value))


def _without_nulls(batch):
    """By OpenAI's schema, what is not yet is not there."""
    return {name: value for name, value in batch.items() if value is not None}


def _multipart(request):
    """name -> (filename, content)"""
    match = re.search(r'boundary="?([^";]+)', request.headers.get('content-type', ''))
    if match is None:
        raise Refused('bad_request', 'multipart/form-data is wanted.')
    parts = {}
    for part in (b'\r\n' + request.body).split(b'\r\n--' + match[1].encode('latin-1'))[1:-1]:
        head, _, content = part.partition(b'\r\n\r\n')
        fields = dict(re.findall(r'(\w+)="([^"]*)"', head.decode('utf-8', 'replace')))
        parts[fields.get('name')] = fields.get('filename'), content
    return parts
