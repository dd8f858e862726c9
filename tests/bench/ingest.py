"""HTTP ingest of 500-byte events, durable, beside two bare libuv servers with a canned answer: one that answers at
once, and one that writes and syncs what it read before it answers."""
import json
import os
import subprocess
import time

from measure import (HERE, Failed, Server, cpu_sets, fresh, free_port, reap, rss_mb, run, start, table,
                     thread_cpu_seconds)

COLUMNS = [('server', None), ('connections', None), ('events/request', ',d'), ('k requests/s', ',.1f'),
           ('k events/s', ',.0f'), ('refused', '.1%'), ('p50 ms', '.2f'), ('p99 ms', '.2f'),
           ('loop CPU us/request', '.2f'), ('of bare', '.2f'),
           ('of bare durable', '.2f'), ('all CPU us/request', '.2f'), ('wrk core', '.0%'), ('RSS MB', ',.0f')]


def load(server, connections, per_request, seconds, bodies, warm=False):
    """Drives one server; (wrk's figures, CPU of the loop thread, of all threads, wrk's share of its core, RSS), or
    None if it only warmed up or nothing was answered."""
    command = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '10s', '-s', f'{HERE}/post.lua',
               f'http://127.0.0.1:{server.port}/bench', '--', bodies, str(per_request)]
    loop = server.loop_thread()
    before = thread_cpu_seconds(server.process.pid)
    started = time.monotonic()
    process = start(command, cpu_sets()[1], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read().decode()
    usage = reap(process, started)
    after = thread_cpu_seconds(server.process.pid)
    line = next((line for line in output.splitlines() if line.startswith('BENCH ')), None)
    if usage.status != 0 or line is None:
        raise Failed(f'wrk against {server.name}: {output}')
    figures = json.loads(line[6:])
    if warm or figures['requests'] == 0:
        return None
    total = sum(after.values()) - sum(before.values())
    return figures, after[loop] - before[loop], total, usage.cpu_seconds / usage.seconds, rss_mb(server.process.pid)


def bare(options):
    port = free_port()
    return Server('bare libuv', [f'{options.programs}/bare_uv_server', str(port)], port, cpu_sets()[0])


def bare_durable(options):
    port = free_port()
    return Server('bare durable', [f'{options.programs}/bare_uv_server', str(port),
                                   os.path.join(options.folder, 'requests.raw')], port, cpu_sets()[0])


def colloquium(options):
    port = free_port()
    data = fresh(os.path.join(options.folder, 'data'))
    return Server('colloquium', [options.colloquium, 'run', f'{HERE}/ingest.yaml', '--data-dir', data, '--listen',
                                 f'127.0.0.1:{port}', '--admin', '127.0.0.1:0'], port, cpu_sets()[0],
                  {'BENCH_OUTPUT': os.path.join(options.folder, 'out.ndjson')})


def make_bodies(options):
    path = os.path.join(options.folder, 'bodies.ndjson')
    with open(path, 'wb') as out:
        run([f'{options.programs}/make_events', '8000', '7', '--bytes', '500'], stdout=out)
    return path


def measure(options):
    bodies = make_bodies(options)
    disk, disk_told = fdatasync(options)
    seconds = 3 if options.quick else 10
    rows = []
    for per_request in (1, 1000):
        for connections in (64, 1024):
            floors = {}
            for make in (bare, bare_durable, colloquium) if options.colloquium else (bare, bare_durable):
                with make(options) as server:
                    load(server, connections, per_request, 2, bodies, warm=True)
                    loaded = load(server, connections, per_request, seconds, bodies)
                if loaded is None:  # a busy machine: not one answer within the time
                    rows.append((server.name, connections, per_request, 0.0) + (None,) * 10)
                    continue
                figures, loop_cpu, all_cpu, wrk_share, rss = loaded
                taken = 1 - figures['bad_status'] / figures['requests']
                rate = figures['requests'] / figures['seconds']
                loop_us = loop_cpu / figures['requests'] * 1e6
                floors[server.name] = loop_us
                rows.append((server.name, connections, per_request, rate / 1e3, rate * taken * per_request / 1e3,
                             1 - taken, figures['p50_ms'], figures['p99_ms'], loop_us,
                             *(loop_us / floors[floor] if floor in floors else None
                               for floor in ('bare libuv', 'bare durable')),
                             all_cpu / figures['requests'] * 1e6, wrk_share, rss))
    serving, generating = cpu_sets()
    table('HTTP ingest of 500-byte events, ack: durable, lz4',
          [f'Server on core {" ".join(map(str, serving))}, wrk on {" ".join(map(str, generating))}, {seconds} s each. '
           'The bare server reads requests and answers from memory; the durable one writes and syncs them first, '
           'as many at a time as have come, and answers then.',
           disk_told],
          COLUMNS, rows)
    names = ('server', 'connections', 'events_per_request', 'k_requests_s', 'k_events_s', 'refused', 'p50_ms',
             'p99_ms', 'loop_cpu_us', 'loop_of_bare', 'loop_of_bare_durable', 'all_cpu_us', 'wrk_core', 'rss_mb')
    return {'ingest': [dict(zip(names, row)) for row in rows], 'fdatasync_us': disk}
