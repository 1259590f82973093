"""What columns are called in files and databases, in several languages, for each word of the common vocabulary.

A name stands here only where it has one meaning: `gesperrt` could be two things, and so is none. Proposes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain

from mappings.name import folded
from mappings.vocabulary import VOCABULARY

SYNONYMS: Mapping[str, str] = {
    "reference": "customer_no customer_nr customer_number customer_num customer_id customer_code customer_ref"
    " customer_reference customer_key cust_no cust_id client_no client_number client_id client_code"
    " kundennummer kunden_nr kunden_no kunden_id kunden_code kdnr kd_nr numero_client num_client code_client"
    " ref_client reference_client"
    " codice_cliente numero_cliente codigo_cliente klantnummer klantnr klantcode asiakasnumero asiakasnro asiakastunnus"
    " kundnummer kundenummer",
    "debtor_number": "debitor debitor_no debitor_nr debitorennummer debitoren_nr accounts_receivable_number",
    "name": "customer_name full_name display_name kundenname nom nome naam nimi asiakasnimi asiakkaan_nimi namn navn",
    "company": "company_name organisation_name organization_name firm firma firmenname firma1 unternehmen societe"
    " raison_sociale azienda ragione_sociale empresa razon_social bedrijf bedrijfsnaam yritys yrityksen_nimi foretag",
    "name_addition": "name2 name_2 name_line_2 name_extension company2 company_2 firma2 firma_2 namenszusatz",
    "salutation": "form_of_address honorific anrede civilite aanhef trattamento tratamiento",
    "title": "academic_title titel akademischer_titel titre titolo titulo",
    "first_name": "firstname given_name forename vorname prenom voornaam etunimi fornamn fornavn nombre_de_pila",
    "last_name": "lastname surname family_name nachname familienname zuname nom_de_famille cognome apellido apellidos"
    " achternaam sukunimi efternamn etternavn",
    "birthday": "birth_date birthdate date_of_birth dob geburtstag geburtsdatum date_de_naissance data_di_nascita"
    " fecha_de_nacimiento geboortedatum syntymaaika fodelsedatum",
    "personal_id": "social_security_number ssn henkilotunnus hetu personnummer",
    "email": "e_mail mail email_address e_mail_address mail_address e_mail_adresse email_adresse mail_adresse courriel"
    " adresse_mail adresse_e_mail correo correo_electronico posta_elettronica sahkoposti epost",
    "phone": "phone_number phone_no phone1 telephone telephone_number tel tel_nr telefon telefonnummer telefon_nr"
    " telefon1 festnetz telefono telefoon telefoonnummer puhelin puhelinnumero numero_de_telephone",
    "mobile": "mobile_phone mobile_number mobile_phone_number cell cell_phone handy handynummer mobil mobilnummer"
    " mobiltelefon portable gsm cellulare movil mobiel matkapuhelin",
    "fax": "fax_number fax_no fax_nr telefax telefaxnummer faxnummer",
    "website": "web www url web_site website_url homepage home_page webseite internetseite internetadresse site_web"
    " sito_web sitio_web kotisivu",
    "language": "lang language_code language_iso sprache langue lingua idioma taal kieli sprak",
    "comment": "comments note notes remark remarks bemerkung bemerkungen notiz notizen anmerkung anmerkungen"
    " commentaire commentaires remarque opmerking opmerkingen huomautus nota",
    "customer_since": "client_since kunde_seit client_depuis cliente_dal klant_sinds",
    "active": "is_active aktiv actif attivo activo actief aktiivinen",
    "blocked": "is_blocked on_hold is_on_hold liefersperre",
    "blocked_reason": "on_hold_reason hold_reason block_reason reason_blocked sperrgrund",
    "locked": "is_locked",
    "category": "customer_category kategorie kundenkategorie categorie categorie_client categoria",
    "group": "customer_group kundengruppe groupe_client gruppo_clienti klantgroep asiakasryhma",
    "segment": "customer_segment segmentation customer_segmentation kundensegment",
    "labels": "tags schlagworte etiketten etiquettes etichette",
    "parent": "parent_customer parent_no parent_number parent_reference parent_id hauptkunde client_parent",
    "owner": "account_manager sales_rep sales_person salesperson kundenbetreuer betreuer commercial",
    "tax_number": "tax_no tax_id tin steuernummer steuer_nr matricule_fiscal numero_fiscal",
    "vat_number": "vat vat_id vat_no vat_reg_no ust_id ustid ustidnr ust_idnr ustidnummer umsatzsteuer_id tva"
    " numero_tva no_tva tva_intracommunautaire partita_iva piva btw_nummer btw_nr alv_numero",
    "registration_number": "company_registration_number commercial_register_number trade_register_number"
    " handelsregisternummer siret siren kvk_nummer y_tunnus",
    "currency": "currency_code currency_iso waehrung wahrung devise valuta moneda valuutta",
    "credit_limit": "kreditlimit kreditrahmen limite_de_credit limite_credit plafond_credit kredietlimiet luottoraja",
    "discount": "discount_percent rabatt remise sconto descuento korting alennus",
    "payment_days": "days_due net_days payment_target zahlungsziel delai_de_paiement",
    "payment_methods": "payment_method payment_type payment_types zahlungsart zahlungsarten mode_de_paiement"
    " metodo_di_pagamento forma_de_pago betaalwijze maksutapa",
    "bank_name": "bank kreditinstitut banque",
    "iban": "iban_no iban_nr account_iban",
    "bic": "bic_code swift swift_code swift_bic",
    "account_owner": "account_holder kontoinhaber titulaire_du_compte",
}  # fmt: skip
"""Names of a word, with blanks between them; the word itself is one of its names."""

PARTS: Mapping[str, str] = {
    "street": "address address1 address_1 address_line1 address_line_1 street1 street_address strasse str"
    " adresse adresse1 anschrift rue via indirizzo direccion calle straat adres katuosoite osoite gata gatuadress",
    "house_number": "house_no house_nr hausnummer haus_nr hnr huisnummer street_number street_no",
    "addition": "address2 address_2 address_line2 address_line_2 street2 adresse2 adresszusatz complement_d_adresse",
    "city": "town ort stadt wohnort ville citta ciudad localidad plaats woonplaats kaupunki postitoimipaikka stad",
    "postal_code": "postcode post_code zip zip_code plz postleitzahl code_postal cp cap codigo_postal postinumero"
    " postnummer",
    "state": "province state_province bundesland provincia county",
    "country": "country_code country_iso country_name land laendercode landcode pays paese pais maa",
    "latitude": "lat breitengrad",
    "longitude": "lng lon laengengrad",
}
"""Names of the parts of an address, which alone mean its billing address."""

PLACES: Mapping[str, str] = {
    "billing": "billing bill bill_to billing_address invoice invoicing invoice_address rechnung rechnungs"
    " rechnungsadresse facturation de_facturation laskutus",
    "shipping": "shipping ship ship_to shipping_address shipment shipment_address delivery delivery_address liefer"
    " lieferung lieferadresse versand livraison de_livraison toimitus",
}
"""What stands before or behind the part of an address to say which address it is of."""

OWNERS = ("customer", "client", "kunden", "kunde", "cust", "asiakas", "klant")
"""What may stand before any name in a table of customers, and changes nothing."""


def meanings(columns: Iterable[str]) -> dict[str, str]:
    """Find the word of each column whose name has one.

    A part of an address without a place means the billing address, unless other columns name that one: then it could
    be any.
    """
    found = {column: word for column in columns if (word := _word(column)) is not None}
    has_billing = any(word.startswith("billing.") for word in found.values())
    plain = {column: word for column, word in found.items() if word in PARTS}
    placed = {column: f"billing.{word}" for column, word in plain.items() if not has_billing}
    return {column: word for column, word in found.items() if column not in plain} | placed


def names() -> Iterator[tuple[str, str]]:
    """List every known name, folded, with its word; the parts of an address stand for themselves."""
    for word in VOCABULARY:
        yield from ((folded(name), word) for name in (word, *SYNONYMS.get(word, "").split()))
    for part, others in PARTS.items():
        for name in map(folded, (part, *others.split())):
            yield name, part
            for place, marks in PLACES.items():
                both = ((f"{mark}{name}", f"{name}{mark}") for mark in map(folded, marks.split()))
                yield from ((placed, f"{place}.{part}") for placed in chain.from_iterable(both))


def _word(column: str) -> str | None:
    known = _known()
    name = folded(column)
    shorter = (name.removeprefix(owner) for owner in OWNERS if name.startswith(owner))
    # A customer's id is a reference, and stands among its names; a bare id is not, whosever it is.
    return next((known[each] for each in (name, *shorter) if each in known), None)


@cache
def _known() -> Mapping[str, str]:
    return dict(names())
