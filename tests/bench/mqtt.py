"""From MQTT to a file, beside a bare Paho loop that writes each message before its callback returns, and beside Bento.
The messages wait in the broker for all of them, so that the broker's publishers do not take part."""
import json
import os
import subprocess
import time

from contest import colloquium as command_of
from measure import Failed, Running, fresh, load_note, ratio, run, table
import bento  # contest knows where
import mosquitto

COLUMNS = [('QoS', None), ('ack', None), ('messages', ',d'), ('colloquium events/s', ',.0f'), ('bare Paho', None),
           ('events/s', ',.0f'), ('of bare', '.2f'), ('Bento', ',.0f'), ('of Bento', '.1f')]

# (QoS, ack, what the bare loop does, share of the messages): fewer are enough where each waits.
ROWS = ((0, 'durable', 'write', 1), (1, 'queued', 'write', 1), (2, 'queued', 'write', 1), (1, 'written', 'write', 0.3),
        (2, 'written', 'write', 0.3), (1, 'durable', 'sync', 0.1))

PIPELINE = """
name: bench
log: {{ack: {ack}}}
sources:
  - name: in
    mqtt: {{url: "{url}", topics: [bench], qos: {qos}, client_id: "{client}"}}
sinks:
  - file: {{path: out.ndjson}}
"""

# It has neither MQTT 5 nor a sync.
BENTO = """
input:
  mqtt: {{urls: ["tcp://127.0.0.1:{port}"], topics: [bench], qos: {qos}, client_id: bento, clean_session: false}}
output:
  file: {{path: out.ndjson, codec: lines}}
"""


def wait_for_session(broker, client, qos, version='mqttv5'):
    """Makes a session that collects messages."""
    subprocess.run([mosquitto.program('mosquitto_sub'), '-p', str(broker.port), '-i', client, '-c', '-t', 'bench', '-q',
                    str(qos), '-V', version, '-E'], check=True)


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


def written(folder):
    """Bytes in the file."""
    try:
        return os.path.getsize(f'{folder}/out.ndjson')
    except FileNotFoundError:
        return 0


def colloquium(options, broker, qos, ack, lines):
    client = f'c{qos}{ack}'
    wait_for_session(broker, client, qos)
    publish(broker, lines, qos)
    folder = fresh(os.path.join(options.folder, 'mqtt'))
    size = sum(len(line) + 1 for line in lines)
    command = command_of(options, PIPELINE, ack=ack, url=broker.url, qos=qos, client=client)
    with Running('colloquium', command(folder, {}), folder) as running:
        running.wait(lambda: written(folder) >= size)
        ended = time.time()
    first = subprocess.run([options.colloquium, 'log', 'cat', 'bench', '--data-dir', 'data', '--format', 'full', '--to', '1'],
                           cwd=folder, capture_output=True, text=True, check=True)
    return len(lines) / (ended - json.loads(first.stdout.splitlines()[0])['timestamp'] / 1000)


def bento_rate(options, broker, qos, lines):
    wait_for_session(broker, 'bento', qos, 'mqttv311')
    publish(broker, lines, qos)
    folder = fresh(os.path.join(options.folder, 'mqtt'))
    size = sum(len(line) + 1 for line in lines)
    with Running('Bento', bento.command(folder, BENTO.format(port=broker.port, qos=qos)), folder) as running:
        running.wait(lambda: written(folder) > 0)
        began, before = time.monotonic(), written(folder)
        running.wait(lambda: written(folder) >= size)
        return len(lines) * (size - before) / size / (time.monotonic() - began)


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
    notes, others = [], {}  # Bento's rate by QoS
    try:
        bento.program()
    except bento.Unavailable as why:
        notes.append(f'Bento: skipped, {why}')
    rows = []
    settings = ['max_inflight_messages 1000', 'queue_qos0_messages true', 'log_type error']
    for qos, ack, what, share in ROWS:
        lines = all_lines[:int(count * share)]
        with mosquitto.Broker(fresh(os.path.join(options.folder, 'broker')) + '/b', settings) as broker:
            floor = bare(options, broker, qos, what, lines)
            rate = colloquium(options, broker, qos, ack, lines) if options.colloquium else None
            if not notes and qos not in others:
                others[qos] = bento_rate(options, broker, qos, lines)
        other = others.get(qos)
        rows.append((qos, ack, len(lines), rate, what, floor, ratio(rate, floor), other, ratio(rate, other)))
    table('From MQTT 5 to a file, events of 200 bytes',
          ['The messages wait in a mosquitto on this machine; from the first that comes to the last in the file. The bare '
           'loop writes each before its callback returns, and with "sync" syncs it. Paho takes one message after the '
           'other: with ack: durable that is one sync per message, and with written one write and a turn of the log. '
           'Bento writes and acknowledges without a sync, one figure per QoS.',
           'Goals: 0.70 of bare, 5 times Bento. ' + load_note(), *notes,
           'rsyslog: skipped, it has no input for MQTT'], COLUMNS, rows)
    names = ('qos', 'ack', 'messages', 'events_s', 'bare', 'bare_events_s', 'of_bare', 'bento_events_s', 'of_bento')
    return {'mqtt': [dict(zip(names, row)) for row in rows]}
