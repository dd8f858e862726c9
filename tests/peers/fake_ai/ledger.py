"""What the fake would have billed: a row for each call that generated something, whether or not the client got it.

Prices are in the format of src/ai/prices.json, dollars per million tokens; a call's cost is rounded up to a billionth of
a dollar once. The arithmetic is this file's own, so that it can judge another's.
"""
import collections
import fractions
import hashlib
import json
import re

UNPRICED = {'input': 1, 'output': 2}
SCALE = 10**9
BUCKETS = ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'reasoning')
PUBLISHERS = {'azure': 'openai'}  # whose price list is another's


class Prices:
    def __init__(self, models=None):
        self.models = dict(models or {})
        self.found = {}
        self.whole = {}

    def add(self, models):
        self.models.update(models)
        self.found.clear()
        self.whole.clear()

    def of(self, provider, model):
        key = provider, model
        if key not in self.found:
            bare = re.sub(r'-(\d{8}|\d{4}-\d{2}-\d{2})$', '', model)
            names = (f'{provider}/{model}', model, f'{PUBLISHERS.get(provider, provider)}/{model}', f'{provider}/{bare}',
                     f'{PUBLISHERS.get(provider, provider)}/{bare}', bare)
            self.found[key] = next((self.models[name] for name in names if name in self.models), UNPRICED)
        return self.found[key]

    def nano(self, provider, model, usage, batch=False):
        row = self.of(provider, model)
        which = ''
        if batch:
            which = 'batch' if 'batch' in row else ''
        elif 'above' in row and usage.total_input > row['above']['tokens']:
            which = 'above'
        key = provider, model, which
        if key not in self.whole:
            self.whole[key] = _whole_prices({'input': row['input'], 'output': row['output'], **row[which]} if which else row)
        total = sum([getattr(usage, bucket) * price for bucket, price in self.whole[key]])
        return -(-total // (SCALE // 1000))  # dollars for a million are thousands of billionths for one


def _whole_prices(row):
    """(bucket, price), in whole numbers: a price has no more than nine digits behind its point."""
    prices = []
    for bucket in BUCKETS:
        price = fractions.Fraction(str(row.get(bucket, row['output' if bucket == 'reasoning' else 'input']))) * SCALE
        if price.denominator != 1:
            raise ValueError(f'a price of more than nine digits: {row}')
        prices.append((bucket, int(price)))
    return prices


class Ledger:
    def __init__(self, prices, keep=200000):
        self.prices = prices
        self.rows = collections.deque(maxlen=keep)
        self.numbers = 0
        self.seen = collections.Counter()
        self.totals = collections.Counter()

    def begin(self, call, request, endpoint, usage, faults=(), call_id=None):
        """A row, which stands from now on; end() says what became of it."""
        digest = request_hash(endpoint, call.body)
        self.seen[digest] += 1
        self.numbers += 1
        row = {'n': self.numbers, 'provider': call.provider, 'endpoint': endpoint, 'model': call.model, 'hash': digest,
               'attempt': self.seen[digest], 'call': call_id, 'key': request.credential,
               'stream': call.stream, 'batch': call.batch, 'outcome': 'under way',
               'faults': [fault.name() for fault in faults], 'nano_usd': 0}
        self.rows.append(row)
        self._charge(row, usage)
        return row

    def end(self, row, outcome, usage=None):
        row['outcome'] = outcome
        if usage is not None:
            self._charge(row, usage)

    def _charge(self, row, usage):
        cost = self.prices.nano(row['provider'], row['model'], usage, row['batch'])
        for bucket in BUCKETS:
            self.totals[bucket] += getattr(usage, bucket) - row.get(bucket, 0)
            row[bucket] = getattr(usage, bucket)
        self.totals['nano_usd'] += cost - row['nano_usd']
        row['nano_usd'] = cost

    def shown(self, since=0):
        return {'rows': [row for row in self.rows if row['n'] > since], 'totals': {'calls': self.numbers, **self.totals}}

    def clear(self):
        self.rows.clear()
        self.seen.clear()
        self.totals.clear()
        self.numbers = 0


def request_hash(endpoint, body):
    """Of what was asked and where, whatever the order of its keys."""
    text = endpoint + json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()
