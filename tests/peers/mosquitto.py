"""A real MQTT broker: one mosquitto on a free loopback port, its configuration and data in a folder of its own.

Broker starts and stops one; publish() and subscribe() run mosquitto's clients. Unavailable says why there is none:
tests then skip, visibly. The service that Debian's package starts on port 1883 is never used.
"""
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import time

from cache import Unavailable
from kafka import free_ports

VERSIONS = {'5': 'mqttv5', '3.1.1': 'mqttv311'}


def program(name):
    found = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin')
    if found is None:
        raise Unavailable(f'{name} is not installed (Debian: mosquitto and mosquitto-clients)')
    return found


def available():
    for name in ('mosquitto', 'mosquitto_pub', 'mosquitto_sub', 'mosquitto_passwd'):
        program(name)


class Broker:
    """Started on entry, stopped on exit; kill(), stop(), freeze(), thaw() and start() in between, with what it keeps.

    `settings` are lines of its configuration; without any that says otherwise anybody may log in."""

    def __init__(self, folder, settings=(), tls=False):
        self.folder = os.path.abspath(folder)
        self.port = free_ports(1)[0]
        self.tls = tls
        self.process = None
        os.makedirs(self.folder)
        lines = [f'listener {self.port} 127.0.0.1', f'user {pwd.getpwuid(os.getuid()).pw_name}', 'persistence true',
                 f'persistence_location {self.folder}/', 'autosave_interval 1', 'max_queued_messages 0', *settings]
        if not any('allow_anonymous' in line for line in settings):
            lines.append('allow_anonymous true')
        with open(f'{self.folder}/mosquitto.conf', 'w', encoding='utf-8') as out:
            out.write('\n'.join(lines) + '\n')

    @property
    def url(self):
        return f'{"mqtts" if self.tls else "mqtt"}://localhost:{self.port}'

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.thaw()
            self.kill()

    def start(self):
        with open(f'{self.folder}/log', 'ab') as log:
            self.process = subprocess.Popen([program('mosquitto'), '-c', f'{self.folder}/mosquitto.conf'], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', self.port)) == 0:
                    return
            time.sleep(0.01)
        with open(f'{self.folder}/log', encoding='utf-8', errors='replace') as log:
            raise AssertionError(f'mosquitto did not start: {log.read()[-2000:]}')

    def stop(self):
        """Ends it in peace: it keeps its sessions."""
        for _ in range(20):
            # Again, as mosquitto 2.0 forgets one that comes between its listening and its main loop.
            self.process.terminate()
            try:
                self.process.wait(1)
                return
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError('mosquitto does not end')

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)

    def _command(self, name, protocol, arguments):
        return [program(name), '-h', 'localhost', '-p', str(self.port), '-V', VERSIONS[protocol], *arguments]

    def publish(self, topic, lines, qos=1, protocol='5', arguments=()):
        """Publishes each line, and waits until the broker has acknowledged them."""
        subprocess.run(self._command('mosquitto_pub', protocol, ['-t', topic, '-q', str(qos), '-l', *arguments]),
                       input=''.join(line + '\n' for line in lines), text=True, check=True, timeout=60)

    def publisher(self, topic, qos=1, protocol='5'):
        """A publisher of the lines written to its stdin."""
        return subprocess.Popen(self._command('mosquitto_pub', protocol, ['-t', topic, '-q', str(qos), '-l']),
                                stdin=subprocess.PIPE, text=True)

    def subscribe(self, topic, qos=2, protocol='5', arguments=()):
        """A Subscriber that has its subscription when this returns."""
        return Subscriber(['stdbuf', '-oL'] + self._command('mosquitto_sub', protocol, ['-t', topic, '-q', str(qos), '-d', *arguments]))


class Subscriber:
    """What mosquitto_sub prints, beside its debug messages."""

    def __init__(self, command):
        self.rest = ''
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while True:
            line = self._line(deadline)
            if line is None:
                self.process.kill()
                raise AssertionError(f'{" ".join(command)} did not subscribe')
            if 'received SUBACK' in line:
                return

    def lines(self, count, seconds=30):
        """The next lines; fewer if they do not come."""
        found = []
        deadline = time.monotonic() + seconds
        while len(found) < count:
            line = self._line(deadline)
            if line is None:
                break
            if not line.startswith(('Client ', 'Subscribed ')):
                found.append(line)
        return found

    def _line(self, deadline):
        handle = self.process.stdout.fileno()
        while '\n' not in self.rest:
            if not select.select([handle], [], [], max(0, deadline - time.monotonic()))[0]:
                return None
            data = os.read(handle, 65536)
            if not data:
                return None
            self.rest += data.decode(errors='replace')
        line, self.rest = self.rest.split('\n', 1)
        return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
