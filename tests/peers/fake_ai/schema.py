"""The smallest value of a JSON Schema, and one that is none."""
import re

DEPTH_MAX = 24
FORMATS = {'date-time': '2026-01-01T00:00:00Z', 'date': '2026-01-01', 'time': '00:00:00Z', 'email': 'a@example.org',
           'uri': 'https://example.org', 'uuid': '00000000-0000-4000-8000-000000000000', 'ipv4': '192.0.2.1',
           'hostname': 'example.org'}


def smallest(schema, root=None, depth=0):
    """A valid value with nothing in it that need not be. Knows what providers allow in schemas, and no `pattern`."""
    root = schema if root is None else root
    if schema is True or not isinstance(schema, dict) or not schema or depth > DEPTH_MAX:
        return {} if depth == 0 else None
    if '$ref' in schema:
        return smallest(_target(root, schema['$ref']), root, depth + 1)
    if 'const' in schema:
        return schema['const']
    if 'enum' in schema:
        return schema['enum'][0]
    for key in ('anyOf', 'oneOf'):
        if key in schema:
            return min((smallest(each, root, depth + 1) for each in schema[key]), key=lambda value: len(repr(value)))
    if 'allOf' in schema:
        return smallest(_joined(schema, root), root, depth + 1)
    kind = schema.get('type', 'object' if 'properties' in schema else None)
    if isinstance(kind, list):
        kind = 'null' if 'null' in kind else kind[0]
    return _of_type(str(kind).lower(), schema, root, depth)  # Google writes types in capitals


def _of_type(kind, schema, root, depth):
    if kind == 'object':
        properties = schema.get('properties', {})
        return {name: smallest(properties.get(name, {}), root, depth + 1) for name in schema.get('required', ())}
    if kind == 'array':
        return [smallest(schema.get('items', {}), root, depth + 1) for _ in range(int(schema.get('minItems', 0)))]
    if kind == 'string':
        return FORMATS.get(schema.get('format'), 'x' * int(schema.get('minLength', 0)))
    if kind in ('integer', 'number'):
        return _number(kind == 'integer', schema)
    return False if kind == 'boolean' else None


def _number(whole, schema):
    step = schema.get('multipleOf')
    low = schema.get('minimum')
    if 'exclusiveMinimum' in schema:
        low = schema['exclusiveMinimum'] + (step or (1 if whole else 0.5))
    value = max(0, low) if low is not None else 0
    if schema.get('maximum', value) < value:
        value = schema['maximum']
    if 'exclusiveMaximum' in schema and value >= schema['exclusiveMaximum']:
        value = schema['exclusiveMaximum'] - (step or (1 if whole else 0.5))
    if step:
        value = -(-value // step) * step
    return int(-(-value // 1)) if whole else value


def _target(root, reference):
    found = root
    for name in re.findall(r'/([^/]+)', reference):
        found = found[name.replace('~1', '/').replace('~0', '~')]
    return found


def _joined(schema, root):
    """allOf as one schema, as far as objects go."""
    whole = {key: value for key, value in schema.items() if key != 'allOf'}
    for part in schema['allOf']:
        part = _target(root, part['$ref']) if '$ref' in part else part
        whole['properties'] = {**whole.get('properties', {}), **part.get('properties', {})}
        whole['required'] = [*whole.get('required', []), *part.get('required', [])]
        whole.update({key: value for key, value in part.items() if key not in ('properties', 'required')})
    return whole


def invalid(schema):
    """JSON, but not of this schema."""
    kind = schema.get('type') if isinstance(schema, dict) else None
    return 17 if kind in (None, 'string', 'STRING') else 'not what was asked for'
