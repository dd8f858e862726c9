"""rsyslog as Debian packages it, with a configuration of its own. The service that the package starts is never used."""
import glob
import os
import shutil

from cache import Unavailable

MODULES = '/usr/lib/*/rsyslog'
PATH = os.environ.get('PATH', '') + ':/usr/sbin'


def program(*modules):
    """rsyslogd, if it has these modules."""
    found = shutil.which('rsyslogd', path=PATH)
    if found is None:
        raise Unavailable('rsyslogd is not installed (Debian: rsyslog)')
    for module in modules:
        if not glob.glob(f'{MODULES}/{module}.so'):
            raise Unavailable(f'rsyslog has no {module} here')
    return found


def command(folder, modules, configuration):
    """What runs this configuration, which it writes into the folder."""
    path = os.path.join(folder, 'rsyslog.conf')
    with open(path, 'w', encoding='utf-8') as out:
        out.write(''.join(f'module(load="{module}")\n' for module in modules) + configuration)
    return [program(*modules), '-n', '-f', path, '-i', os.path.join(folder, 'rsyslogd.pid')]
