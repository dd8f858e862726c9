"""A real PostgreSQL: one server on a free loopback port, its data in a folder of its own.

Server starts and stops one; query() runs SQL with psql. PostgreSQL refuses to run as root, so for root it runs as the
user `postgres` (or `nobody`). Unavailable says why there is none: tests then skip, visibly.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

from cache import Unavailable
from kafka import free_ports


def programs():
    """The folder of the newest server installed."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/postgres'), key=lambda path: int(path.split('/')[4]))
    if found:
        return os.path.dirname(found[-1])
    if shutil.which('postgres') and shutil.which('initdb'):
        return os.path.dirname(shutil.which('postgres'))
    raise Unavailable('postgres is not installed (Debian: postgresql-15)')


def other_user():
    """(uid, gid) to run as, or None where we are not root."""
    if os.getuid() != 0:
        return None
    for name in ('postgres', 'nobody'):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    raise Unavailable('PostgreSQL does not run as root, and there is no user postgres or nobody')


class Server:
    """Started on entry, stopped on exit; kill(), stop(), freeze(), thaw() and start() in between, over the same data."""

    def __init__(self, folder, settings=()):
        self.bin = programs()
        self.user = other_user()
        self.folder = os.path.abspath(folder)
        self.port = free_ports(1)[0]
        self.process = None
        os.makedirs(self.folder)
        if self.user:
            os.chown(self.folder, *self.user)
            self._let_pass(os.path.dirname(self.folder))
        done = subprocess.run([f'{self.bin}/initdb', '-D', f'{self.folder}/data', '-U', 'test', '--auth=trust',
                               '--no-sync', '-E', 'UTF8', '--locale=C'], cwd='/', capture_output=True, text=True,
                              check=False, **self._identity())
        if done.returncode != 0:
            raise Unavailable(f'initdb failed: {done.stderr[-400:]}')
        lines = [f'port = {self.port}', "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''",
                 'max_connections = 20', 'shared_buffers = 16MB', *settings]
        with open(f'{self.folder}/data/postgresql.conf', 'a', encoding='utf-8') as out:
            out.write('\n'.join(lines) + '\n')

    @staticmethod
    def _let_pass(folder):
        """The other user has to reach its own folder below ours."""
        while folder != '/':
            mode = os.stat(folder).st_mode
            if not mode & 0o001:
                os.chmod(folder, mode | 0o011)
            folder = os.path.dirname(folder)

    def _identity(self):
        return {'user': self.user[0], 'group': self.user[1], 'extra_groups': []} if self.user else {}

    def own(self, name):
        """A file of the server's folder becomes the server's alone, as it wants its key and its rules to be."""
        path = f'{self.folder}/{name}'
        if self.user:
            os.chown(path, *self.user)
        os.chmod(path, 0o600)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self, timeout_s=60):
        with open(f'{self.folder}/server.log', 'ab') as out:
            self.process = subprocess.Popen([f'{self.bin}/postgres', '-D', f'{self.folder}/data'], cwd='/', stdout=out,
                                            stderr=out, start_new_session=True, **self._identity())
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            if subprocess.run(self._psql('SELECT 1'), capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.05)
        with open(f'{self.folder}/server.log', encoding='utf-8', errors='replace') as log:
            raise RuntimeError('the server does not answer:\n' + log.read()[-2000:])

    def _family(self):
        """The server and its children, which are sessions of their own."""
        found = [self.process.pid]
        for path in glob.glob('/proc/[0-9]*/stat'):
            try:
                with open(path, encoding='utf-8', errors='replace') as stat:
                    text = stat.read()
            except OSError:
                continue
            if int(text[text.rindex(')') + 1:].split()[1]) == self.process.pid:
                found.append(int(text.split()[0]))
        return found

    def _signal(self, number):
        for pid in self._family():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def kill(self):
        """As when the power goes: no answer to anybody."""
        if self.process is None:
            return
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        """As an administrator does it: sessions are ended, what is committed is safe."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.process = None

    def _psql(self, sql, database='postgres', user='test'):
        return [f'{self.bin}/psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p',
                str(self.port), '-U', user, '-d', database, '-c', sql]

    def query(self, sql, **where):
        """Rows as lists of texts."""
        done = subprocess.run([*self._psql(sql, **where), '-F', '\x1f'], capture_output=True, text=True, check=False,
                              timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f'{sql}: {done.stderr.strip()}')
        return [line.split('\x1f') for line in done.stdout.splitlines()]

    def value(self, sql, **where):
        return self.query(sql, **where)[0][0]

    def url(self, database='postgres', user='test'):
        return f'postgresql://{user}@127.0.0.1:{self.port}/{database}'
