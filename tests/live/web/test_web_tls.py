"""The page over TLS: served with a token, and certificates that will not serve are refused."""

import asyncio
import ssl
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from livefakes import served
from websockets.asyncio.client import connect

from mace.errors import ConfigError
from mace.live.web.config import WebConfig

AUTHORITY = trustme.CA()


def written(folder, name, *hosts):
    """Write a certificate and its key, and return where."""
    issued = AUTHORITY.issue_cert(*hosts)
    cert, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return cert, key


async def first_message(address, trusting, origin):
    # In one thread: of two that read and write one TLS connection a request may be lost.
    async with connect(address, ssl=trusting, origin=origin) as socket:
        return await asyncio.wait_for(socket.recv(), timeout=20)


def test_page_and_socket_over_tls_to_who_has_the_token(tmp_path):
    cert, key = written(tmp_path, "here", "127.0.0.1")
    trusting = ssl.create_default_context()
    AUTHORITY.configure_trust(trusting)
    arguments = ("--host", "0.0.0.0", "--cert", str(cert), "--key", str(key))
    with served(*arguments) as address:
        said = urlsplit(address)
        assert said.scheme == "https"
        assert said.query.startswith("token=")
        here = f"127.0.0.1:{said.port}"
        with urlopen(f"https://{here}/?{said.query}", context=trusting, timeout=20) as answer:
            assert answer.status == 200
            assert b"agreed to it" in answer.read()
        with pytest.raises(OSError, match="403"):
            urlopen(f"https://{here}/", context=trusting, timeout=20)
        with pytest.raises(OSError, match="certificate verify failed"):
            urlopen(f"https://{here}/?{said.query}", timeout=20)  # not ours, so not trusted
        socket = f"wss://{here}/ws?mode=view&{said.query}"
        assert '"type":"hello"' in asyncio.run(first_message(socket, trusting, f"https://{here}"))


def test_a_certificate_that_will_not_serve_is_refused_at_the_start(tmp_path):
    cert, key = written(tmp_path, "one", "localhost")
    _, other = written(tmp_path, "two", "localhost")
    junk, locked = tmp_path / "junk.pem", tmp_path / "locked.pem"
    junk.write_text("-----BEGIN NOTHING-----\n")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert WebConfig(cert=cert, key=key).cert == cert
    for wrong, why in (
        ((junk, key), "PEM form"),
        ((cert, junk), "PEM form"),
        ((key, cert), "PEM form"),
        ((cert, other), "do not belong together"),
        ((cert, locked), "passphrase"),
        ((cert, tmp_path), "web.key: cannot read"),
        ((tmp_path / "gone", key), "web.cert: cannot read"),
    ):
        with pytest.raises(ConfigError, match=why):
            WebConfig(cert=wrong[0], key=wrong[1])
