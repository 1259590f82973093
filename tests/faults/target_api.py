"""The four customer APIs as the tests of faults need them: where a customer's two values stand; it judges nothing.

A customer has a reference and a name here. tradevest has no names and changes nothing but labels: they are the name.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Request
from connectors.sandbox.fault import Faults
from connectors.sandbox.jtl.setting import JtlSettings
from connectors.sandbox.jtl.vendor import jtl_app
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.vendor import keypro_app
from connectors.sandbox.tradevest.setting import TradevestSettings
from connectors.sandbox.tradevest.vendor import TradevestVendor, tradevest_app
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.canary import TARGET_PASSWORD

Shown = Mapping[str, Any]


@dataclass(frozen=True)
class Api:
    """One API: the job's `fields` from the columns no and name, a customer as it is `given` and `read`.

    `paths` are all paths that requests about customers have, `item` the one of a customer's id, `twins` the settings
    with which a sandbox lets two customers have one reference, `secret` the setting that lets a client in. `creates`
    says that there is a request which only creates: it may meet a customer who is there already.
    """

    kind: str
    fields: Mapping[str, Any]
    given: Callable[[str, str], dict[str, Any]]
    read: Callable[[Shown], tuple[str, str]]
    identity: str
    item: str
    paths: str
    login: str
    twins: Mapping[str, Any]
    secret: str = "client_secret"
    creates: bool = True
    json: bool = True

    def reference(self, number: int) -> str:
        """Name a customer."""
        return (
            str(uuid.uuid5(uuid.NAMESPACE_DNS, f"c{number}.example")) if self.kind == "tradevest" else f"C-{number:03}"
        )

    def app(self, clock: Clock, **settings: Any) -> tuple[SandboxApp, Mapping[str, str]]:
        """Make a sandbox, and what a job says to sign in to it."""
        settings = {self.secret: TARGET_PASSWORD, **settings}
        match self.kind:
            case "valomnia":
                valomnia = ValomniaSettings(**settings)
                return valomnia_app(valomnia, clock=clock), valomnia.credentials
            case "keypro":
                keypro = KeyproSettings(**settings)
                return keypro_app(keypro, clock=clock), keypro.credentials
            case "jtl":
                jtl = JtlSettings(**settings)
                return jtl_app(jtl, clock=clock), jtl.credentials
            case _:
                tradevest = TradevestSettings(**settings)
                return tradevest_app(tradevest, clock=clock), tradevest.credentials

    def is_login(self, path: str) -> bool:
        """Say whether a request to this path is about signing in."""
        return bool(re.match(self.login, path))

    def rename(self, app: SandboxApp, reference: str, name: str) -> None:
        """Change a customer as a person would, without a request."""
        body: dict[str, Any] = self.given(reference, name)
        if self.kind == "tradevest":
            body = {"labels": body["labels"]}
        elif self.kind == "valomnia":
            body = {"name": name}
        method = "PATCH" if self.json else "POST"
        _by_hand(app, method, self._place(app, reference), json.dumps(body) if self.json else urlencode(body))

    def erase(self, app: SandboxApp, reference: str) -> None:
        """Delete a customer as a person would, without a request."""
        if isinstance(app.vendor, TradevestVendor):  # whose API has no such request
            for customer in app.vendor._book.after(-1, reference):
                customer.gone_at = 0.0
            return
        _by_hand(app, "DELETE", self._place(app, reference), "")

    def _place(self, app: SandboxApp, reference: str) -> str:
        (identity,) = [each[self.identity] for each in app.vendor.customers("") if self.read(each)[0] == reference]
        return self.item.format(identity)


def _by_hand(app: SandboxApp, method: str, path: str, body: str) -> None:
    form = method == "POST"
    headers = {
        "content-type": "application/x-www-form-urlencoded" if form else "application/json",
        "requestor-id": TradevestSettings().requestor_id,
    }
    reply = app.vendor.handle(Request(method, path, "", headers, body.encode()), Faults())
    assert reply.applied, reply


def _jtl(reference: str, name: str) -> dict[str, Any]:
    return {
        "Number": reference,
        "CustomerGroupId": 1,
        "LanguageIso": "DE",
        "InternalCompanyId": 1,
        "BillingAddress": {"Company": name, "City": "Nowhere", "CountryIso": "DE"},
    }


VALOMNIA = Api(
    kind="valomnia",
    fields={"reference": "no", "name": "name"},
    given=lambda reference, name: {"reference": reference, "name": name},
    read=lambda shown: (shown["reference"], shown["name"]),
    identity="id",
    item="/api/v2.1/customers/{}",
    paths=r"/api/v2\.1/customers/reference/[^/]+",
    login="/j_spring_security_check|/login/",
    twins={},  # a reference is documented to be unique
    secret="password",
    creates=False,
    json=False,
)
KEYPRO = Api(
    kind="keypro",
    fields={"customerNumber": "no", "customerName": "name"},
    given=lambda reference, name: {"customerNumber": reference, "customerName": name},
    read=lambda shown: (shown["customerNumber"], shown["customerName"]),
    identity="id",
    item="/customers/{}/",
    paths=r"/customers/([0-9]+/)?",
    login="(?!)",  # nobody signs in
    twins={"unique_number": "off"},
    secret="token",
)
JTL = Api(
    kind="jtl",
    fields={
        "Number": "no",
        "BillingAddress.Company": "name",
        "BillingAddress.City": {"const": "Nowhere"},
        "BillingAddress.CountryIso": {"const": "DE"},
        "CustomerGroupId": {"const": "1"},
        "LanguageIso": {"const": "DE"},
        "InternalCompanyId": {"const": "1"},
    },
    given=_jtl,
    read=lambda shown: (shown["Number"], shown["BillingAddress"]["Company"]),
    identity="Id",
    item="/customers/{}",
    paths=r"/customers(/[0-9]+)?|/customerGroups|/companies",
    login="/oauth2/token",
    twins={"duplicate_number": "allow"},
)
TRADEVEST = Api(
    kind="tradevest",
    fields={
        "entityId": "no",
        "labels": {"from": "name", "convert": [{"split": ","}]},
        "entityType": {"const": "LEGAL_ENTITY"},
    },
    given=lambda reference, name: {"entityId": reference, "entityType": "LEGAL_ENTITY", "labels": [name]},
    read=lambda shown: (shown["entityId"], ",".join(shown.get("labels") or ())),
    identity="customerId",
    item="/roles/customers/{}",
    paths=r"/roles/customers(/[0-9a-f-]{36})?",
    login="/oauth2/token",
    twins={"duplicate_entity": "allow"},
)
APIS: Mapping[str, Api] = {each.kind: each for each in (VALOMNIA, KEYPRO, JTL, TRADEVEST)}
CREATING = tuple(kind for kind, each in APIS.items() if each.creates)
