"""A real nginx: one process on a free loopback port, its files in a folder of its own. And certificates for it.

Unavailable says why there is none: tests then skip, visibly.
"""
import os
import shutil
import signal
import subprocess
import time
import http.client

from cache import Unavailable
from kafka import free_ports

CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log combined;
  client_body_temp_path {folder}/bodies;
  proxy_temp_path {folder}/proxied;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} {listen};
    {server}
  }}
}}
"""


class Nginx:
    """Started on entry, stopped on exit. `server`: what stands in its server block; `listen`: further words there."""

    def __init__(self, folder, server, listen=''):
        self.program = shutil.which('nginx') or '/usr/sbin/nginx'
        if not os.path.exists(self.program):
            raise Unavailable('nginx is not installed (Debian: nginx-light)')
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder)
        self.port = free_ports(1)[0]
        self.process = None
        with open(f'{self.folder}/nginx.conf', 'w', encoding='utf-8') as out:
            out.write(CONFIG.format(folder=self.folder, port=self.port, listen=listen, server=server))

    def __enter__(self):
        self.process = subprocess.Popen([self.program, '-p', self.folder, '-c', f'{self.folder}/nginx.conf'],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f'nginx ended: {self.process.stderr.read()[-800:]}')
            try:
                http.client.HTTPConnection('127.0.0.1', self.port, timeout=1).connect()
                return self
            except OSError:
                time.sleep(0.01)
        self.__exit__()
        raise AssertionError('nginx does not listen')

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stderr.close()

    def requests(self):
        """The access log, a line a request."""
        with open(f'{self.folder}/access.log', encoding='utf-8') as log:
            return log.read().splitlines()


def openssl(folder, *arguments):
    if shutil.which('openssl') is None:
        raise Unavailable('openssl is not installed')
    subprocess.run(['openssl', *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, authority=None, subject='127.0.0.1'):
    """Makes NAME.pem and NAME.key in the folder: signed by the authority's, or by itself and then an authority."""
    openssl(folder, 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{name}.key')
    if authority is None:
        openssl(folder, 'req', '-x509', '-new', '-key', f'{name}.key', '-out', f'{name}.pem', '-days', '2', '-subj',
                f'/CN={name}')
        return
    openssl(folder, 'req', '-new', '-key', f'{name}.key', '-out', f'{name}.csr', '-subj', f'/CN={subject}')
    with open(f'{folder}/{name}.ext', 'w', encoding='utf-8') as out:
        out.write('subjectAltName=IP:127.0.0.1\n')
    openssl(folder, 'x509', '-req', '-in', f'{name}.csr', '-CA', f'{authority}.pem', '-CAkey', f'{authority}.key',
            '-CAcreateserial', '-out', f'{name}.pem', '-days', '2', '-extfile', f'{name}.ext')
