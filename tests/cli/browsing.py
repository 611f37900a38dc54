"""A page of the command ``browse``, served by a real process."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@contextmanager
def browsed(url, *options):
    """Serve a store, and give the address of its page; Ctrl-C ends it, quietly."""
    command = [sys.executable, "-m", "spoonbill", "browse", url, "--no-open", *options]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            yield child.stdout.readline().decode().strip()
        finally:
            child.send_signal(signal.SIGINT)
            said = child.communicate()[1].decode()
    assert (child.returncode, said) == (0, "Ctrl-C ends it\n")


def fetch(address, *, method="GET", body=None, **headers):
    """Return the status, the headers and the body of an answer."""
    data = None if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        named.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(address, data=data, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
