"""Programs of others, fetched once into the user's cache."""
import os
import shutil
import subprocess
import tempfile


class Unavailable(Exception):
    """What was asked for can't be had here; the message says why."""


def fetched(name, programs, make):
    """The cached folder of that name. The first time `make(work)`, in an empty folder, gives the command that fills
    `work`/made; the programs it needs have to be installed."""
    cache = os.path.join(os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache')), 'colloquium')
    folder = os.path.join(cache, name)
    if os.path.isdir(folder):
        return folder
    for program in programs:
        if shutil.which(program) is None:
            raise Unavailable(f'{program} is not installed')
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        done = subprocess.run(make(work), cwd=work, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(f'{name} could not be fetched: {(done.stdout + done.stderr)[-400:]}')
        if not os.path.isdir(folder):  # another process may have been quicker
            os.rename(os.path.join(work, 'made'), folder)
    return folder
