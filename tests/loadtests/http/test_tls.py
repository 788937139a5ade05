"""TLS: certificates are checked, always."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from gevent.server import StreamServer

from canbao.errors import InputError
from canbao_loadtests.http.client import Client, Settings
from canbao_loadtests.http.messages import Request, TransportError
from canbao_loadtests.http.safety import Safety

Start = Callable[..., Any]


def certificate(authority: trustme.CA, folder: Path, name: str = "127.0.0.1") -> str:
    """Write a certificate and its key."""
    file = folder / f"{name}.pem"
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture
def authority() -> trustme.CA:
    """Give an authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Give its certificate."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


def trouble(url: str, **settings: Any) -> str:
    """Give the trouble that a request has."""
    client = Client(url, Safety(), settings=Settings(**settings))
    with pytest.raises(TransportError) as raised:
        client.browser({}, lambda _: None).send(Request("GET", "/"))
    return str(raised.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    start_faulty: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    """Nothing is sent, and the trouble says why."""
    server = start_faulty(certificate=certificate(authority, tmp_path))
    assert trouble(server.url).startswith("tls: ")


def test_with_its_authority_given_it_passes(
    start_faulty: Start, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    """Requests go over TLS, on one kept connection, a large upload too."""
    server = start_faulty(certificate=certificate(authority, tmp_path))
    client = Client(server.url, Safety(), settings=Settings(ca_file=ca_file))
    browser = client.browser({}, lambda _: None)
    for number in range(1, 4):
        response = browser.send(Request("POST", "/", body=bytes(1_000_000)))
        assert (response.status, f'"number": {number}'.encode() in response.body) == (200, True)
    client.close()


def test_a_certificate_for_another_host_is_refused(
    start_faulty: Start, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    """Even if its authority is trusted."""
    server = start_faulty(certificate=certificate(authority, tmp_path, "elsewhere.example"))
    assert trouble(server.url, ca_file=ca_file).startswith("tls: ")


def test_a_server_without_tls_is_trouble() -> None:
    """No falling back to plain HTTP."""
    plain = StreamServer(
        ("127.0.0.1", 0), lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    )
    plain.start()
    assert trouble(f"https://127.0.0.1:{plain.server_port}").startswith("tls: ")
    plain.stop()


def test_a_handshake_that_does_not_end_is_given_up() -> None:
    """A server that lets somebody connect and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert trouble(url, connect_timeout_s=0.2).startswith("timeout: ")


def test_a_file_that_is_no_certificate_is_refused_at_once(tmp_path: Path) -> None:
    """Before anything is sent."""
    file = tmp_path / "no.pem"
    file.write_text("nothing")
    with pytest.raises(InputError, match=r"no\.pem"):
        Client("https://127.0.0.1:1", Safety(), settings=Settings(ca_file=file))
