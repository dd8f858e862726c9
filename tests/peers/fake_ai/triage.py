"""A label for an issue by the words in it: a model that an example can do with, and that says the same at each run."""
import json
import re

from .schema import smallest

LABELS = (
    ('security', r'security|vulnerab|exploit|\bcve\b|injection|\bxss\b|leak(?:s|ed)? (?:the )?(?:secret|password|token|key)'),
    ('bug', r'\bbugs?\b|crash|error|exception|fail(?:s|ed|ure)?\b|broken|regression|segfault|does(?:n.t| not) work|wrong'),
    ('feature', r'feature|request|support for|would be (?:nice|great)|please add|\badd\b|proposal|enhancement|allow'),
    ('question', r'\bhow (?:do|can|to)\b|question|\bwhy\b|is it possible|what is|documentation|\?'),
)


def label(text):
    for name, words in LABELS:
        if re.search(words, text, re.I):
            return name
    return 'question'


def answer(call):
    """The label as a text, or as JSON where a schema wants that."""
    found = label(call.last_user)
    return json.dumps(_filled(call.schema, found)) if call.schema else found


def _filled(schema, found):
    if not isinstance(schema, dict):
        return {'label': found}
    value = smallest(schema)
    if not isinstance(value, dict):
        return found
    for name, each in schema.get('properties', {}).items():
        kinds = each.get('enum')
        kind = str(each.get('type', '')).lower()
        if (kinds and found in kinds) or (not kinds and kind == 'string' and name in ('label', 'category', 'kind')):
            value[name] = found
        elif kind == 'array' and name == 'labels':
            value[name] = [found]
        elif kind == 'number' and name in ('confidence', 'score'):
            value[name] = 0.9
        elif kind == 'string' and not kinds and name in ('summary', 'reason', 'why'):
            value[name] = f'its words are those of a {found}'
    return value
