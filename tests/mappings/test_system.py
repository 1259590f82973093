"""Descriptions of systems."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mappings.finding import Finding
from mappings.system import System, load_system, system_names

VERDICT = {"unknown": {"code": "OWN"}}


def described(**parts: object) -> System:
    """Describe a system of a few fields."""
    given = {"name": "x", "label": "X", "documentation": "", "reference": "reference"}
    return System.model_validate(given | parts)


@pytest.mark.parametrize(
    ("constraint", "field", "finding"),
    [
        ("required", "name", Finding("missing_param", "name", "name parameter is missing")),
        ("unique", "reference", Finding("not_unique", "reference", "reference already used")),
        (
            "type",
            "paymentTypes",
            Finding(
                "invalid_param_type",
                "paymentTypes",
                "The type of parameter payment type id you provided is not valid for this request.",
            ),
        ),
        ("file_size", "imageFile", Finding("exceeded_file_size", "imageFile", "image size should not exceed 2Mo")),
        (
            "unknown",
            "paymentTypes",
            Finding("not_found", "paymentTypes", "The payment type with the id {value} doesn't exist."),
        ),
        (
            "unknown",
            "categoryId",
            Finding("not_found", "categoryId", "The customer category with the id {value} doesn't exist."),
        ),
        (
            "unknown",
            "parentCustomer",
            Finding("not_found", "parentCustomer", "The parent customer with the id {value} doesn't exist."),
        ),
    ],
)
def test_a_broken_constraint_has_the_targets_words(
    valomnia: System, constraint: str, field: str, finding: Finding
) -> None:
    """A finding is worded as the vendor documents it, and in our words where it documents nothing."""
    assert valomnia.finding(constraint, field) == finding  # type: ignore[arg-type]  # parametrised text


def test_where_a_system_has_no_words_ours_are_given(jtl: System, keypro: System) -> None:
    """A code of the system's own stands with our words where it documents none; both are ours where it has neither."""
    city = "BillingAddress.City"
    assert jtl.finding("required", city) == Finding("VALIDATION_ERROR", city, f"{city} is missing")
    unknown = Finding("NOT_FOUND", "CustomerGroupId", "there is no customer group {value}")
    assert jtl.finding("unknown", "CustomerGroupId") == unknown
    assert keypro.finding("unknown", "Type") == Finding("not_found", "Type", "there is no customer type {value}")
    assert keypro.finding("type", "Type").description == "Type is not a valid id"


def test_a_kind_of_entity_may_have_an_answer_of_its_own() -> None:
    """The words for an unknown entity are the field's, else those of its kind, else the system's."""
    system = described(
        entities={"tag": {"label": "tag", "sends": "id", "unknown": {"code": "NO_TAG", "words": "no tag {value}"}}},
        fields={"reference": {}, "first": {"refers_to": "tag"}, "second": {"refers_to": "tag", "verdicts": VERDICT}},
        verdicts={"unknown": {"code": "NONE"}},
    )
    assert system.finding("unknown", "first") == Finding("NO_TAG", "first", "no tag {value}")
    assert system.finding("unknown", "second") == Finding("OWN", "second", "there is no tag {value}")
    assert system.finding("unknown", "reference").code == "NONE"


def test_an_unknown_system_is_named_with_its_neighbour() -> None:
    """A misspelt system is refused with the nearest known name."""
    assert "valomnia" in system_names()
    with pytest.raises(LookupError, match="did you mean valomnia"):
        load_system("valomina")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reference": {"lenght": 3}}, "lenght"),
        ({"reference": {"means": "nam"}}, "did you mean name"),
        ({"reference": {"required_with": "nobody"}}, "nobody"),
        ({"reference": {"pattern": "("}}, "pattern"),
        ({"name": {}}, "reference"),
        ({"reference": {"read_only": True}}, "only shown"),
        ({"reference": {}, "a": {"read_only": True, "required": True}}, "only shown"),
        ({"reference": {}, "a": {"read_only": True, "create_only": True}}, "only shown"),
        ({"reference": {}, "a": {"write_only": True, "read": "b"}}, "never comes back"),
        ({"reference": {}, "a": {"write_only": True, "read_values": {"x": "1"}}}, "never comes back"),
        ({"reference": {}, "a": {"minimum": 1}}, "only a number"),
        ({"reference": {}, "a": {"parallel": True}}, "only a list"),
        ({"reference": {}, "a": {"max_items": 1}}, "only a list"),
        ({"reference": {}, "a": {"refers_to": "tag"}}, "tag, which is not among the entities"),
        ({"reference": {}, "a.b": {"required_with_any": "a"}}, "no other field"),
        ({"reference": {"means": "name"}, "a": {"means": "name"}}, "reference and a both mean name"),
    ],
)
def test_a_wrong_description_is_refused(fields: dict[str, object], reason: str) -> None:
    """Unknown keys, words, fields, broken patterns and what makes no sense are found when the description is read."""
    with pytest.raises(ValidationError, match=reason):
        described(fields=fields)


@pytest.mark.parametrize(
    ("properties", "reason"), [({"nam": "x"}, "nam, which"), ({"name": "x", "reference": "x"}, "the same property")]
)
def test_properties_are_of_known_fields_and_differ(properties: dict[str, str], reason: str) -> None:
    """The table of properties names fields that exist, and no property twice."""
    with pytest.raises(ValidationError, match=reason):
        described(fields={"reference": {}, "name": {}}, properties=properties)


def test_an_installation_may_differ(valomnia: System) -> None:
    """The reference field and the limits of files can be set; the shared description stays as it is."""
    adapted = valomnia.adapted(reference="barcode", max_bytes={"imageFile": 2_000_000})
    assert adapted.reference == "barcode"
    assert adapted.fields["imageFile"].max_bytes == 2_000_000
    assert valomnia.fields["imageFile"].max_bytes == 2_097_152
    with pytest.raises(ValueError, match="did you mean barcode"):
        valomnia.adapted(reference="barcod")


def test_names_of_properties_may_differ(keypro: System) -> None:
    """An installation's names of properties and its reference are set together, and the rest stays."""
    adapted = keypro.adapted(reference="identification", properties={"customerName": "name"})
    assert adapted.reference == "identification"
    assert adapted.references == {"identification"}
    assert adapted.properties == {**keypro.properties, "customerName": "name"}
    assert adapted.fields == keypro.fields
    assert keypro.reference == "customerNumber"
    with pytest.raises(ValueError, match="did you mean customerName"):
        keypro.adapted(properties={"customerNam": "name"})
    with pytest.raises(ValueError, match="the same property"):
        keypro.adapted(properties={"customerName": "note"})
    with pytest.raises(ValueError, match="only shown"):
        keypro.adapted(reference="id")


def test_what_is_taken_and_what_comes_back(valomnia: System) -> None:
    """Fields that are only shown are not taken, and an image does not come back; others may have another column."""
    assert {"balance", "id", "lastUpdated"}.isdisjoint(valomnia.sendable)
    assert valomnia.columns["name"] == "name"
    assert valomnia.columns["userId"] == "createdBy.reference"
    assert valomnia.columns["lastUpdated"] == "lastUpdated"
    assert "imageFile" not in valomnia.columns


def test_ids_are_sent_as_numbers(valomnia: System, jtl: System) -> None:
    """The digits of an id become the number that is sent; references, names and other fields stay as they are."""
    assert jtl.as_sent("CustomerGroupId", "7") == 7
    assert valomnia.as_sent("paymentTypes", ["7", "8"]) == [7, 8]
    assert valomnia.as_sent("categoryId", "7") == "7"
    assert valomnia.as_sent("parentCustomer", "7") == "7"
    assert jtl.as_sent("Number", "7") == "7"
    assert [jtl.as_sent("CustomerGroupId", value) for value in ("retail", 7, None)] == ["retail", 7, None]


def test_what_makes_a_field_required_is_listed(jtl: System, valomnia: System) -> None:
    """Any other part of its address demands a town; a single field may demand another."""
    demanding = jtl.demanding("Shipmentaddress.City")
    assert len(demanding) == 16
    assert {"Shipmentaddress.CountryIso", "Shipmentaddress.Street"} <= set(demanding)
    assert not {"Shipmentaddress.City", "BillingAddress.Street"} & set(demanding)
    assert valomnia.demanding("dueDateConfigNumber") == ("dueDateConfigType",)
    assert jtl.demanding("Number") == ()


def test_nested_fields_lists_and_choices_fit() -> None:
    """The other vendors' shapes (dotted names, choices, patterns, lengths, lists) are expressible as they are."""
    system = System.model_validate(
        {
            "name": "x",
            "label": "X",
            "documentation": "",
            "reference": "Number",
            "fields": {
                "Number": {"means": "reference"},
                "BillingAddress.City": {"required": True, "min_length": 1, "max_length": 255, "means": "billing.city"},
                "entityType": {"choices": ["NATURAL_PERSON", "LEGAL_ENTITY"], "required": True},
                "labels": {"type": "list", "items": "text", "max_items": 16},
                "Birthday": {"type": "datetime", "personal": True},
            },
        }
    )
    assert system.finding("max_length", "BillingAddress.City").description == (
        "BillingAddress.City has more than 255 characters"
    )
