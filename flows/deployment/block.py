"""Our own types of Prefect blocks, each a form in its UI; importing this module loads Prefect.

`prefect block register --module flows.deployment.block` makes both known to a server, as `rollcall deploy` does.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from flows.block import BlockName

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


class RollcallLedger(Block):
    """Where a job's ledger is, and the key of its hashes."""

    _block_type_name: ClassVar[str | None] = "Rollcall Ledger"
    _block_type_slug: ClassVar[str | None] = "rollcall-ledger"
    _description: ClassVar[str | None] = (
        "The ledger of Rollcall's jobs: its address and its key. A job file takes them as"
        " `{{ prefect.blocks.rollcall-ledger.NAME.url }}` and `{{ prefect.blocks.rollcall-ledger.NAME.key }}`."
    )

    url: SecretStr | None = Field(
        default=None,
        title="Address",
        description="Any SQLAlchemy URL, such as postgresql://user:password@host/rollcall.",
    )
    key: SecretStr | None = Field(
        default=None, title="Key", description="The key of the ledger's hashes; with another one it does not open."
    )


class RollcallCredentials(Block):
    """How to sign in to one system; every field is optional, since each system asks for others."""

    _block_type_name: ClassVar[str | None] = "Rollcall Credentials"
    _block_type_slug: ClassVar[str | None] = "rollcall-credentials"
    _description: ClassVar[str | None] = (
        "How a Rollcall job signs in to a system. Fill in what that system asks for; a job file takes a field as"
        " `{{ prefect.blocks.rollcall-credentials.NAME.password }}`."
    )

    username: str | None = Field(default=None, title="User name", description="Valomnia, and most databases.")
    password: SecretStr | None = Field(default=None, title="Password", description="Valomnia, and most databases.")
    token: SecretStr | None = Field(default=None, title="Token", description="Keypro.")
    client_id: str | None = Field(default=None, title="Client ID", description="JTL-Wawi in the cloud, tradevest.")
    client_secret: SecretStr | None = Field(
        default=None, title="Client secret", description="JTL-Wawi in the cloud, tradevest."
    )
    api_key: SecretStr | None = Field(default=None, title="API key", description="JTL-Wawi on premises.")
    url: SecretStr | None = Field(
        default=None, title="Address", description="A database's whole URL, or an API's base address."
    )


TYPES: tuple[type[Block], ...] = (RollcallLedger, RollcallCredentials)


async def register_types(client: PrefectClient) -> None:
    """Make our types of blocks known, so that the UI has a form for each."""
    for kind in TYPES:
        await kind.aregister_type_and_schema(client=client)


async def save_ledger(client: PrefectClient, job: str, *, url: str | None, key: str | None) -> BlockName:
    """Keep a ledger's address and key in the job's own block, which Prefect encrypts; gives the block's name."""
    given: dict[str, Any] = {"url": url, "key": key}
    block = RollcallLedger(**{name: SecretStr(value) for name, value in given.items() if value is not None})
    name = slug(job)
    await block.asave(name, overwrite=True, client=client)
    return BlockName("rollcall-ledger", name)


async def find_ledger_block(client: PrefectClient, job: str) -> BlockName | None:
    """Find the block that an earlier deployment of the job keeps its ledger in."""
    from prefect.exceptions import ObjectNotFound

    name = BlockName("rollcall-ledger", slug(job))
    try:
        await client.read_block_document_by_name(name.name, name.type_slug, include_secrets=False)
    except ObjectNotFound:
        return None
    return name


def slug(name: str) -> str:
    """Turn a job's name into a block's: small letters, digits and dashes, and another one for every other job."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"
