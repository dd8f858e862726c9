"""The fake as a program: prints its ports and runs until it is ended."""
import argparse
import asyncio
import gc
import json
import os
import resource
import signal
import sys

if not __package__:  # python3 tests/peers/fake_ai
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = 'fake_ai'

from fake_ai.script import Script  # noqa: E402
from fake_ai.server import Server  # noqa: E402


async def run(options):
    script = Script.read(options.script) if options.script else {}
    if options.triage:
        script['rules'] = [*script.get('rules', []), {'kind': 'chat', 'builtin': 'triage'}]
    if options.keys:
        script['keys'] = options.keys.split(',')
    prices = {}
    if options.prices:
        with open(options.prices, encoding='utf-8') as file:
            prices = json.load(file)['models']
    server = Server(script, prices)
    ports = await server.start(options.host, options.port, options.control_port)
    print(f'listening on {options.host}:{ports[0]}, control on {options.host}:{ports[1]}', flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if options.until_stdin_ends:
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()


def main():
    parser = argparse.ArgumentParser(prog='fake_ai', description='A fake of AI providers, all on one port.')
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=0, help='0: any free one')
    parser.add_argument('--control-port', type=int, default=0, help='a second one, which no fault closes')
    parser.add_argument('--script', help='rules, as JSON or Python')
    parser.add_argument('--prices', help="a table like src/ai/prices.json")
    parser.add_argument('--keys', help='the good ones, with commas between (default: fake-key)')
    parser.add_argument('--triage', action='store_true', help='answers with labels for issues')
    parser.add_argument('--until-stdin-ends', action='store_true', help='does not outlive whoever started it')
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.freeze()
    gc.set_threshold(50000, 20, 20)
    asyncio.run(run(options))


if __name__ == '__main__':
    main()
