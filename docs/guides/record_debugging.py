#!/usr/bin/env python3
"""Records the debug session of debugging.md, in a terminal of tmux, from the real binary.

  record_debugging.py BINARY           writes the session into debugging.md
  record_debugging.py --check BINARY   fails if the page says anything else than the binary does

The page holds everything: the files of the session (blocks with file=NAME) and, in the block below the mark
`recorded session`, the command lines that were typed. What stands between them is recorded. Exits with 77 where
there is no tmux.
"""
import os
import select
import subprocess
import sys
import tempfile
import time

import recorded_page
from recorded_page import FILE, SESSION

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'debugging.md')
PROMPT = '(debug) '
DEADLINE_S = 30


class Terminal:
    """A program in a terminal. What it writes also goes to a pipe, so that we wait for it and never guess."""

    def __init__(self, folder, command):
        self.tmux = ['tmux', '-f', '/dev/null', '-S', os.path.join(folder, 'tmux')]
        self.pipe_path = os.path.join(folder, 'pipe')
        os.mkfifo(self.pipe_path)
        self.pipe = os.open(self.pipe_path, os.O_RDWR | os.O_NONBLOCK)
        # The shell waits until its output is being watched.
        shell = f"stty -echo; read _; stty echo; {command}; printf 'session over\\n'; read _"
        self.run('new-session', '-d', '-x', '110', '-y', '200', '-c', folder, 'sh', '-c', shell)
        self.run('set-option', 'remain-on-exit', 'on')
        self.run('pipe-pane', f'exec cat > {self.pipe_path}')
        self.type('')

    def run(self, *arguments):
        return subprocess.run(self.tmux + list(arguments), check=True, capture_output=True, text=True).stdout

    def type(self, line):
        if line:
            self.run('send-keys', '-l', line)
        self.run('send-keys', 'Enter')

    def wait_for(self, text):
        """Reads on until the text has been written."""
        seen = b''
        until = time.monotonic() + DEADLINE_S
        while text.encode() not in seen:
            ready, _, _ = select.select([self.pipe], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise SystemExit(f'the terminal never showed {text!r}; it shows:\n' + self.screen())
            seen += os.read(self.pipe, 65536)

    def screen(self):
        return self.run('capture-pane', '-p')

    def close(self):
        subprocess.run(self.tmux + ['kill-server'], capture_output=True, check=False)
        os.close(self.pipe)


def record(page, binary):
    """The session, typed anew."""
    lines = SESSION.search(page).group(2).splitlines()
    command = next(line[2:] for line in lines if line.startswith('$ '))
    typed = [line[len(PROMPT):] for line in lines if line.startswith(PROMPT.rstrip())]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILE.findall(page):
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(content)
        os.mkdir(os.path.join(folder, 'bin'))
        os.symlink(os.path.abspath(binary), os.path.join(folder, 'bin', 'colloquium'))
        terminal = Terminal(folder, f'PATH=bin:$PATH {command}')
        try:
            for line in typed:
                terminal.wait_for(PROMPT)
                terminal.type(line)
            terminal.wait_for('session over')
            screen = terminal.screen()
        finally:
            terminal.close()
    shown = [line.rstrip() for line in screen.split('session over')[0].strip('\n').splitlines()]
    return '\n'.join([f'$ {command}'] + shown) + '\n'


if __name__ == '__main__':
    sys.exit(recorded_page.main(__file__, __doc__, PAGE, ('tmux',), lambda page, binary, _: record(page, binary)))
