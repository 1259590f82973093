"""How rows become bodies, and what a customer as shown proves of a row."""

from __future__ import annotations

import json

import pytest

from connectors.api.body import UnsendableError
from connectors.protocol import ConfigurationError, Held, Refusal, Row
from connectors.tradevest.form import changes, check_reference, creation, held, holds_fixed, segment
from mappings.system import load_system
from tests.connectors.tradevest.app import ENTITY, ID, OTHER, customer

ACCOUNTS: dict[str, object] = {
    "refAccounts.iban": ["DE02120300000000202051", "AT021203000000002020"],
    "refAccounts.ownerName": ["Grimble", "Quatrain"],
    "refAccounts.bankName": [None, "Bank"],
}
SHOWN = [
    {"iban": "AT021203000000002020", "ownerName": "Quatrain", "bankName": "Bank", "bic": None, "type": None},
    {"iban": "DE02120300000000202051", "ownerName": "Grimble", "bankName": None, "bic": None, "type": None},
]


def row(**values: object) -> Row:
    """Make a row; `refAccounts_iban` stands for its dotted name."""
    return Row(ENTITY, {name.replace("_", "."): value for name, value in values.items()})


def test_parallel_lists_become_accounts() -> None:
    """Place by place, with what is null left out of its account, and the reference as the entity."""
    body = json.loads(creation(Row(ENTITY, {"entityType": "LEGAL_ENTITY", "labels": ["a"], **ACCOUNTS})))
    assert body == {
        "entityId": ENTITY,
        "entityType": "LEGAL_ENTITY",
        "labels": ["a"],
        "refAccounts": [
            {"iban": "DE02120300000000202051", "ownerName": "Grimble"},
            {"iban": "AT021203000000002020", "ownerName": "Quatrain", "bankName": "Bank"},
        ],
    }


def test_a_create_leaves_nulls_out() -> None:
    """There is nothing yet that they could clear; empty lists are sent."""
    empty = row(entityType=None, labels=None, refAccounts_iban=None, refAccounts_bic=None)
    assert json.loads(creation(empty)) == {"entityId": ENTITY}
    assert json.loads(creation(row(labels=[], refAccounts_iban=[]))) == {
        "entityId": ENTITY,
        "labels": [],
        "refAccounts": [],
    }


def test_the_reference_is_the_entity_whatever_the_values_say() -> None:
    """A row's own entityId does not lead to another customer."""
    assert json.loads(creation(row(entityId=OTHER)))["entityId"] == ENTITY


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"refAccounts_iban": ["a", "b"], "refAccounts_bic": ["c"]}, "refAccounts.bic"),
        ({"refAccounts_iban": [], "refAccounts_bic": ["c"]}, "refAccounts.bic"),
        ({"refAccounts_iban": "DE02"}, "refAccounts.iban"),
        ({"labels": "a"}, "labels"),
        ({"labels": ["a", None]}, "labels"),
        ({"labels": [1]}, "labels"),
    ],
)
def test_lists_that_are_none_or_do_not_fit_are_refused(values: dict[str, object], field: str) -> None:
    """Each names its field, and nothing of its values."""
    with pytest.raises(UnsendableError) as caught:
        creation(row(**values))
    assert (caught.value.refusal.code, caught.value.refusal.field) == ("invalid_value", field)
    assert "DE02" not in caught.value.refusal.description


@pytest.mark.parametrize("name", load_system("tradevest").sendable)
def test_an_update_takes_what_the_description_says(name: str) -> None:
    """Whatever is described as taken with a new customer only is left out, and has to be compared afterwards."""
    described = load_system("tradevest").fields[name]
    known = Row(ENTITY, {name: ["a"] if described.type == "list" else ENTITY}, ID)
    assert (changes(known) is None) == described.create_only
    assert holds_fixed(known) == (described.create_only and name != "entityId")


def test_what_json_cannot_say_is_told() -> None:
    """Half a character is the customer's fault, a kind of value the job's."""
    with pytest.raises(UnsendableError) as caught:
        creation(row(refAccounts_ownerName=["\ud800"]))
    assert (caught.value.refusal.code, caught.value.refusal.field) == ("invalid_text", "refAccounts.ownerName")
    with pytest.raises(ConfigurationError, match="entityType"):
        creation(row(entityType=object()))


def test_an_update_takes_labels_alone() -> None:
    """Null and an empty list clear them; without labels there is no update."""
    assert json.loads(changes(row(labels=["b", "a"], entityType="X", **{"refAccounts.iban": "?"})) or b"") == {
        "labels": ["b", "a"]
    }
    assert changes(row(labels=None)) == changes(row(labels=[])) == b'{"labels":[]}'
    assert changes(row(entityType="LEGAL_ENTITY")) is None


@pytest.mark.parametrize("text", ["", ".", "..", "C-1", f"{ENTITY}/..", f"{ENTITY}\n", ENTITY[:-1], "٣" + ENTITY[1:]])
def test_what_is_no_uuid_names_nobody(text: str) -> None:
    """Neither as the entity nor as the customer; two spellings of a UUID are one."""
    with pytest.raises(UnsendableError):
        check_reference(text)
    with pytest.raises(UnsendableError):
        segment(text)
    check_reference(ENTITY.upper())
    assert segment(ID.upper()) == ID


@pytest.mark.parametrize(
    ("shown", "sent", "same"),
    [
        ({"labels": ["b", "a"]}, {"labels": ["a", "b"]}, True),
        ({"labels": ["a"]}, {"labels": ["a", "b"]}, False),
        ({"labels": ["a", "b", "c"]}, {"labels": ["a", "b"]}, False),
        ({"labels": ["A"]}, {"labels": ["a"]}, False),
        ({"labels": []}, {"labels": None}, True),
        ({"labels": None}, {"labels": []}, True),
        ({"labels": None}, {"labels": ["a"]}, False),
        ({"labels": "a"}, {"labels": ["a"]}, False),
        ({"labels": [{"name": "a"}]}, {"labels": ["a"]}, False),
        ({"labels": ["x"]}, {}, True),
        ({}, {"entityType": "NATURAL_PERSON"}, True),
        ({"entityType": None}, {"entityType": "LEGAL_ENTITY"}, True),
        ({"refAccounts": SHOWN}, ACCOUNTS, True),
        ({"refAccounts": SHOWN[:1]}, ACCOUNTS, False),
        ({"refAccounts": None}, ACCOUNTS, False),
        ({"refAccounts": [None, None]}, ACCOUNTS, False),
        ({"refAccounts": "none"}, {"refAccounts.iban": ["DE02"]}, False),
        ({"refAccounts": [{**SHOWN[0], "ownerName": "?"}, SHOWN[1]]}, ACCOUNTS, False),
        ({"refAccounts": [{"iban": each["iban"]} for each in SHOWN]}, ACCOUNTS, True),
        ({"refAccounts": [{"ownerName": "Grimble"}, {"ownerName": "Quatrain"}]}, ACCOUNTS, False),
        ({"refAccounts": None}, {"refAccounts.iban": []}, True),
        ({}, {"shoeSize": 43}, False),
        ({"shoeSize": 43}, {"shoeSize": 43}, True),
        ({}, {"labels": "a"}, False),
    ],
)
def test_what_a_new_customer_proves(shown: dict[str, object], sent: dict[str, object], *, same: bool) -> None:
    """Labels and accounts in any order; what is not shown proves nothing, but for a member of an account that is."""
    found = held(customer(**shown), Row(ENTITY, sent))
    assert found is not None
    assert (found.target_id, found.same) == (ID, same)


@pytest.mark.parametrize("target_id", [None, ID])
@pytest.mark.parametrize(
    ("changed", "differing"),
    [
        ({}, ()),
        ({"ownerName": ["Grimble", "?"]}, ("ownerName",)),
        ({"bankName": ["?", "Bank"]}, ("bankName",)),
        ({"iban": ["CH9300762011623852957", "AT021203000000002020"]}, ("iban",)),
        (
            {"iban": ["CH9300762011623852957", "AT021203000000002020"], "ownerName": ["?", "Quatrain"]},
            ("iban", "ownerName"),
        ),
        ({"iban": ["AT021203000000002020", "DE02120300000000202051"]}, ("bankName", "ownerName")),
        (
            {"iban": ["DE02120300000000202051"], "ownerName": ["Grimble"], "bankName": [None]},
            ("bankName", "iban", "ownerName"),
        ),
        ({"iban": ["DE02120300000000202051"], "ownerName": ["Grimble"], "bankName": None}, ("iban", "ownerName")),
        ({"iban": None}, ("bankName", "ownerName")),
        ({"iban": None, "ownerName": None, "bankName": None}, ()),
        ({"bic": [None, "INVEDEFFXXX"]}, ("bic",)),
    ],
)
def test_the_parts_of_accounts_that_differ_are_named(
    changed: dict[str, object], differing: tuple[str, ...], target_id: str | None
) -> None:
    """Accounts are known by their IBAN; those of another number, or of no IBAN, differ in all that was asked for."""
    sent = {**ACCOUNTS, **{f"refAccounts.{part}": value for part, value in changed.items()}}
    found = held(customer(refAccounts=SHOWN, labels=["a"]), Row(ENTITY, {**sent, "labels": ["b"]}, target_id))
    assert found is not None
    assert found.differing == ("labels", *(f"refAccounts.{part}" for part in differing))


@pytest.mark.parametrize("status", ["RECEIVED", "INVALID", "CREATED"])
def test_what_differs_is_named_whatever_the_status(status: str) -> None:
    """That nothing was decided, or against the customer, makes no field differ; and none of them the same."""
    found = held(customer(customerStatus=status, labels=["a"]), Row(ENTITY, {"labels": ["a"]}))
    assert found is not None
    assert (found.differing, found.same) == ((), status == "CREATED")


def test_an_update_is_proven_by_its_labels() -> None:
    """Accounts were not sent: where others are shown, that is told, for it cannot be changed."""
    shown = customer(labels=["a"], refAccounts=SHOWN)
    assert held(shown, Row(ENTITY, {"labels": ["a"], **ACCOUNTS}, ID)) == Held(ID)
    assert held(shown, Row(ENTITY, {"labels": ["b"]}, ID)) == Held(ID, ("labels",))
    other = held(customer(labels=["a"], refAccounts=SHOWN[:1]), Row(ENTITY, {"labels": ["a"], **ACCOUNTS}, ID))
    assert other is not None
    assert [(each.code, each.field) for each in other.refusals] == [("not_updatable", "refAccounts.iban")]
    silent = held(customer(labels=["a"], refAccounts=None), Row(ENTITY, {"labels": ["a"], **ACCOUNTS}, ID))
    assert silent == Held(ID), "what is not shown speaks against nobody"


@pytest.mark.parametrize("target_id", [None, ID])
def test_another_type_is_told(target_id: str | None) -> None:
    """It cannot be changed, so that waiting for it would never end."""
    found = held(customer(), Row(ENTITY, {"entityType": "LEGAL_ENTITY"}, target_id))
    assert found is not None
    assert (found.same, [(each.code, each.field) for each in found.refusals]) == (
        False,
        [("not_updatable", "entityType")],
    )


@pytest.mark.parametrize("status", ["CREATED", "PENDING", "ACTIVE", "ESTATE", "SOMETHING_NEW"])
def test_any_other_status_is_decided(status: object) -> None:
    """The vendor's list of statuses is not fully known."""
    assert held(customer(customerStatus=status), Row(ENTITY)) == Held(ID)


def test_a_customer_that_waits_for_its_validation_is_not_decided() -> None:
    """It is held, and proves nothing yet."""
    assert held(customer(customerStatus="RECEIVED"), Row(ENTITY)) == Held(ID, pending=True)


@pytest.mark.parametrize("status", ["INVALID", "REJECTED"])
def test_a_customer_that_was_turned_down_is_told_by_its_status(status: str) -> None:
    """The vendor's words do not come by polling."""
    found = held(customer(customerStatus=status), Row(ENTITY, {"entityType": "LEGAL_ENTITY"}))
    assert found is not None
    assert not found.same
    assert [(each.code, each.field) for each in found.refusals] == [(status, "")]
    assert all(isinstance(each, Refusal) and each.description for each in found.refusals)


def test_who_has_no_id_is_not_held() -> None:
    """There would be nothing to update."""
    assert held(customer(customerId="7"), Row(ENTITY)) is None


@pytest.mark.parametrize("status", ["RECEIVED", None, 7, ["CREATED"]])
def test_what_is_no_word_is_no_decision(status: object) -> None:
    """A customer without a status that can be read is asked for again."""
    found = held(customer(customerStatus=status), Row(ENTITY, {}))
    assert found is not None
    assert not found.same
