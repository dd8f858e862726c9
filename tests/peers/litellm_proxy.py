"""litellm's proxy, as a peer of our gateway; of PyPI, in the versions of litellm/requirements.txt, once, into a virtual
environment in the user's cache, where it takes some 750 MB. Unavailable says why it is not there."""
import hashlib
import json
import os
import sys

from cache import Unavailable, fetched  # noqa: F401: who measures it catches it by this name

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'litellm')
# A key of its own would want a database; its prices would be fetched from the net.
ENVIRONMENT = {'LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY': 'true', 'LITELLM_LOCAL_MODEL_COST_MAP': 'True',
               'LITELLM_LOG': 'ERROR'}


def program():
    """Its `litellm`, by the interpreter: what is installed is moved once, and scripts name the old place."""
    with open(f'{HERE}/requirements.txt', 'rb') as pinned:
        digest = hashlib.sha256(pinned.read()).hexdigest()[:12]
    install = (f'set -e; {sys.executable} -m venv made; made/bin/python -m pip install --quiet --no-deps '
               f'-r {HERE}/requirements.txt')
    folder = fetched(f'litellm-{digest}', (), lambda work: ['sh', '-c', install])
    return [f'{folder}/bin/python', '-c', 'from litellm.proxy.proxy_cli import run_server; run_server()']


def command(folder, port, models, cache=False):
    """`models`: of each name, what litellm is to do for it (litellm_params)."""
    settings = {'model_list': [{'model_name': name, 'litellm_params': params} for name, params in models.items()],
                'litellm_settings': {'telemetry': False}}
    if cache:
        settings['litellm_settings'].update(cache=True, cache_params={'type': 'local'})
    with open(f'{folder}/litellm.yaml', 'w', encoding='utf-8') as out:
        json.dump(settings, out)  # which is YAML
    return [*program(), '--config', f'{folder}/litellm.yaml', '--host', '127.0.0.1', '--port', str(port), '--num_workers', '1',
            '--telemetry', 'False']
