"""What proving who they are costs callers: the same calls with tokens and without, from one run."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bench import bodies
from bench.load import each, http
from bench.servers import Server, ours

PUBLIC = "https://cds.example"
ISSUER = "https://ehr.example/fhir"
AT_MOST = 1.15
ROUNDS = 10
CALLS = 100
ALGORITHMS = ("RS384", "ES384")
KINDS = ((0, "same"), (100, "same"), (0, "other"), (10, "other"), (100, "other"))


def keys() -> dict[str, Any]:
    """A private key for each algorithm."""
    made: dict[str, Any] = {"RS384": rsa.generate_private_key(65537, 2048)}
    made |= {"ES384": ec.generate_private_key(ec.SECP384R1()), "ES256": ec.generate_private_key(ec.SECP256R1())}
    return made


@contextmanager
def guarded(private: dict[str, Any]) -> Iterator[Server]:
    """The service with one client that publishes *private*'s public halves."""
    members = [
        {**jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True), "kid": name, "key_ops": ["verify"]}
        for name, key in private.items()
    ]
    entry = {"issuer": ISSUER, "keys": members, "algorithms": list(private)}
    with tempfile.TemporaryDirectory() as site:
        Path(site, "clients.yaml").write_text(json.dumps({"main": entry}))
        with ours(CDS_SITE=site, CDS_PUBLIC_URL=PUBLIC) as server:
            yield server


def signed(calls: Calls, body: bytes) -> bytes:
    """A call with a token of its own."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": PUBLIC + calls.path, "exp": now + 240, "iat": now, "jti": str(uuid.uuid4())}
    token = jwt.encode(claims, calls.key, calls.algorithm, {"kid": calls.algorithm})
    return http(calls.path, body, f"Authorization: Bearer {token}")


def table(path: str) -> bool:
    """Median latency with tokens over that without; whether the bar is kept for children not seen before."""
    private = keys()
    print("\nMedian latency with a token over that without (one client, median of interleaved rounds)\n")
    print("| priors | child | algorithm | with ms | without ms | ratio | CPU with µs | CPU without µs |")
    print("|---|---|---|---|---|---|---|---|")
    good = True
    with guarded(private) as closed, ours(CDS_PUBLIC_URL=PUBLIC) as open_:
        for priors, child in KINDS:
            for algorithm in ALGORITHMS:
                calls = Calls(private[algorithm], algorithm, path, priors, child)
                rows = [_round(closed, open_, calls, turned=bool(place % 2)) for place in range(ROUNDS)]
                shown = [statistics.median(column) for column in zip(*rows, strict=True)]
                ratio = statistics.median(row[0] / row[1] for row in rows)
                good &= child == "same" or not priors or ratio <= AT_MOST
                times = f"{shown[0]:.3f} | {shown[1]:.3f} | {ratio:.2f} | {shown[2]:.0f} | {shown[3]:.0f}"
                print(f"| {priors} | {child} | {algorithm} | {times} |")
        print(f"\nResident memory with tokens {closed.resident:.0f} MB, without {open_.resident:.0f} MB")
        good &= closed.resident < 150
    return good


class Calls(NamedTuple):
    """What is asked: with which key and algorithm, where, of how many priors, of one child or of others."""

    key: Any
    algorithm: str
    path: str
    priors: int
    child: str

    def bodies(self) -> list[bytes]:
        """One body a call."""
        whole = bodies.body(self.priors)
        if self.child == "same":
            return [whole] * CALLS
        return [bodies.another(whole, next(_CHILDREN) % 100_000) for _ in range(CALLS)]


_CHILDREN = count()


def _round(closed: Server, open_: Server, calls: Calls, *, turned: bool) -> tuple[float, float, float, float]:
    """Median milliseconds with and without tokens, then CPU microseconds a call; *turned*, those without go first."""
    asked = calls.bodies()
    pairs = [
        (closed, [signed(calls, one) for one in asked]),
        (open_, [http(calls.path, one) for one in asked]),
    ]
    found = {}
    for server, requests in reversed(pairs) if turned else pairs:
        before = server.cpu
        times = each(server.port, requests)
        found[server.port] = times.at(0.5), (server.cpu - before) / len(requests) * 1e6
    (one, cpu_one), (other, cpu_other) = found[closed.port], found[open_.port]
    return one, other, cpu_one, cpu_other
