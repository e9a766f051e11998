"""Plays a WARC file in pywb and compares what it shows with what was archived.

Usage: pywb_plays.py WARC EXPECTED

EXPECTED is a JSON list of objects with `url`, `at` (14 digits), `sha256` and `mode`: `id_`
requests an address as it was archived, `mp_` as a page shows it, which redirects need. pywb
makes a collection of the file in a temporary directory and serves it on a free loopback port.
"""

from gevent import monkey

monkey.patch_all()

import hashlib
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request

from gevent.pywsgi import WSGIServer
from pywb.apps.frontendapp import FrontEndApp
from pywb.manager.manager import main as manage


def main(warc, expected):
    warc = os.path.abspath(warc)
    with open(expected, encoding="utf-8") as file:
        expected = json.load(file)
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        manage(["init", "exported"])
        manage(["add", "exported", warc])
        server = WSGIServer(("127.0.0.1", 0), FrontEndApp(), log=None)
        server.start()
        faults = [fault for capture in expected for fault in play(server.server_port, capture)]
        if status(server.server_port, "http://never.test/archived", "20260914023000", "id_") != 404:
            faults.append("an address that was not archived is found")
        server.stop()
        os.chdir("/")
    for fault in faults:
        print(fault)
    print(f"pywb played {len(expected)} captures")
    return 1 if faults or not expected else 0


def request(port, url, at, mode):
    # Proxies of the environment are not for the loopback address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(f"http://127.0.0.1:{port}/exported/{at}{mode}/{url}", timeout=30)


def status(port, url, at, mode):
    try:
        return request(port, url, at, mode).status
    except urllib.error.HTTPError as error:
        return error.code


def play(port, capture):
    url, at = capture["url"], capture["at"]
    try:
        body = request(port, url, at, capture["mode"]).read()
    except urllib.error.URLError as error:
        yield f"{url} at {at}: {error}"
        return
    digest = hashlib.sha256(body).hexdigest()
    if digest != capture["sha256"]:
        yield f"{url} at {at}: {len(body)} bytes with the digest {digest} instead of {capture['sha256']}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
