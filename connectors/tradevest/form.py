"""Writes rows as the bodies of tradevest's requests, and tells what a customer as shown proves of a row; no I/O.

Inferred, since no vendor page says: `labels` in an update replace all labels, and an empty list clears them; a
customer shows `labels` (the sample ends before them), none where it has none; accounts cannot be changed afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.api.body import UnsendableError, member, nest, write
from connectors.api.body import shows as shows_value
from connectors.protocol import Held, Refusal, Row
from connectors.tradevest.client import read_uuid

_KEY = "entityId"
_ACCOUNTS = "refAccounts"
_LABELS = "labels"
_TYPE = "entityType"
_IBAN = "iban"

UNDECIDED = "RECEIVED"
INVALID = "INVALID"
TURNED_DOWN: Mapping[str, str] = {
    INVALID: "the platform has found the customer invalid; it tells the reasons by webhook alone",
    "REJECTED": "the platform has rejected the customer; it tells the reasons by webhook alone",
}
"""What a `customerStatus` says against a customer. The vendor's list of statuses is not fully known: any other word,
but for RECEIVED, is that of a customer who was decided about."""


def segment(target_id: str) -> str:
    """Write a customer's id as a segment of a path; raises UnsendableError where it is no UUID."""
    if (identity := read_uuid(target_id)) is None:
        raise UnsendableError(Refusal("invalid_reference", "customerId", "must be a UUID"))
    return identity


def check_reference(reference: str) -> None:
    """Raise UnsendableError where a reference can be no entity's id: it is documented to be a UUID."""
    if read_uuid(reference) is None:
        raise UnsendableError(Refusal("invalid_reference", _KEY, "must be a UUID"))


def creation(row: Row) -> bytes:
    """Write the body that creates a row's customer; nulls are left out. Raises UnsendableError."""
    single = {name: value for name, value in row.values.items() if not name.startswith(f"{_ACCOUNTS}.")}
    body = nest({name: value for name, value in single.items() if value is not None})
    body[_KEY] = row.reference
    if _LABELS in body:
        body[_LABELS] = _labels(row)
    if (accounts := _accounts(row.values)) is not None:
        body[_ACCOUNTS] = accounts
    return write(body)


def changes(row: Row) -> bytes | None:
    """Write the body that updates a row's customer, which takes labels alone; None where the row has none to say."""
    return write({_LABELS: _labels(row)}) if _LABELS in row.values else None


def holds_fixed(row: Row) -> bool:
    """Say whether a row has values that an update does not take, so that only a look-up tells whether they are held."""
    return any(value is not None for name, value in row.values.items() if name not in {_KEY, _LABELS})


def held(customer: Mapping[str, object], row: Row, others: int = 0) -> Held | None:
    """Tell what a customer as shown says about a row; None where it has no usable id."""
    target_id = read_uuid(customer.get("customerId"))
    if target_id is None:
        return None
    against = objections(customer, row)
    pending = not against and not is_decided(customer)
    return Held(target_id, tuple(sorted(_differing(customer, row))), others, against, pending)


def is_decided(customer: Mapping[str, object]) -> bool:
    """Say whether the platform has validated a customer: any word but RECEIVED, for not all of them are known."""
    status = customer.get("customerStatus")
    return isinstance(status, str) and status != UNDECIDED


def objections(customer: Mapping[str, object], row: Row) -> tuple[Refusal, ...]:
    """List what stands against a customer: that it was turned down, or differs from the row in what is for good."""
    status = customer.get("customerStatus")
    if isinstance(status, str) and status in TURNED_DOWN:
        return (Refusal(status, "", TURNED_DOWN[status]),)
    if not _has_type(customer, row):
        return (Refusal("not_updatable", _TYPE, "the platform holds another type, and does not change it"),)
    if not _has_accounts(customer, row):
        words = "the platform holds other bank accounts, and does not change them"
        return (Refusal("not_updatable", f"{_ACCOUNTS}.{_IBAN}", words),)
    return ()


def _differing(customer: Mapping[str, object], row: Row) -> set[str]:
    """Name the fields that a customer shows otherwise, or of which it does not prove that the row's create wrote them.

    An update takes labels alone, so that of a row with an id the others may go unshown.
    """
    differing = set() if _has_labels(customer, row) else {_LABELS}
    if not _has_type(customer, row):
        differing.add(_TYPE)
    if row.target_id is None or customer.get(_ACCOUNTS) is not None:
        differing |= _differing_accounts(customer.get(_ACCOUNTS), row)
    if row.target_id is None:
        differing |= {
            name
            for name, value in row.values.items()
            if value is not None and name not in {_KEY, _LABELS, _TYPE} and not name.startswith(f"{_ACCOUNTS}.")
            if not shows_value(member(customer, name), value)
        }
    return differing


def _has_labels(customer: Mapping[str, object], row: Row) -> bool:
    try:
        return _LABELS not in row.values or _shown_labels(customer) == set(_labels(row))
    except UnsendableError:  # what cannot be sent, nobody shows
        return False


def _differing_accounts(shown: object, row: Row) -> set[str]:
    """Name the lists in which accounts differ: all of them where an account has nothing that it could be known by."""
    try:
        sent = _accounts(row.values)
    except UnsendableError as error:  # refused when it is sent; an update does not send it
        return {error.refusal.field} if row.target_id is None else set()
    if sent is None:
        return set()
    given = {name for name, value in row.values.items() if name.startswith(f"{_ACCOUNTS}.") and value is not None}
    if (parts := _differing_parts(shown, sent)) == set():
        return set()
    return given & {f"{_ACCOUNTS}.{part}" for part in parts or ()} or given


def _has_type(customer: Mapping[str, object], row: Row) -> bool:
    sent, shown = row.values.get(_TYPE), customer.get(_TYPE)
    return sent is None or shown is None or sent == shown


def _has_accounts(customer: Mapping[str, object], row: Row) -> bool:
    shown = customer.get(_ACCOUNTS)
    try:
        sent = _accounts(row.values)
    except UnsendableError:  # refused when it is sent
        return True
    return sent is None or shown is None or _same_accounts(shown, sent)


def _labels(row: Row) -> Sequence[str]:
    labels = row.values[_LABELS]
    if labels is None:
        return []
    if not isinstance(labels, list | tuple) or not all(isinstance(label, str) for label in labels):
        raise UnsendableError(Refusal("invalid_value", _LABELS, "must be a list of texts"))
    return labels


def _shown_labels(customer: Mapping[str, object]) -> set[object] | None:
    """Read the labels that are shown; None where they are something else than labels."""
    shown = customer.get(_LABELS)
    if shown is None:
        return set()
    return set(shown) if isinstance(shown, list) and all(isinstance(label, str) for label in shown) else None


def _accounts(values: Mapping[str, object]) -> list[dict[str, object]] | None:
    """Zip the parallel lists into accounts, leaving nulls out; None where there is no list at all."""
    lists: dict[str, Sequence[object]] = {}
    for name, value in values.items():
        owner, dot, part = name.partition(".")
        if owner != _ACCOUNTS or not dot or value is None:
            continue
        if not isinstance(value, list | tuple):
            raise UnsendableError(Refusal("invalid_value", name, "must be a list"))
        lists[part] = value
        if len(value) != len(next(iter(lists.values()))):
            words = f"must have as many entries as {_ACCOUNTS}.{next(iter(lists))}"
            raise UnsendableError(Refusal("invalid_value", name, words))
    if not lists:
        return None
    count = len(next(iter(lists.values())))
    return [{part: value[place] for part, value in lists.items() if value[place] is not None} for place in range(count)]


def _same_accounts(shown: object, sent: Sequence[Mapping[str, object]]) -> bool:
    """Say whether accounts are those that were sent, in whatever order; the IBAN must be shown, the rest may be."""
    return _differing_parts(shown, sent) == set()


def _differing_parts(shown: object, sent: Sequence[Mapping[str, object]]) -> set[str] | None:
    """Name the parts in which shown accounts are not those that were sent; None where they cannot be set side by side.

    Accounts belong together by their IBAN, in whatever order; those that are left over, in the order that they have.
    """
    listed = shown if isinstance(shown, list) else [] if shown is None else [None]
    if len(listed) != len(sent) or not all(isinstance(account, Mapping) for account in listed):
        return None
    pairs: list[tuple[Mapping[str, object], Mapping[str, object]]] = []
    strangers, left = [], list(listed)
    for account in sent:
        same = next((each for each in left if _iban(each) == _iban(account)), None)
        if same is None:
            strangers.append(account)
        else:
            pairs.append((same, account))
            left.remove(same)
    pairs += zip(left, strangers, strict=True)
    differing = {
        part for one, other in pairs for part in other if part in one and not shows_value(one[part], other[part])
    }
    return differing | {_IBAN} if strangers else differing


def _iban(account: Mapping[str, object]) -> str:
    return str(account.get(_IBAN, ""))
