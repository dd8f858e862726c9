"""The event log at its own interface, beside the disk by itself (fio) and beside Kafka and NATS JetStream."""
import json
import os
import shutil
import subprocess
import sys

from measure import HERE, Failed, Server, fdatasync, fresh, free_port, run, table

sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'peers'))
import kafka  # noqa: E402

EVENT_BYTES = (170, 500)
NATS_SERVER = 'github.com/nats-io/nats-server/v2@v2.12.1'


def make_events(options, size):
    path = os.path.join(options.folder, f'events{size}.ndjson')
    with open(path, 'wb') as out:
        run([f'{options.programs}/make_events', '200000', '3', '--bytes', str(size)], stdout=out)
    return path


def bench(options, *arguments):
    done = subprocess.run([f'{options.programs}/log_bench', *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failed(f'log_bench {" ".join(map(str, arguments))}: {done.stderr.strip()}')
    return json.loads(done.stdout)


def data(options):
    return fresh(os.path.join(options.folder, 'log'))


def fio(options, block_bytes, seconds):
    """MB/s of a program that appends blocks of this size and syncs after each: what the log's groups could reach."""
    block = max(4096, round(block_bytes / 4096) * 4096)
    folder = fresh(os.path.join(options.folder, 'fio'))
    done = subprocess.run(['fio', '--name=append', f'--directory={folder}', '--rw=write', f'--bs={block}', '--fdatasync=1',
                           '--ioengine=psync', '--size=8g', f'--runtime={seconds}', '--time_based', '--file_append=1',
                           '--output-format=json'], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f'fio: {done.stderr[-500:]}')
    shutil.rmtree(folder)
    return json.loads(done.stdout[done.stdout.index('{'):])['jobs'][0]['write']['bw_bytes'] / 1e6


def append_rows(options, events, seconds):
    rows, best = [], {}
    disk_told = fdatasync(options)[1]
    for size in EVENT_BYTES:
        for codec, *encrypt in (('none',), ('none', '--encrypt'), ('lz4',), ('lz4', '--encrypt'), ('zstd',)):
            folder = data(options)
            got = bench(options, 'append', folder, events[size], '--codec', codec, '--seconds', seconds, *encrypt)
            read = bench(options, 'replay', folder, *encrypt)
            disk = fio(options, got['stored_bytes_per_group'], min(seconds, 4))
            if not encrypt:
                best[size, codec] = got['events_s']
            rows.append((size, codec + (', encrypted' if encrypt else ''), got['events_s'] / 1e3, got['raw_mb_s'], got['stored_mb_s'], got['ratio'],
                         got['stored_bytes_per_group'] / 1024, disk, got['stored_mb_s'] / disk, got['p50_ms'],
                         got['p99_ms'], got['cpu_s'] / got['events'] * 1e6, read['raw_mb_s']))
    table('The log, durable appends by one thread, 1,000 events a batch, as fast as it takes them',
          ['fio appends blocks of the same size as the groups and syncs after each; the ratio is stored MB/s over its.',
           'Latency is from before encoding to the acknowledgement; replay reads all back, uncompressed bytes.', disk_told],
          [('bytes', 'd'), ('codec', None), ('k events/s', ',.0f'), ('raw MB/s', ',.0f'), ('stored MB/s', ',.0f'),
           ('ratio', '.1f'), ('KiB/group', ',.0f'), ('fio MB/s', ',.0f'), ('of fio', '.0%'), ('p50 ms', '.2f'),
           ('p99 ms', '.1f'), ('CPU us/event', '.2f'), ('replay MB/s', ',.0f')], rows)
    return rows, best


def latency_rows(options, events, capacity, seconds):
    rows = []
    for share in (0.1, 0.5, 0.9):
        got = bench(options, 'append', data(options), events, '--seconds', seconds, '--rate', capacity * share)
        rows.append((share, got['events_s'] / 1e3, got['p50_ms'], got['p99_ms'], got['max_ms']))
    got = bench(options, 'append', data(options), events, '--seconds', seconds, '--rate', 1e6)
    rows.append((1e6 / capacity, got['events_s'] / 1e3, got['p50_ms'], got['p99_ms'], got['max_ms']))
    table('Acknowledgement latency, 170 bytes, lz4, batches due at fixed times (the last row: a million events a second)',
          [], [('of capacity', '.0%'), ('k events/s', ',.0f'), ('p50 ms', '.2f'), ('p99 ms', '.2f'), ('max ms', '.1f')],
          rows)
    return rows


def streams_row(options, events, seconds):
    got = bench(options, 'append', data(options), events, '--seconds', seconds, '--streams', 64)
    table('64 streams at once, lz4, batches of 1,000 in turn', [],
          [('k events/s', ',.0f'), ('p50 ms', '.2f'), ('p99 ms', '.1f'), ('KiB/group', ',.0f')],
          [(got['events_s'] / 1e3, got['p50_ms'], got['p99_ms'], got['stored_bytes_per_group'] / 1024)])
    return got


def start_rows(options, events):
    rows = []
    for megabytes in (100, 1000) if options.quick else (100, 1000, 10000):
        folder = data(options)
        bench(options, 'append', folder, events, '--codec', 'none', '--mb', megabytes)
        clean = bench(options, 'open', folder)
        os.remove(os.path.join(folder, 'CLEAN'))  # as after a crash
        crashed = bench(options, 'open', folder)
        rows.append((megabytes / 1000, clean['open_ms'], clean['rss_mb'], crashed['open_ms'], crashed['rss_mb']))
    table('Opening a log', ['After a crash the newest segment is read, and what stands before it is taken by its seals.'],
          [('GB', '.1f'), ('clean ms', ',.1f'), ('RSS MB', '.0f'), ('after a crash ms', ',.1f'), ('RSS MB', '.0f')], rows)
    return rows


def kafka_row(options, events, name, settings, records):
    folder = fresh(os.path.join(options.folder, 'kafka'))
    with kafka.Broker(folder, memory='1g') as broker:
        broker.create('bench', **settings)
        for count in (records // 4, records):  # the first warms it up
            text = kafka.tool('org.apache.kafka.tools.ProducerPerformance', '--topic', 'bench', '--num-records', str(count),
                              '--payload-file', events, '--throughput', '-1', '--producer-props',
                              f'bootstrap.servers={broker.address}', 'acks=all', 'compression.type=lz4', 'linger.ms=5',
                              'batch.size=262144')
    shutil.rmtree(folder)
    line = [line for line in text.splitlines() if 'records/sec' in line and '99th' in line][-1]
    words = line.replace(',', '').split()
    figure = {words[i + 1]: float(words[i - 1]) for i in range(1, len(words) - 1) if words[i] == 'ms'}
    return name, float(words[words.index('records/sec') - 1]) / 1e3, figure.get('50th'), figure.get('99th')


def nats_programs(options):
    if shutil.which('go') is None:
        raise Failed('go is not installed')
    target = os.path.join(os.path.dirname(options.programs), 'peers')
    os.makedirs(target, exist_ok=True)
    environment = dict(os.environ, GOBIN=target)
    if not os.path.exists(f'{target}/nats-server'):
        subprocess.run(['go', 'install', NATS_SERVER], env=environment, check=True, capture_output=True)
    subprocess.run(['go', 'build', '-o', f'{target}/nats_bench', '.'], cwd=f'{HERE}/nats_bench', check=True,
                   capture_output=True)
    return target


def nats_row(options, programs, events, name, sync, seconds):
    folder = fresh(os.path.join(options.folder, 'nats'))
    port = free_port()
    with open(f'{folder}/nats.conf', 'w', encoding='utf-8') as out:
        out.write(f'listen: 127.0.0.1:{port}\njetstream {{ store_dir: "{folder}/data"{sync} }}\n')
    with Server(name, [f'{programs}/nats-server', '-c', f'{folder}/nats.conf'], port, None):
        done = subprocess.run([f'{programs}/nats_bench', f'nats://127.0.0.1:{port}', events, str(seconds), '4096'],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f'nats_bench: {done.stderr}')
    shutil.rmtree(folder)
    got = json.loads(done.stdout)
    return name, got['events_s'] / 1e3, got['p50_ms'], got['p99_ms']


def peer_rows(options, events, seconds):
    rows = []
    for name, ack in (('the log, durable', 'durable'), ('the log, written', 'written')):
        got = bench(options, 'append', data(options), events, '--seconds', seconds, '--ack', ack)
        rows.append((name, got['events_s'] / 1e3, got['p50_ms'], got['p99_ms']))
    attempts = [
        lambda: kafka_row(options, events, 'Kafka, flush.messages=1 (durable)', {'flush_messages': 1},
                          300_000 if options.quick else 1_000_000),
        lambda: kafka_row(options, events, 'Kafka, default (written)', {}, 500_000 if options.quick else 3_000_000)]
    try:
        programs = nats_programs(options)
        attempts += [lambda: nats_row(options, programs, events, 'NATS JetStream, sync_interval: always (durable)',
                                      ', sync_interval: always', seconds),
                     lambda: nats_row(options, programs, events, 'NATS JetStream, default (written)', '', seconds)]
    except (Failed, subprocess.CalledProcessError) as why:
        print(f'skipped: NATS: {why}', file=sys.stderr)
    for attempt in attempts:
        try:
            rows.append(attempt())
        except (kafka.Unavailable, Failed) as why:
            print(f'skipped: {why}', file=sys.stderr)
    durable, written = rows[0][1], rows[1][1]
    rows = [(*row, (durable if 'durable' in row[0] else written) / row[1]) for row in rows]
    table('Beside others on this machine, 170 bytes, one producer, lz4 where there is compression',
          ['Kafka: its own ProducerPerformance, acks=all, linger 5 ms, batches of 256 KiB, over loopback. NATS: 4,096',
           'publications under way, over loopback. The log is asked at its own interface: neither socket nor JSON.'],
          [('', None), ('k events/s', ',.1f'), ('p50 ms', '.2f'), ('p99 ms', '.1f'), ('ours is times', ',.1f')],
          [(name, rate, p50, p99, over) for name, rate, p50, p99, over in rows])
    return rows


def measure(options):
    seconds = 2 if options.quick else 6
    events = {size: make_events(options, size) for size in EVENT_BYTES}
    figures = {}
    if options.colloquium:
        figures['append'], best = append_rows(options, events, seconds)
        figures['latency'] = latency_rows(options, events[170], best[170, 'lz4'], seconds)
        figures['streams'] = streams_row(options, events[170], seconds)
        figures['start'] = start_rows(options, events[170])
        figures['peers'] = peer_rows(options, events[170], seconds)
    return {'log': figures}
