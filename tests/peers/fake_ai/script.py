"""Which answer a call gets: that of the first rule of the script that fits, or one made of a hash of the prompt.

A script is JSON, {"rules": […], "keys": […], "aws": […], "prices": {…}, "batch": {…}, "limit": {…}}, or Python that has
these as RULES, KEYS and so on; a rule in Python may be a function of the Call, which gives the rest of a rule or None.
"""
import fnmatch
import hashlib
import json
import math
import re
import runpy

from . import schema, triage
from .answers import Answer, Refused, ToolCall, Usage, cut, tokens

KEYS = ['fake-key']
# Those of Amazon's own examples.
AWS = [{'access_key': 'AKIDEXAMPLE', 'secret_key': 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'}]
PARTS = ('rules', 'keys', 'aws', 'prices', 'batch', 'limit')
WHEN = {'provider', 'model', 'match', 'kind', 'nth', 'stream', 'after_tool'}
SAYS = {'text', 'json', 'tool_calls', 'reasoning', 'usage', 'finish', 'pieces', 'head_ms', 'chunk_ms', 'error', 'message',
        'retry_after', 'faults', 'builtin', 'vector'}
DIMENSIONS = {'text-embedding-3-large': 3072, 'text-embedding-3-small': 1536, 'text-embedding-ada-002': 1536}


class Script:
    def __init__(self, data=None):
        data = data or {}
        for key in set(data) - set(PARTS):
            raise ValueError(f'a script has no {key!r}')
        self.rules = [_Rule(rule) for rule in data.get('rules', [])]
        self.keys = data.get('keys', KEYS)
        self.aws = {row['access_key']: row for row in data.get('aws', AWS)}
        self.prices = data.get('prices', {})
        self.batch = data.get('batch', {})
        self.limit = data.get('limit', {})

    @staticmethod
    def read(path):
        if path.endswith('.py'):
            names = runpy.run_path(path)
            return {key: names[key.upper()] for key in PARTS if key.upper() in names}
        with open(path, encoding='utf-8') as file:
            return json.load(file)

    def answer(self, call):
        """Raises Refused where the script has an error for an answer."""
        said = None
        for rule in self.rules:  # all, as each counts for itself
            found = rule.says(call)
            said = found if said is None else said
        said = said or {}
        if 'error' in said:
            raise Refused(said['error'], said.get('message'), retry_after=said.get('retry_after'))
        answer = Answer(head_ms=said.get('head_ms', 0), chunk_ms=said.get('chunk_ms', 0), faults=said.get('faults', []))
        if call.kind == 'embed':
            answer.vectors = [said.get('vector') or vector(text, call.dimensions or DIMENSIONS.get(call.model, 768))
                              for text in call.inputs]
        elif call.kind == 'chat':
            _speak(answer, said, call)
        answer.usage = _usage(said, call, answer)
        return answer


class _Rule:
    def __init__(self, rule):
        self.function = rule if callable(rule) else None
        self.rule = {} if self.function else rule
        for key in set(self.rule) - WHEN - SAYS:
            raise ValueError(f'a rule has no {key!r}; it has {", ".join(sorted(WHEN | SAYS))}')
        self.pattern = re.compile(self.rule['match']) if 'match' in self.rule else None
        self.times = 0

    def says(self, call):
        if self.function:
            return self.function(call)
        if not applies(self.rule, call) or (self.pattern and not self.pattern.search(call.last_user)):
            return None
        self.times += 1
        return self.rule if self.rule.get('nth') in (None, self.times) else None


def applies(when, call):
    """What rules and faults choose calls by."""
    providers = when.get('provider', call.provider)
    return (call.provider in ([providers] if isinstance(providers, str) else providers)
            and fnmatch.fnmatchcase(call.model, when.get('model', '*'))
            and when.get('kind', call.kind) == call.kind
            and when.get('stream', call.stream) == call.stream
            and when.get('after_tool') in (None, call.tool_result is not None))


def _speak(answer, said, call):
    answer.reasoning = said.get('reasoning', '')
    answer.tool_calls = [_tool_call(each, index, call) for index, each in enumerate(_wanted_tools(said, call))]
    answer.text = _text(said, call, bool(answer.tool_calls))
    answer.finish = said.get('finish', 'tool_calls' if answer.tool_calls else 'stop')
    if call.max_tokens is not None and tokens(answer.text) > call.max_tokens:
        answer.text = answer.text.encode()[:4 * call.max_tokens].decode('utf-8', 'ignore')
        answer.finish = 'length'
    answer.pieces = said['pieces'] if 'pieces' in said else cut(answer.text)


def _wanted_tools(said, call):
    if 'tool_calls' in said:
        return said['tool_calls']
    if said or not call.tools or call.tool_choice in ('auto', 'none') or call.tool_result is not None:
        return []
    schemas = dict(call.tools)
    name = call.tool_choice if call.tool_choice in schemas else call.tools[0][0]
    return [{'name': name, 'arguments': schema.smallest(schemas[name])}]


def _tool_call(each, index, call):
    arguments = each.get('arguments', {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(each.get('id') or f'call_{fingerprint(call)}{index}', each['name'], text)


def _text(said, call, has_tools):
    if 'pieces' in said:
        return ''.join(said['pieces'])
    if 'text' in said:
        return said['text']
    if 'json' in said:
        return _json(said['json'], call.schema)
    if said.get('builtin') == 'triage' or (not said and re.search(r'\btriage\b', call.prompt, re.I)):
        return triage.answer(call)
    if has_tools:
        return ''
    if call.schema:
        return _json('smallest', call.schema)
    if call.tool_result is not None:
        return f'The tool says: {call.tool_result}'
    return f'Answer {fingerprint(call)} to: {call.last_user[:200]}'


def _json(wanted, of_schema):
    if wanted == 'smallest':
        return json.dumps(schema.smallest(of_schema))
    if wanted == 'invalid':
        return json.dumps(schema.invalid(of_schema))
    return '{"label": "bro' if wanted == 'broken' else json.dumps(wanted, ensure_ascii=False)


def _usage(said, call, answer):
    made = sum(tokens(text) for text in (answer.text, *(each.name + each.arguments for each in answer.tool_calls)))
    usage = Usage(input=call.input_tokens(), output=made * call.count, reasoning=tokens(answer.reasoning))
    for name, value in said.get('usage', {}).items():
        if not hasattr(Usage, name):
            raise ValueError(f'usage has no {name!r}')
        setattr(usage, name, value)
    return usage


def fingerprint(call):
    """Eight digits that are the same for the same prompt of the same model."""
    return hashlib.sha256(f'{call.model}\n{call.prompt}'.encode('utf-8', 'replace')).hexdigest()[:8]


def vector(text, dimensions):
    """Of length one, and the nearer to another the more words both have: each word is one direction."""
    values = [0.0] * dimensions
    for word in re.findall(r'\w+', text.lower()) or [text]:
        digest = hashlib.sha256(word.encode('utf-8', 'replace')).digest()
        values[int.from_bytes(digest[:4], 'big') % dimensions] += 1 if digest[4] & 1 else -1
    length = math.sqrt(sum(value * value for value in values))
    if not length:
        values[0] = length = 1.0
    return [value / length for value in values]
