"""What a client brings into the vault: too much, not whole, or still open when it is sealed."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from live_gate import LiveGate
from team_members import promote

from nbmlops.errors import TooLarge
from nbmlops.records import Bundle, BundleFile, digest, digest_bytes, to_plain
from nbmlops.settings import load_settings
from nbmlops.workspace import Workspace

ADA = {"X-Nbmlops-User": "ada"}


@pytest.fixture(scope="module")
def small_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    """A server that takes little: what lies behind it does not matter here."""
    return start_gate(settings="[uploads]\nlargest = '1 MB'\n")


def bundle_of(data: bytes, path: str = "model/MLmodel") -> Bundle:
    file = BundleFile(path=path, digest=digest_bytes(data), size=len(data))
    return Bundle(digest=digest((file,)), files=(file,))


def put(gate: LiveGate, bundle: Bundle, data: Any) -> Any:
    path = f"/bundles/{bundle.digest}/files/{bundle.files[0].path}"
    return gate.api(path, verb="PUT", data=data, auth=None, headers=ADA)


def seal(gate: LiveGate, bundle: Bundle) -> Any:
    return gate.api(f"/bundles/{bundle.digest}", to_plain(bundle), auth=None, headers=ADA)


def left(gate: LiveGate) -> list[Path]:
    """Every file of an upload, besides its lock."""
    found = (gate.home / "bundles" / ".uploads").rglob("*")
    return [path for path in found if path.is_file() and path.name != "lock"]


def test_more_than_the_server_takes_is_told_before_it_is_sent(
    small_gate: LiveGate, tmp_path: Path
) -> None:
    """To the person who submits; less of it goes through."""
    environ = {"NBMLOPS_USER": "ada", "MLFLOW_TRACKING_URI": small_gate.address}
    ada = Workspace(load_settings(tmp_path, environ))
    promotion = promote(ada, "large")
    large = tmp_path / "report.bin"
    large.write_bytes(b"x" * 1_000_001)
    with pytest.raises(TooLarge, match=r"An upload may have 1 MB .* brings 1 MB"):
        ada.submit(promotion, attachments=[large])
    assert left(small_gate) == []
    large.write_bytes(b"x" * 1_000)
    review = ada.submit(promotion, attachments=[large])
    assert [f.size for f in review.submission.evidence.attachments] == [1_000]


def test_who_announces_less_is_held_to_what_comes(small_gate: LiveGate) -> None:
    """With a length, and without one; nothing of it stays."""

    def unannounced() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100_000

    for data in (b"x" * 1_100_000, unannounced()):
        answer = put(small_gate, bundle_of(b"x"), data)
        assert (answer.status_code, answer.json()["error"]) == (413, "TooLarge")
        assert left(small_gate) == []
    assert put(small_gate, bundle_of(b"x"), b"x").status_code == 200
    assert seal(small_gate, bundle_of(b"x")).status_code == 200


def test_no_depth_of_folders_halts_the_others(small_gate: LiveGate) -> None:
    """What sweeps, counts and seals follows each tree to its end, in the way of all who come."""
    for depth in (64, 400, 800, 1_200):
        answer = put(small_gate, bundle_of(b"deep", "d/" * depth + "f"), b"deep")
        assert (answer.status_code, "as deep as" in answer.text) == (403, True)
    for bundle in (bundle_of(b"deep", "d/" * 63 + "f"), bundle_of(b"deep")):
        assert put(small_gate, bundle, b"deep").status_code == 200
        assert seal(small_gate, bundle).status_code == 200
    small_gate.vault.verify(bundle, every_byte=True)


def test_no_request_fills_the_servers_memory(small_gate: LiveGate) -> None:
    """A record that is larger than any; a long one is read."""
    for size, status in ((33_000_000, 413), (1_000_000, 400)):
        answer = small_gate.api("/facts", verb="POST", data=b"[" * size, auth=None, headers=ADA)
        assert answer.status_code == status, answer.text


@pytest.fixture
def data(small_gate: LiveGate) -> bytes:
    return b"%100000d" % next(small_gate.names)


@pytest.fixture
def half_sent(small_gate: LiveGate, data: bytes) -> Iterator[tuple[Bundle, socket.socket]]:
    """A file whose bytes have all come, of a request that goes on."""
    bundle = bundle_of(data)
    address = urlparse(small_gate.address)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(
            f"PUT /nbmlops/api/bundles/{bundle.digest}/files/model/MLmodel HTTP/1.1\r\n"
            f"Host: {address.netloc}\r\nX-Nbmlops-User: ada\r\n"
            f"Content-Length: {len(data) + 4}\r\n\r\n".encode()
        )
        connection.sendall(data)
        for _ in range(10_000):  # until the server has begun with it
            if left(small_gate):
                break
        yield bundle, connection


def test_what_is_still_open_is_not_sealed(
    small_gate: LiveGate, half_sent: tuple[Bundle, socket.socket], data: bytes
) -> None:
    """Else its sender could write on, into the vault."""
    bundle, connection = half_sent
    assert put(small_gate, bundle, data).status_code == 200
    refused = seal(small_gate, bundle)
    assert (refused.status_code, "at the moment" in refused.json()["message"]) == (403, True)
    connection.sendall(b"evil")
    assert connection.recv(1_000).startswith(b"HTTP/1.1 200")
    assert put(small_gate, bundle, data).status_code == 200
    assert seal(small_gate, bundle).status_code == 200
    small_gate.vault.verify(bundle, every_byte=True)


def test_what_did_not_come_whole_stays_away(
    small_gate: LiveGate, half_sent: tuple[Bundle, socket.socket], data: bytes
) -> None:
    """Its sender went away; another may still bring it."""
    bundle, connection = half_sent
    connection.close()
    for _ in range(1_000):  # until the server has heard of it
        answer = put(small_gate, bundle, data)
        if seal(small_gate, bundle).status_code == 200:
            break
    assert answer.status_code == 200
    assert left(small_gate) == []
