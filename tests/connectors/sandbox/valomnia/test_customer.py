"""Create, show, update, upsert and delete, as chapter 11 of the vendor's page has them."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from connectors.sandbox.valomnia.seed import Seeds
from tests.connectors.sandbox.caller import Caller, FakeTime, refusal
from tests.connectors.sandbox.conftest import Open

SAMPLE = """{"id": 256, "reference": "NC-3", "reference2": null, "name": "Marie's Jewelry",
"categoryReference": "jewelry", "customerCategory": {"id": 2, "reference": "jewelry", "name": "Jewelry and accessories",
"href": "/api/v1.0/customerCategories/2"}, "isSubCustomer": false, "parentCustomer": null, "billWithParent": true,
"customerSegmentationReference": "seg_a", "customerSegmentation": {"id": 1, "reference": "seg_a",
"name": "Segmentation A", "href": "/api/v1.0/customerSegmentations/1"}, "pocTenus": null, "email": null, "logo": null,
"phone": null, "mobile": null, "fax": null, "comment": null, "barcode": null, "isSameAddress": true,
"billingCountry": "FR", "billingCity": "Nice", "billingPostalCode": null, "billingAddress": null, "billingLat": null,
"billingLng": null, "country": null, "city": null, "postalCode": null, "address": null, "latitude": null,
"longitude": null, "isCredit": null, "creditLimit": 5000, "balance": null, "maxChequePeriod": null,
"maxChequeValue": null, "appliedCashBackOutput": null, "returnDiscount": null, "invoicesPerRoute": null,
"isActive": true, "onHold": false, "onHoldReason": null, "paymentTerm": null, "createdBy": {"userId": 2,
"reference": "emp-002", "href": "/api/v1.0/users/2"}, "dueDateConfigNumber": 7,
"dueDateConfigType": "daysAfterInvoiceDate", "paymentTypes": [{"id": 7, "reference": "cash", "name": "cash",
"href": "/api/v1.0/paymentTypes/7"}, {"id": 8, "reference": "cheque", "name": "cheque",
"href": "/api/v1.0/paymentTypes/8"}], "website": null, "taxNumber": null, "companyRegistrationNumber": null,
"contacts": [], "currency": "EUR", "customerRisk": null, "customerRiskColor": null, "organization": "entity1",
"dateCreated": "2026-03-01T12:00:00Z", "lastUpdated": "2026-03-01T12:00:00Z", "region": {"id": 3, "name": "New York",
"href": "/api/v1.0/regions/3"}}"""

MARIE = {
    "name": "Marie's Jewelry",
    "categoryId": "2",
    "billWithParent": "true",
    "customerSegmentationId": "1",
    "billingCountry": "France",
    "billingCity": "Nice",
    "creditLimit": "5000",
    "userId": "2",
    "dueDateConfigNumber": "7",
    "dueDateConfigType": "1",
    "paymentTypes": '[{"id":7},{"id":8}]',
    "regionId": "3",
}


def test_create_answers_the_documented_object(open_api: Open) -> None:
    """The vendor's sample customer is answered 201 with every documented key, in order, with the sample's values."""
    api = open_api(href_version="v1.0")
    answer = api.post(reference="NC-3", **MARIE)
    sample = json.loads(SAMPLE) | {"id": 1}
    assert answer.status_code == 201
    assert answer.json() == sample
    assert list(answer.json()) == list(sample)


def test_defaults_of_a_new_customer(api: Caller) -> None:
    """Whoever says nothing gets the root category, the organisation's currency and the documented booleans."""
    content = api.post(reference="C-1", name="Ada").json()
    assert content["categoryReference"] == "root"
    assert content["currency"] == "EUR"
    flags = ("isActive", "isSubCustomer", "billWithParent", "isSameAddress", "onHold")
    assert [content[flag] for flag in flags] == [True, False, False, True, False]
    assert content["customerSegmentation"] is content["region"] is content["logo"] is None
    assert content["createdBy"] == {"userId": 1, "reference": "emp-001", "href": "/api/v2.1/users/1"}


def test_region_is_answered_only_with_geographical_locations(open_api: Open) -> None:
    """Without geographical locations there is no region key, and a region is not looked at."""
    api = open_api(geographical_locations=False)
    assert "region" not in api.post(reference="C-1", name="Ada", regionId="99").json()


def test_show_by_id_and_by_reference(api: Caller) -> None:
    """A customer is shown under its id and under its reference alike."""
    created = api.post(reference="C-1", name="Ada").json()
    assert api.get(f"/{created['id']}").json() == api.get("/reference/C-1").json() == created


@pytest.mark.parametrize("reference", ["a/b", "Zoë Ω", "100%", "a+b", "a?b#c", "reference", "a%2Fb"])
def test_reference_is_one_percent_encoded_segment(api: Caller, reference: str) -> None:
    """Any reference is addressed by one segment, decoded once: a%2Fb is the customer a/b."""
    path = f"/reference/{quote(reference, safe='')}"
    assert api.post(path, name="Ada").json()["reference"] == reference
    assert api.get(path).json()["reference"] == reference
    assert api.delete(path).status_code == 200


def test_slash_that_is_not_encoded_ends_the_segment(api: Caller) -> None:
    """Customer a/b is not found under /reference/a/b."""
    api.post("/reference/a%2Fb", name="Ada")
    assert api.get("/reference/a/b").status_code == 404


def test_upsert_creates_then_updates(api: Caller, time: FakeTime) -> None:
    """An unknown reference is created with 201, a known one updated with 200 under the same id."""
    created = api.upsert("C-1", name="Ada")
    time.seconds += 60
    updated = api.upsert("C-1", name="Ada Lovelace")
    assert (created.status_code, updated.status_code) == (201, 200)
    assert updated.json() == created.json() | {"name": "Ada Lovelace", "lastUpdated": "2026-03-01T12:01:00Z"}


def test_upsert_always_201_is_a_setting(open_api: Open) -> None:
    """The upsert section shows 201 alone, so a switch answers that for updates too."""
    api = open_api(always_201=True)
    assert [api.upsert("C-1", name="Ada").status_code for _ in range(2)] == [201, 201]


def test_update_leaves_absent_fields_and_clears_empty_ones(api: Caller) -> None:
    """Partial update: what is absent stays, what is empty is cleared or back at its default."""
    before = api.post(reference="C-1", **MARIE).json()
    gone = {"billingCity": "", "creditLimit": "", "categoryId": "", "customerSegmentationId": "", "paymentTypes": ""}
    after = api.post(f"/{before['id']}", **gone, isActive="", regionId="", userId="").json()
    assert (after["name"], after["billingCountry"], after["dueDateConfigNumber"]) == ("Marie's Jewelry", "FR", 7)
    assert after["billingCity"] is after["creditLimit"] is after["customerSegmentation"] is after["region"] is None
    assert after["customerSegmentationReference"] is None
    assert after["categoryReference"] == "root"
    assert after["createdBy"]["userId"] == 1
    assert after["paymentTypes"] == []
    assert after["isActive"] is True


@pytest.mark.parametrize("path", ["/1", "/reference/C-1"])
def test_update_may_change_the_reference(api: Caller, path: str) -> None:
    """A customer that gets another reference is found under that one alone."""
    api.post(reference="C-1", name="Ada")
    assert api.post(path, reference="C-2").json()["reference"] == "C-2"
    assert api.get("/reference/C-1").status_code == 404
    assert api.get("/reference/C-2").status_code == 200


def test_external_ids_on_create(api: Caller) -> None:
    """With useExternalId, categories, segmentations, users and parents are named by reference."""
    api.post(reference="P-1", name="Parent")
    links = {"categoryId": "jewelry", "customerSegmentationId": "seg_b", "userId": "emp-002", "parentCustomer": "P-1"}
    content = api.post(reference="C-1", name="Ada", useExternalId="true", isSubCustomer="true", **links).json()
    assert content["customerCategory"]["id"] == 2
    assert content["customerSegmentation"]["id"] == 2
    assert content["createdBy"]["userId"] == 2
    assert content["parentCustomer"] == {
        "id": 1,
        "reference": "P-1",
        "name": "Parent",
        "href": "/api/v2.1/customers/1",
    }


def test_reference_path_takes_references(api: Caller) -> None:
    """An upsert names categories and the like by reference; a parent may be named by id too."""
    api.upsert("P-1", name="Parent")
    by_reference = api.upsert("C-1", name="Ada", categoryId="jewelry", isSubCustomer="true", parentCustomer="P-1")
    by_id = api.upsert("C-2", name="Bob", isSubCustomer="true", parentCustomer="1")
    assert by_reference.json()["customerCategory"]["id"] == 2
    assert by_reference.json()["parentCustomer"] == by_id.json()["parentCustomer"]
    assert refusal(api.upsert("C-3", name="Cy", categoryId="2"))[0] == 404


def test_answers_follow_a_renamed_parent(api: Caller) -> None:
    """A sub-customer shows its parent as the parent is now."""
    api.upsert("P-1", name="Parent")
    api.upsert("C-1", name="Ada", isSubCustomer="true", parentCustomer="P-1")
    api.upsert("P-1", reference="P-2")
    assert api.get("/reference/C-1").json()["parentCustomer"]["reference"] == "P-2"


def test_external_ids_on_update_by_id(api: Caller) -> None:
    """An update by id takes numbers, and references where useExternalId says so."""
    api.post(reference="C-1", name="Ada")
    assert api.post("/1", categoryId="2").json()["categoryReference"] == "jewelry"
    assert api.post("/1", categoryId="retail", useExternalId="true").json()["categoryReference"] == "retail"


@pytest.mark.parametrize("text", ['[{"id":7},{"id":8}]', '[{"id"=7},{"id"=8}]', '[{"id" = 7}, {"id" = 8}, {"id": 7}]'])
def test_payment_types_are_json_or_the_form_of_the_page(api: Caller, text: str) -> None:
    """Real JSON and the page's = are understood, and a payment type counts once."""
    content = api.upsert("C-1", name="Ada", paymentTypes=text).json()
    assert [item["id"] for item in content["paymentTypes"]] == [7, 8]


@pytest.mark.parametrize("country", ["FR", "France", "FRA", "fr", "france"])
def test_country_is_answered_as_iso_2(api: Caller, country: str) -> None:
    """A country is given by code or name and answered by its two letters."""
    content = api.upsert("C-1", name="Ada", billingCountry=country, country=country).json()
    assert (content["billingCountry"], content["country"]) == ("FR", "FR")


@pytest.mark.parametrize(
    ("text", "number"), [("5000", 5000), ("12.5", 12.5), ("-3", -3), ("1e3", 1000), ("0.10", 0.1), (".5", 0.5)]
)
def test_numbers_are_answered_as_numbers(api: Caller, text: str, number: float) -> None:
    """A double is answered as a JSON number, whole where it is whole."""
    assert json.dumps(api.upsert("C-1", name="Ada", creditLimit=text).json()["creditLimit"]) == json.dumps(number)


@pytest.mark.parametrize(("sent", "word"), [("1", "daysAfterInvoiceDate"), ("2", "daysAfterEndOfInvoiceMonth")])
def test_due_date_type_is_answered_as_a_word(api: Caller, sent: str, word: str) -> None:
    """1 and 2 are answered as words, with the number of days."""
    content = api.upsert("C-1", name="Ada", dueDateConfigType=sent, dueDateConfigNumber="30").json()
    assert (content["dueDateConfigType"], content["dueDateConfigNumber"]) == (word, 30)


def test_currencies_are_the_organisations(open_api: Open) -> None:
    """Configured currencies and their default come from the seeds."""
    api = open_api(seeds=Seeds(currencies=frozenset({"CHF", "JPY"}), default_currency="CHF"))
    assert api.upsert("C-1", name="Ada").json()["currency"] == "CHF"
    assert api.upsert("C-1", currency="JPY").json()["currency"] == "JPY"
    assert api.upsert("C-1", currency="").json()["currency"] == "CHF"


@pytest.mark.parametrize(("trims", "name"), [(True, "Ada"), (False, " Ada ")])
def test_blanks_around_text_are_trimmed_unless_switched_off(open_api: Open, trims: bool, name: str) -> None:  # noqa: FBT001 - a parameter of the test
    """Text loses the blanks around it, as Grails binds it by default."""
    assert open_api(trims_text=trims).upsert("C-1", name=" Ada ").json()["name"] == name


def test_text_keeps_every_character(api: Caller) -> None:
    """Umlauts, emoji, quotes, ampersands and line ends come back as they were sent, in either type of body."""
    text = 'Żółć & Söhne = 100% "+" 😀\r\n2. Zeile'
    assert api.upsert("C-1", name=text).json()["name"] == text
    assert api.upsert("C-2", files={"name": (None, text)}).json()["name"] == text


def test_delete_by_id_and_by_reference(api: Caller) -> None:
    """A deletion is answered with a success that is a string, and the customer is gone."""
    for path in ("/1", "/reference/C-2"):
        api.post(reference=f"C-{len(api.app.vendor.customers('')) + 1}", name="Ada")
        api.upsert("C-2", name="Bob")
        answer = api.delete(path)
        assert answer.status_code == 200
        assert answer.json() == {"success": "true", "success_description": "Instance deleted successfully"}
        assert api.get(path).status_code == 404


def test_ids_are_not_used_again(api: Caller) -> None:
    """A customer that is deleted and created again has another id."""
    first = api.upsert("C-1", name="Ada").json()["id"]
    api.delete("/reference/C-1")
    assert api.upsert("C-1", name="Ada").json()["id"] > first


def test_sub_customer_gone_frees_its_parent(open_api: Open) -> None:
    """A parent can be deleted once its last sub-customer is gone or under another."""
    api = open_api()
    api.upsert("P-1", name="Parent")
    api.upsert("C-1", name="Ada", isSubCustomer="true", parentCustomer="P-1")
    assert api.delete("/reference/P-1").status_code == 400
    api.upsert("C-1", isSubCustomer="false", parentCustomer="")
    assert api.delete("/reference/P-1").status_code == 200


def test_children_may_be_left_behind_where_the_setting_says_so(open_api: Open) -> None:
    """With the switch off, a parent is deleted and its sub-customer shows none."""
    api = open_api(children_block_delete=False)
    api.upsert("P-1", name="Parent")
    api.upsert("C-1", name="Ada", isSubCustomer="true", parentCustomer="P-1")
    assert api.delete("/reference/P-1").status_code == 200
    assert api.get("/reference/C-1").json()["parentCustomer"] is None


PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize("content", [PNG, b"\xff\xd8\xff\xe0JFIF", b"GIF89a...", b"GIF87a...", b"BM......"])
def test_image_becomes_a_logo(api: Caller, content: bytes) -> None:
    """A jpg, gif, png or bmp by its content is answered as an address under photoCustomer."""
    answer = api.upsert("C-1", name="Ada", files={"imageFile": ("my logo.xyz", content)})
    assert answer.status_code == 201
    assert answer.json()["name"] == "Ada"
    logo = answer.json()["logo"]
    assert logo == "http://acme.test/entity1-1450169988465/photoCustomer/1772366400700_my_logo.xyz"


def test_empty_image_clears_the_logo(api: Caller) -> None:
    """An empty imageFile takes the logo away; one that is absent leaves it."""
    api.upsert("C-1", name="Ada", files={"imageFile": ("logo.png", PNG)})
    assert api.upsert("C-1", name="Ada").json()["logo"] is not None
    assert api.upsert("C-1", imageFile="").json()["logo"] is None


def test_image_of_exactly_the_limit_is_taken(open_api: Open) -> None:
    """The limit itself is still allowed."""
    api = open_api(image_limit_bytes=len(PNG))
    assert api.upsert("C-1", name="Ada", files={"imageFile": ("logo.png", PNG)}).status_code == 201


def test_links_bear_the_callers_version(api: Caller) -> None:
    """Addresses in answers follow the version of the request, unless the setting names one."""
    content = api.request("POST", "/api/v1.0/customers/reference/C-1", data={"name": "Ada"}).json()
    assert content["customerCategory"]["href"] == "/api/v1.0/customerCategories/1"
