"""Servers that cannot prove who they are, and settings that would have us not ask (FAULTS.md X17)."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.api.transport import Transport
from connectors.protocol import ConfigurationError, ConnectorError
from flows.connection import make_target
from flows.document import JobError
from flows.job import load_job
from flows.plan import compile_job
from tests.connectors.api.test_transport import OK, answering, serving
from tests.connectors.sandbox.caller import FakeTime
from tests.faults.target_api import APIS

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}


@dataclass(frozen=True)
class Certificate:
    """What a server's certificate says: for which address, until when, and whether somebody we trust vouches for it."""

    host: str = "127.0.0.1"
    until: dt.datetime = NOW + DAY
    vouched: bool = True


def name(text: str) -> x509.Name:
    """Name somebody in a certificate."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def context(folder: Path, certificate: Certificate) -> ssl.SSLContext:
    """Make a server with such a certificate; the one whom the environment trusts is written to trusted.pem."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    authority, own = keys if certificate.vouched else (keys[1], keys[1])
    constraint = x509.BasicConstraints(ca=True, path_length=None)
    begun = x509.CertificateBuilder().not_valid_before(NOW - 2 * DAY).serial_number(1)
    trusted = (
        begun.subject_name(name("authority"))
        .issuer_name(name("authority"))
        .not_valid_after(NOW + DAY)
        .public_key(keys[0].public_key())
        .add_extension(constraint, critical=True)
        .sign(keys[0], hashes.SHA256())
    )
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(certificate.host))])
    shown = (
        begun.subject_name(name("server"))
        .issuer_name(name("authority" if certificate.vouched else "server"))
        .not_valid_after(certificate.until)
        .public_key(own.public_key())
        .add_extension(alternatives, critical=False)
        .sign(authority, hashes.SHA256())
    )
    (folder / "trusted.pem").write_bytes(trusted.public_bytes(serialization.Encoding.PEM))
    secret = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(secret + shown.public_bytes(serialization.Encoding.PEM))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "server.pem")
    return made


def ask(server: ssl.SSLContext) -> tuple[int | None, list[bytes]]:
    """Send a request whose sender trusts the environment's list; gives the status, and what the server was sent."""
    seen: list[bytes] = []

    async def main() -> int | None:
        async with (
            serving(answering(OK, seen=seen), server) as url,
            Transport("fake", url, trust_env=True) as transport,
        ):
            try:
                return (await transport.exchange("POST", "/", {"X-Token": "canary"}, b"canary", "upsert")).status
            except ConnectorError:
                return None

    return asyncio.run(asyncio.wait_for(main(), 20)), seen


@pytest.mark.parametrize(
    ("certificate", "status"),
    [
        (Certificate(), 200),
        (Certificate(until=NOW - DAY), None),
        (Certificate(host="127.0.0.9"), None),
        (Certificate(vouched=False), None),
    ],
    ids=["right", "expired", "other host", "self-signed"],
)
def test_x17_a_certificate_that_proves_nothing(
    certificate: Certificate, status: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired one, one of another host, and one that nobody vouches for stop the job before a byte of a request."""
    server = context(tmp_path, certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    answered, seen = ask(server)
    assert (answered, len(seen)) == (status, 1 if status else 0)


# Old versions are what is tested here; Python warns of whoever names them.
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", OLD.values(), ids=OLD)
def test_x17_a_protocol_that_is_broken(
    version: ssl.TLSVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that speaks nothing newer than TLS 1.1 is not spoken to, however good its certificate."""
    server = context(tmp_path, Certificate())
    server.minimum_version = server.maximum_version = version
    server.set_ciphers("ALL:@SECLEVEL=0")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    assert ask(server) == (None, [])


def complaint(folder: Path, kind: str, url: str, more: str = "") -> str:
    """Give what a job into an API is refused with, or nothing."""
    section = {"kind": kind, **APIS[kind].app(FakeTime().clock)[1]}
    lines = [f'  {key}: "{value.format(base_url=url)}"' for key, value in section.items()]
    text = "\n".join([*lines, f"  base_url: {url}", more])
    job = folder / "job.yaml"
    job.write_text(
        f"job: x\nsource: {{kind: csv, path: c.csv}}\ntarget:\n{text}\nfields: {json.dumps(APIS[kind].fields)}\n"
    )
    try:
        make_target(compile_job(load_job(job, {}), b"key"))
    except (JobError, ConfigurationError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", APIS)
def test_x17_no_setting_turns_the_proof_off(kind: str, tmp_path: Path) -> None:
    """http:// is for this machine alone, and no key says not to verify."""
    assert complaint(tmp_path, kind, "https://crm.example") == ""
    assert complaint(tmp_path, kind, "http://127.0.0.1:1") == ""
    for url in (
        "http://crm.example",
        "http://192.0.2.1",
        "http://127.0.0.1.crm.example",
        "http://localhost.crm.example",
    ):
        assert "must be https://" in complaint(tmp_path, kind, url)
    for key in ("verify", "insecure", "ssl_verify", "tls_verify"):
        assert "unknown key" in complaint(tmp_path, kind, "https://crm.example", f"  {key}: false")
