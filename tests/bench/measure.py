"""How the benchmarks start programs and what they read off them. Linux only (/proc)."""
import collections
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))

Usage = collections.namedtuple('Usage', 'seconds cpu_seconds rss_mb status')


class Failed(Exception):
    """A program did not do what it was to do; the message says which and how."""


def cpu_sets():
    """(for the server, for the generator): the last core generates, the others serve."""
    cores = sorted(os.sched_getaffinity(0))
    return (set(cores), set(cores)) if len(cores) == 1 else (set(cores[:-1]), {cores[-1]})


def fdatasync(options):
    """(microseconds of one after an append of 4 and of 256 KiB, a sentence of them to print beside durable figures)"""
    probe = subprocess.run([f'{options.programs}/fdatasync_probe', options.folder], capture_output=True, text=True,
                           check=True)
    disk = json.loads(probe.stdout)
    return disk, (f'fdatasync here: {disk["4KiB"]["p50"] / 1e3:.2f} ms (p99 {disk["4KiB"]["p99"] / 1e3:.2f}) after 4 KiB, '
                  f'{disk["256KiB"]["p50"] / 1e3:.2f} ms (p99 {disk["256KiB"]["p99"] / 1e3:.2f}) after 256 KiB.')


def start(command, cpus=None, environment=None, **streams):
    return subprocess.Popen(command, preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
                            env=dict(os.environ, **(environment or {})), **streams)


def peak_rss_mb(pid):
    """The most a running process has held; 0 once it is gone."""
    try:
        with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith('VmHWM:')), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def reap(process, started):
    """Waits, and returns what was counted. Memory is asked for on the way: what the kernel reports at the end
    is never less than the memory of the interpreter that forked."""
    end = select.poll()
    handle = os.pidfd_open(process.pid)
    end.register(handle, select.POLLIN)
    peak = 0
    while not end.poll(10):
        peak = max(peak, peak_rss_mb(process.pid))
    elapsed = time.monotonic() - started
    os.close(handle)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(elapsed, usage.ru_utime + usage.ru_stime, peak, process.returncode)


def run(command, cpus=None, environment=None, stdout=subprocess.DEVNULL):
    """Runs a program to its end; raises Failed with its messages if it fails."""
    started = time.monotonic()
    with open(os.path.join(os.environ['BENCH_FOLDER'], 'stderr'), 'w+', encoding='utf-8') as messages:
        process = start(command, cpus, environment, stdout=stdout, stderr=messages, stdin=subprocess.DEVNULL)
        usage = reap(process, started)
        if usage.status != 0:
            messages.seek(0)
            raise Failed(f'{" ".join(command)} ended with {usage.status}:\n{messages.read()[-2000:]}')
    return usage


def median_run(repeat, prepare, command, **how):
    """The middle one of several runs by time; prepare() goes before each."""
    runs = []
    for _ in range(repeat):
        prepare()
        runs.append(run(command, **how))
    return sorted(runs)[len(runs) // 2]


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def rss_mb(pid):
    with open(f'/proc/{pid}/statm', encoding='ascii') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20


def thread_cpu_seconds(pid):
    """{(thread id, name): seconds on a core}."""
    found = {}
    for thread in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{thread}/schedstat', encoding='ascii') as schedstat:
                on_cpu = int(schedstat.read().split()[0]) / 1e9
            with open(f'/proc/{pid}/task/{thread}/comm', encoding='ascii') as comm:
                found[int(thread), comm.read().strip()] = on_cpu
        except FileNotFoundError:
            pass
    return found


class Server:
    """A program that listens, started and stopped around a measurement."""

    def __init__(self, name, command, port, cpus, environment=None):
        self.name = name
        self.port = port
        self.log = open(os.path.join(os.environ['BENCH_FOLDER'], 'server.log'), 'w+', encoding='utf-8')
        self.process = start(command, cpus, environment, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def __enter__(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if listens(self.port):
                return self
            time.sleep(0.05)
        self.log.seek(0)
        self.process.kill()
        raise Failed(f'{self.name} does not listen on {self.port}:\n{self.log.read()[-2000:]}')

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def loop_thread(self):
        """The thread that owns the sockets: the one called loop, or else the first."""
        threads = thread_cpu_seconds(self.process.pid)
        named = [key for key in threads if key[1] in ('loop', 'colloquium-loop')]
        return named[0] if named else (self.process.pid, self._first_name(threads))

    def _first_name(self, threads):
        return next(name for thread, name in threads if thread == self.process.pid)


class Running:
    """A program at work in a folder of its own until the measurement is over; what it says is in FOLDER/log. Once it is
    over, `cpu_seconds` is what it took in all."""

    def __init__(self, name, command, folder, cpus=None):
        self.name = name
        self.path = os.path.join(folder, 'log')
        self.cpu_seconds = None
        with open(self.path, 'wb') as log:
            self.process = start(command, cpus, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while self.ended() is None:
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
            time.sleep(0.005)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime

    def _signal(self, number):
        os.kill(self.process.pid, number)  # Popen's own would wait for it, and its CPU time be lost

    def ended(self):
        """None while it runs; it stays to be waited for."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    def fail(self, what):
        with open(self.path, encoding='utf-8', errors='replace') as log:
            raise Failed(f'{self.name} {what}:\n{log.read()[-2000:]}')

    def wait(self, done, seconds=600, ends=False):
        """Until done() says so. A program that `ends` by itself when it is through may do so before."""
        deadline = time.monotonic() + seconds
        while not done():
            end = self.ended()
            if end is not None and not (ends and end.si_code == os.CLD_EXITED and end.si_status == 0):
                self.fail(f'ended with {end.si_status}')
            if time.monotonic() > deadline:
                self.fail(f'was not through after {seconds} s')
            time.sleep(0.002)


class Sampler(threading.Thread):
    """Resident memory of a process, read five times a second until it ends."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.samples = []
        self.stopped = threading.Event()
        self.start()

    def run(self):
        while not self.stopped.wait(0.2):
            try:
                self.samples.append((time.monotonic(), rss_mb(self.pid)))
            except (FileNotFoundError, ProcessLookupError, IndexError):
                return

    def stop(self):
        self.stopped.set()
        self.join()


def load_note():
    """How busy the machine is: that of the last minute, so this run's own work is in it."""
    return f'Load of the last minute, this run included: {os.getloadavg()[0]:.1f}.'


def median(values):
    """The middle one of what was measured; None if nothing was."""
    return sorted(values)[len(values) // 2] if values else None


def ratio(ours, theirs):
    return ours / theirs if ours and theirs else None


def table(title, notes, columns, rows):
    """Prints rows under a heading; a column is (heading, format or None)."""
    print(f'\n{title}')
    for note in notes:
        print(f'  {note}')
    cells = [[heading for heading, _ in columns]]
    for row in rows:
        cells.append([('-' if value is None else format(value, form) if form else str(value))
                      for value, (_, form) in zip(row, columns)])
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print('  ' + '  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
