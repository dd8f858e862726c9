#!/usr/bin/env python3
"""Records the session of dead-letters.md in which a sink is away for a minute, in a shell, from the real binary.

  record_outage.py BINARY           writes the session into dead-letters.md; it takes more than a minute
  record_outage.py --check BINARY   fails if the page says anything else than the binary does, with an outage of seconds

The page holds everything: the files of the session (blocks with file=NAME) and, in the block below the mark
`recorded session`, the commands that were typed. What stands between them is recorded. The ports on the page are
replaced by free ones, and back. Exits with 77 where there is no curl or jq.
"""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import recorded_page
from recorded_page import FILE, SESSION

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'dead-letters.md')
PORTS = ('8080', '9090', '9000')
PAUSE, SHORT_PAUSE = 'sleep 2', 'sleep 0.05'
DEADLINE_S = 100  # of all commands


def free_ports(count):
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def replaced(text, pairs):
    for old, new in pairs:
        text = text.replace(f':{old}', f':{new}')
    return text


class Shell:
    """One shell for all commands; output() is what one of them prints, on either stream."""

    def __init__(self, folder, binary):
        os.mkdir(os.path.join(folder, 'bin'))
        os.symlink(os.path.abspath(binary), os.path.join(folder, 'bin', 'colloquium'))
        environment = dict(os.environ, PATH=os.path.join(folder, 'bin') + os.pathsep + os.environ['PATH'])
        self.process = subprocess.Popen(['bash', '--norc'], cwd=folder, env=environment, stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.deadline = threading.Timer(DEADLINE_S, os.killpg, (self.process.pid, signal.SIGKILL))
        self.deadline.start()

    def output(self, command):
        self.process.stdin.write(f'{command}\necho "-- $?"\n')
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith('-- '):
                return ''.join(lines)
            # Neither what bash says of who was killed, which comes when it likes, nor of a machine that was busy.
            if 'Terminated' not in line and ' warning loop: ' not in line:
                lines.append(line)
        raise SystemExit(f'the shell ended in: {command}\n{"".join(lines)}')

    def close(self):
        self.deadline.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.process.stdin.close()


def record(page, binary, short):
    """The session, typed anew."""
    commands = [line[2:] for line in SESSION.search(page).group(2).splitlines() if line.startswith('$ ')]
    there = list(zip(PORTS, free_ports(len(PORTS))))
    back = [(new, old) for old, new in there]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILE.findall(page):
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(replaced(content, there))
        shell = Shell(folder, binary)
        try:
            text = ''
            for command in commands:
                typed = replaced(command, there)
                text += f'$ {command}\n' + replaced(shell.output(typed.replace(PAUSE, SHORT_PAUSE) if short else typed), back)
        finally:
            shell.close()
    return text


if __name__ == '__main__':
    sys.exit(recorded_page.main(__file__, __doc__, PAGE, ('bash', 'curl', 'jq'), record))
