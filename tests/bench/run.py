#!/usr/bin/env python3
"""Benchmarks: one table, each row next to a peer that does the same work on the same input in the same run.

Figures of different machines, or of a busy one, say little; the ratios say more. Never part of the tests.
"""
import argparse
import json
import os
import platform
import shutil
import sys

import ai_gateway
import computo
import file_to_http
import ingest
import kafka_copy
import latency
import log
import measure
import memory
import mqtt
import projection

PARTS = {'computo': computo.measure, 'projection': projection.measure, 'ingest': ingest.measure, 'log': log.measure,
         'memory': memory.measure, 'mqtt': mqtt.measure, 'kafka': kafka_copy.measure,
         'file_to_http': file_to_http.measure, 'latency': latency.measure, 'ai': ai_gateway.measure}


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as info:
        model = next((line.split(':')[1].strip() for line in info if line.startswith('model name')), platform.machine())
    load = os.getloadavg()[0]
    return f'{len(os.sched_getaffinity(0))} cores of {model}, Linux {platform.release()}, load {load:.1f} at the start'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build/release', help='the build folder')
    parser.add_argument('--quick', action='store_true', help='a tenth of the events and of the time')
    parser.add_argument('--only', choices=list(PARTS), action='append', help='one part; may be repeated')
    parser.add_argument('--repeat', type=int, default=3, help='runs per row of the projection')
    parser.add_argument('--folder', help='where to work (default: BUILD/bench); durable figures are of its disk')
    parser.add_argument('--json', help='write the figures to this file, too')
    parser.add_argument('--strict', action='store_true', help='fail if memory grows')
    parser.add_argument('--peers', action='store_true', help='measure the peers alone')
    options = parser.parse_args()
    options.programs = os.path.abspath(f'{options.build}/tests/bench')
    options.colloquium = None if options.peers else os.path.abspath(f'{options.build}/colloquium')
    options.folder = measure.fresh(os.path.abspath(options.folder or f'{options.build}/bench'))
    os.environ['BENCH_FOLDER'] = options.folder
    print(machine())
    figures, status = {'machine': machine()}, 0
    for part in options.only or PARTS:
        if part == 'memory' and options.peers:
            continue
        try:
            figures.update(PARTS[part](options))
        except measure.Failed as failure:
            print(f'\n{part}: {failure}', file=sys.stderr)
            status = 1
        sys.stdout.flush()
    shutil.rmtree(options.folder, ignore_errors=True)
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as out:
            json.dump(figures, out, indent=2)
    return status


if __name__ == '__main__':
    sys.exit(main())
