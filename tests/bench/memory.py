"""Resident memory while ten million events go through: it must not grow with them."""
import os
import subprocess
import threading
import time

from measure import HERE, Failed, Sampler, fresh, reap, start, table
from projection import make_input

GROWTH_MAX = 1.15  # of the last third over the first, once warm


def feed(pipe, path, times):
    """Writes a file into a pipe so many times."""
    with open(path, 'rb') as file:
        content = file.read()
    try:
        for _ in range(times):
            pipe.write(content)
        pipe.close()
    except BrokenPipeError:
        pass


def measure(options):
    block = 100_000
    times = 10 if options.quick else 100
    events = make_input(options, block)
    output = os.path.join(options.folder, 'out.ndjson')
    data = fresh(os.path.join(options.folder, 'data'))
    with open(os.path.join(options.folder, 'stderr'), 'w+', encoding='utf-8') as messages:
        started = time.monotonic()
        process = start([options.colloquium, 'run', f'{HERE}/memory.yaml', '--data-dir', data, '--admin', '127.0.0.1:0',
                         '--listen', '127.0.0.1:0'], environment={'BENCH_OUTPUT': output}, stdin=subprocess.PIPE,
                        stdout=subprocess.DEVNULL, stderr=messages)
        sampler = Sampler(process.pid)
        feeder = threading.Thread(target=feed, args=(process.stdin, events, times))
        feeder.start()
        usage = reap(process, started)
        feeder.join()
        sampler.stop()
        if usage.status != 0:
            messages.seek(0)
            raise Failed(f'the memory run ended with {usage.status}:\n{messages.read()[-2000:]}')
    fresh(data)
    samples = [mb for at, mb in sampler.samples if at - started > 0.1 * usage.seconds and mb > 0]
    if len(samples) < 9:
        raise Failed(f'{block * times} events are over too soon ({usage.seconds:.1f} s) to say anything of memory')
    third = len(samples) // 3
    first, last = max(samples[:third]), max(samples[-third:])
    table('Memory while events go through (stdin, lz4, durable)',
          [f'Resident set, sampled {len(samples)} times; "grown" is the peak of the last third over that of the first.'],
          [('events', ',d'), ('k events/s', ',.0f'), ('lowest MB', ',.0f'), ('highest MB', ',.0f'), ('first third', ',.0f'),
           ('last third', ',.0f'), ('grown', '.2f')],
          [(block * times, block * times / usage.seconds / 1e3, min(samples), max(samples), first, last, last / first)])
    if options.strict and last > first * GROWTH_MAX:
        raise Failed(f'memory grew from {first:.0f} to {last:.0f} MB')
    return {'memory': {'events': block * times, 'first_third_mb': first, 'last_third_mb': last}}
