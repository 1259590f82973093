"""Changes the customers of a Valomnia server over its API, from a process of its own, until told to stop.

`python -m tests.flows.api_writer URL N` begins with N customers, most of them written within the same second or two. It
prints at its end how many versions it has written.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

_LOGIN = {"j_username": "sandbox", "j_password": "sandbox", "ajax": "true"}
_HANDS = 4


def write(client: httpx.Client, number: int, name: str) -> None:
    """Create or update one customer."""
    form = {"name": name, "billingCity": "Genève"}
    client.post(f"/api/v2.1/customers/reference/C-{number}", data=form).raise_for_status()


def work(client: httpx.Client, hand: int, count: int, stop: threading.Event) -> int:
    """Update, create and delete until told to stop."""
    chance, versions, fresh = random.Random(hand), 0, count + hand * 1_000_000
    while not stop.is_set():
        number = chance.randrange(count // _HANDS) * _HANDS + hand
        if (dice := chance.random()) < 0.03:
            client.delete(f"/api/v2.1/customers/reference/C-{number}")
            continue
        if dice < 0.1:
            fresh += 1
            number = fresh
        write(client, number, f"N{chance.random()}")
        versions += 1
        time.sleep(0.03)
    return versions


def main() -> None:
    """Change customers until standard input ends."""
    url, count = sys.argv[1], int(sys.argv[2])
    stop = threading.Event()
    with httpx.Client(base_url=url, trust_env=False, follow_redirects=True, timeout=60) as client:
        client.post("/j_spring_security_check", data=_LOGIN).raise_for_status()
        with ThreadPoolExecutor(_HANDS) as pool:
            list(pool.map(lambda number: write(client, number, f"First {number}"), range(count)))
            print("ready", flush=True)
            working = [pool.submit(work, client, hand, count, stop) for hand in range(_HANDS)]
            sys.stdin.read()
            stop.set()
            print(count + sum(each.result() for each in working), flush=True)


if __name__ == "__main__":
    main()
