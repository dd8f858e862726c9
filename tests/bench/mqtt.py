"""From MQTT to a file, beside a bare Paho loop that writes each message before its callback returns. The messages
wait in the broker for both, so that the broker's publishers do not take part."""
import json
import os
import subprocess
import sys
import time

from measure import HERE, Failed, fresh, run, table

sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'peers'))
import mosquitto  # noqa: E402

COLUMNS = [('QoS', None), ('ack', None), ('messages', ',d'), ('colloquium events/s', ',.0f'), ('bare Paho', None),
           ('events/s', ',.0f'), ('of bare', '.2f')]

# (QoS, ack, what the bare loop does, share of the messages): fewer are enough where each waits.
ROWS = ((0, 'durable', 'write', 1), (1, 'queued', 'write', 1), (2, 'queued', 'write', 1), (1, 'written', 'write', 0.1),
        (2, 'written', 'write', 0.1), (1, 'durable', 'sync', 0.1))

PIPELINE = """
name: bench
log: {{ack: {ack}}}
sources:
  - name: in
    mqtt: {{url: "{url}", topics: [bench], qos: {qos}, client_id: "{client}"}}
sinks:
  - file: {{path: out.ndjson}}
"""


def wait_for_session(broker, client, qos):
    """Makes a session that collects messages."""
    subprocess.run([mosquitto.program('mosquitto_sub'), '-p', str(broker.port), '-i', client, '-c', '-t', 'bench', '-q', str(qos),
                    '-V', 'mqttv5', '-E'], check=True)


def publish(broker, lines, qos):
    broker.publish('bench', lines, qos, '3.1.1')


def bare(options, broker, qos, what, lines):
    wait_for_session(broker, 'bare', qos)
    publish(broker, lines, qos)
    path = os.path.join(options.folder, 'bare.ndjson')
    done = subprocess.run([f'{options.programs}/bare_paho', f'mqtt://127.0.0.1:{broker.port}', 'bare', 'bench', str(qos),
                           str(len(lines)), path, what], capture_output=True, text=True, timeout=600, check=True)
    with open(path, encoding='utf-8') as written:
        if sum(1 for _ in written) < len(lines):
            raise Failed('bare_paho lost messages')
    return len(lines) / json.loads(done.stdout)['seconds']


def colloquium(options, broker, qos, ack, lines):
    client = f'c{qos}{ack}'
    wait_for_session(broker, client, qos)
    publish(broker, lines, qos)
    folder = fresh(os.path.join(options.folder, 'mqtt'))
    with open(f'{folder}/p.yaml', 'w', encoding='utf-8') as out:
        out.write(PIPELINE.format(ack=ack, url=broker.url, qos=qos, client=client))
    size = sum(len(line) + 1 for line in lines)
    with open(f'{folder}/log', 'wb') as log:
        process = subprocess.Popen([options.colloquium, 'run', 'p.yaml', '--data-dir', 'data', '--listen', '127.0.0.1:0',
                                    '--admin', '127.0.0.1:0'], cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 600
        while not os.path.exists(f'{folder}/out.ndjson') or os.path.getsize(f'{folder}/out.ndjson') < size:
            if time.monotonic() > deadline or process.poll() is not None:
                with open(f'{folder}/log', encoding='utf-8', errors='replace') as log:
                    raise Failed(f'colloquium did not write what it read:\n{log.read()[-2000:]}')
            time.sleep(0.002)
        ended = time.time()
    finally:
        process.terminate()
        process.wait(60)
    first = subprocess.run([options.colloquium, 'log', 'cat', 'bench', '--data-dir', 'data', '--format', 'full', '--to', '1'],
                           cwd=folder, capture_output=True, text=True, check=True)
    return len(lines) / (ended - json.loads(first.stdout.splitlines()[0])['timestamp'] / 1000)


def measure(options):
    try:
        mosquitto.available()
    except mosquitto.Unavailable as why:
        print(f'\nMQTT: skipped, {why}')
        return {}
    count = 10_000 if options.quick else 30_000
    events = os.path.join(options.folder, 'mqtt.ndjson')
    with open(events, 'wb') as out:
        run([f'{options.programs}/make_events', str(count), '7', '--bytes', '200'], stdout=out)
    with open(events, encoding='utf-8') as text:
        all_lines = text.read().splitlines()
    rows = []
    settings = ['max_inflight_messages 1000', 'queue_qos0_messages true', 'log_type error']
    for qos, ack, what, share in ROWS:
        lines = all_lines[:int(count * share)]
        with mosquitto.Broker(fresh(os.path.join(options.folder, 'broker')) + '/b', settings) as broker:
            floor = bare(options, broker, qos, what, lines)
            rate = colloquium(options, broker, qos, ack, lines) if options.colloquium else None
        rows.append((qos, ack, len(lines), rate, what, floor, rate / floor if rate else None))
    table('From MQTT 5 to a file, events of 200 bytes',
          ['The messages wait in a mosquitto on this machine; from the first that comes to the last in the file. The bare '
           'loop writes each before its callback returns, and with "sync" syncs it. Paho takes one message after the '
           'other: with ack: durable that is one sync per message, and with written the write of each waits behind the '
           'sync of the one before.'], COLUMNS, rows)
    names = ('qos', 'ack', 'messages', 'events_s', 'bare', 'bare_events_s', 'of_bare')
    return {'mqtt': [dict(zip(names, row)) for row in rows]}
