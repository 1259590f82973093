"""Descriptions of systems."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mappings.finding import Finding
from mappings.system import System, load_system, nearest, system_names

# The fields of chapter 11.5 (upsert) of the vendor's reference, and `reference` and `reference2` of 11.3.
DOCUMENTED = [
    "reference",
    "name",
    "reference2",
    "barcode",
    "isActive",
    "categoryId",
    "isSubCustomer",
    "parentCustomer",
    "billWithParent",
    "customerSegmentationId",
    "userId",
    "isSameAddress",
    "billingCountry",
    "billingCity",
    "billingPostalCode",
    "billingAddress",
    "billingLat",
    "billingLng",
    "country",
    "city",
    "postalCode",
    "address",
    "latitude",
    "longitude",
    "email",
    "phone",
    "mobile",
    "fax",
    "comment",
    "website",
    "creditLimit",
    "dueDateConfigNumber",
    "dueDateConfigType",
    "taxNumber",
    "companyRegistrationNumber",
    "currency",
    "imageFile",
    "paymentTypes",
    "regionId",
    "customerRisk",
    "customerRiskColor",
    "onHold",
    "onHoldReason",
]


def test_valomnia_has_every_documented_field(valomnia: System) -> None:
    """The description names exactly the fields that the vendor documents for writing."""
    assert sorted(valomnia.fields) == sorted(DOCUMENTED)


def test_only_name_and_reference_are_required(valomnia: System) -> None:
    """Nothing is demanded of a customer but what the vendor demands."""
    assert {name for name, field in valomnia.fields.items() if field.required} == {"reference", "name"}


def test_personal_fields_are_marked(valomnia: System) -> None:
    """Names, ways of contact, addresses, places, numbers of persons and free text are personal; keys are not."""
    assert {
        "name",
        "email",
        "phone",
        "mobile",
        "fax",
        "billingAddress",
        "city",
        "taxNumber",
        "comment",
        "latitude",
    } <= (valomnia.personal)
    assert not valomnia.personal & {"reference", "parentCustomer", "isActive", "currency", "categoryId"}


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
    ],
)
def test_a_broken_constraint_has_the_targets_words(
    valomnia: System, constraint: str, field: str, finding: Finding
) -> None:
    """A finding is worded as the vendor documents it, and in our words where it documents nothing."""
    assert valomnia.finding(constraint, field) == finding  # type: ignore[arg-type]  # parametrised text


def test_every_verdict_has_a_meaning(valomnia: System) -> None:
    """Each code with which the system may answer is explained in its description."""
    verdicts = [*valomnia.verdicts.values(), *(v for f in valomnia.fields.values() for v in f.verdicts.values())]
    assert {verdict.code for verdict in verdicts} <= valomnia.codes.keys()


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
    ],
)
def test_a_wrong_description_is_refused(fields: dict[str, object], reason: str) -> None:
    """Unknown keys, words, fields and broken patterns are found when the description is read."""
    with pytest.raises(ValidationError, match=reason):
        System.model_validate(
            {"name": "x", "label": "X", "documentation": "", "reference": "reference", "fields": fields}
        )


def test_an_installation_may_differ(valomnia: System) -> None:
    """The reference field and the limits of files can be set; the shared description stays as it is."""
    adapted = valomnia.adapted(reference="barcode", max_bytes={"imageFile": 2_000_000})
    assert adapted.reference == "barcode"
    assert adapted.fields["imageFile"].max_bytes == 2_000_000
    assert valomnia.fields["imageFile"].max_bytes == 2_097_152
    with pytest.raises(ValueError, match="did you mean barcode"):
        valomnia.adapted(reference="barcod")


def test_nothing_near_is_not_suggested() -> None:
    """A name that resembles nothing gets no suggestion."""
    assert nearest("zzzzzz", ["name"]) == ""


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
