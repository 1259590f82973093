"""The look-ups around customers, the forms of a path, and what the journal notes."""

from __future__ import annotations

import pytest

from connectors.sandbox.jtl.seed import Entity, Seeds
from tests.connectors.sandbox.jtl.caller import CUSTOMER, JtlCaller, wrong
from tests.connectors.sandbox.jtl.conftest import OpenJtl


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/customerGroups", [{"Id": 1, "Name": "End customers"}, {"Id": 2, "Name": "Retailers"}]),
        (
            "/customerCategories",
            [{"Id": 1, "Name": "Regular"}, {"Id": 2, "Name": "Wholesale"}, {"Id": 3, "Name": "Prospect"}],
        ),
        ("/companies", [{"Id": 1, "Name": "Sandbox Ltd"}, {"Id": 2, "Name": "Sandbox Outlet Ltd"}]),
        ("/paymentMethods", [{"Id": 1, "Name": "Invoice"}, {"Id": 2, "Name": "Prepayment"}, {"Id": 3, "Name": "Cash"}]),
        ("/customers/customfields", []),
        ("/customers/workflowEvents", []),
    ],
)
def test_look_ups_are_plain_arrays(jtl: JtlCaller, path: str, content: list[object]) -> None:
    """What customers refer to is listed without an envelope; the two words under customers are no ids."""
    answer = jtl.request("GET", path)
    assert (answer.status_code, answer.json()) == (200, content)


def test_seeds_say_what_there_is_to_refer_to(open_jtl: OpenJtl) -> None:
    """A tenant's own groups are listed, and taken; others are not."""
    jtl = open_jtl(seeds=Seeds(groups=(Entity(7, "Friends"),)))
    assert jtl.request("GET", "/customerGroups").json() == [{"Id": 7, "Name": "Friends"}]
    assert wrong(jtl.create()) == ["CustomerGroupId"]
    assert jtl.create(CustomerGroupId=7).status_code == 201


def test_paths_with_v1_are_the_same(jtl: JtlCaller) -> None:
    """Every path is there with `/v1` before it as well."""
    jtl.request("POST", "/v1/customers", json=CUSTOMER)
    assert jtl.request("GET", "/v1/customers/1").json() == jtl.get("/1").json()
    assert jtl.request("GET", "/v1/companies").status_code == 200


def test_prefix_goes_before_every_path_but_the_tokens(open_jtl: OpenJtl) -> None:
    """With a prefix, the paths are behind it and nowhere else."""
    jtl = open_jtl(prefix="/api/eazybusiness")
    assert jtl.request("POST", "/api/eazybusiness/customers", json=CUSTOMER).status_code == 201
    assert jtl.request("GET", "/api/eazybusiness/v1/customers/1").status_code == 200
    assert jtl.get("/1").status_code == 404


def test_journal_names_customers_by_number(jtl: JtlCaller) -> None:
    """A write is noted under the number in its body or of its id; a list, or nobody's id, under none."""
    jtl.create()
    jtl.patch(1, Website="x")
    for path in ("/1", "", "/9"):
        jtl.get(path)
    jtl.delete(1)
    noted = [(entry.method, entry.reference, entry.applied) for entry in jtl.app.journal.entries[1:]]
    assert noted == [
        ("POST", "C-1", True),
        ("PATCH", "C-1", True),
        ("GET", "C-1", False),
        ("GET", None, False),
        ("GET", None, False),
        ("DELETE", "C-1", True),
    ]
