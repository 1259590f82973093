"""The Valomnia connector against small apps that answer as the vendor's pages say, and as they do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl

import httpx
import pytest
from pydantic import ValidationError

from connectors.api.action import Action
from connectors.api.transport import Origin, Reply, Transport
from connectors.protocol import (
    Answer,
    AnsweredError,
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    Held,
    PermanentError,
    Refusal,
    Row,
    ThrottledError,
    TransientError,
)
from connectors.valomnia import ValomniaSettings
from connectors.valomnia.answer import action_for, blamed_field
from connectors.valomnia.client import make_auth
from connectors.valomnia.form import differing, encode
from connectors.valomnia.target import ValomniaTarget

App = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")

ORIGIN = "https://acme.valomnia.com"
SETTINGS = ValomniaSettings.model_validate(
    {"kind": "valomnia", "base_url": ORIGIN, "username": "ann", "password": "canary-password"}
)
GIF = b"GIF89a and so on"


class AppTransport(Transport):
    """Carries requests to a function, in place of a network."""

    def __init__(self, app: App) -> None:
        super().__init__("valomnia", ORIGIN)
        self.app = app
        self.seen: list[httpx.Request] = []

    async def __aenter__(self) -> Self:
        return self

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Ask the app."""
        self.requests += 1
        request = httpx.Request(
            method, ORIGIN + target, headers=dict(headers), content=body, extensions={"operation": operation}
        )
        self.seen.append(request)
        await asyncio.sleep(0)
        response = self.app(request)
        return Reply(response.status_code, response.headers, response.content)


class Valomnia:
    """A server that signs in, and answers API requests by a function; `live` are the sessions that it knows."""

    def __init__(self, api: App) -> None:
        self.api = api
        self.live: set[str] = set()
        self.logins = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path
        if path == "/j_spring_security_check":
            return self._sign_in(request)
        if request.headers.get("Cookie", "").partition("=")[2] not in self.live:
            return httpx.Response(401, json={"error": "no_credentials"})
        if path == "/login/ajaxSuccess":
            return httpx.Response(200, json={"token": f"token-{self.logins}", "email": "ann@example.com"})
        return self.api(request)

    def _sign_in(self, request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode()))
        if form != {"j_username": "ann", "j_password": "canary-password", "ajax": "true"}:
            return httpx.Response(302, headers={"Location": "/login/authfail?ajax=true"})
        self.logins += 1
        session = f"session-{self.logins}"
        self.live.add(session)
        location = "http://behind.the.proxy/login/ajaxSuccess"
        return httpx.Response(
            302, headers={"Location": location, "Set-Cookie": f"JSESSIONID={session}; Path=/; HttpOnly"}
        )


def reference_of(request: httpx.Request) -> str:
    """Read the reference out of the raw path, as one segment."""
    raw = request.url.raw_path.decode()
    assert raw.startswith("/api/v2.1/customers/reference/")
    return str(httpx.URL(f"https://x/?{raw.removeprefix('/api/v2.1/customers/reference/')}").query.decode())


def customer(reference: str, **more: object) -> dict[str, object]:
    """Show a customer the way the vendor's page does, in short."""
    dates = {"dateCreated": "2015-12-17T23:00:00Z", "lastUpdated": "2015-12-17T23:00:00Z"}
    return {"id": 256, "reference": reference, **dates, **more}


def always(status: int, content: object = None, **headers: str) -> App:
    """Answer everything alike: an object as JSON, bytes as they are."""
    if isinstance(content, bytes):
        return lambda _: httpx.Response(status, content=content, headers=headers)
    return lambda _: httpx.Response(status, json=content, headers=headers)


def perform(app: App, act: Callable[[ValomniaTarget], Coroutine[Any, Any, T]]) -> tuple[T, AppTransport]:
    """Enter a target whose network is an app, and do something with it."""
    transport = AppTransport(app)

    async def main() -> T:
        async with ValomniaTarget(SETTINGS, transport) as target:
            return await act(target)

    return asyncio.run(main()), transport


def send(app: App, row: Row) -> tuple[Answer, httpx.Request]:
    """Send one row to a signed-in server; gives the answer and the last request."""
    answer, transport = perform(Valomnia(app), lambda target: target.send(row))
    return answer, transport.seen[-1]


def look_up(app: App, row: Row) -> Held | None:
    """Look one row up at a signed-in server."""
    return perform(Valomnia(app), lambda target: target.look_up(row))[0]


# Settings


def test_settings_have_the_documented_defaults() -> None:
    """Version, concurrency and timeout may be left out, and there is no ceiling."""
    assert (SETTINGS.api_version, SETTINGS.concurrency, SETTINGS.timeout, SETTINGS.rate) == ("v2.1", 16, 30.0, None)


def test_settings_read_rate_and_timeout_as_text() -> None:
    """A rate and a duration are written as in a job file."""
    settings = ValomniaSettings.model_validate(
        {"kind": "valomnia", "base_url": ORIGIN, "username": "a", "password": "b", "rate": "3000/min", "timeout": "2m"}
    )

    assert (settings.rate, settings.timeout) == (50.0, 120.0)


@pytest.mark.parametrize(
    "wrong", [{"concurrency": 0}, {"concurrency": 257}, {"rate": "fast"}, {"timeout": "0s"}, {"pasword": "x"}]
)
def test_wrong_settings_are_refused_without_showing_a_secret(wrong: dict[str, object]) -> None:
    """A setting out of bounds or unknown is refused, and the error shows no value."""
    given = {"kind": "valomnia", "base_url": ORIGIN, "username": "ann", "password": "canary-password", **wrong}

    with pytest.raises(ValidationError) as caught:
        ValomniaSettings.model_validate(given)
    assert "canary" not in str(caught.value)


def test_no_repr_shows_a_secret() -> None:
    """Neither settings nor sessions nor auth show user name, password, session or token."""

    async def shown() -> str:
        transport = AppTransport(Valomnia(always(404)))
        async with ValomniaTarget(SETTINGS, transport) as target:
            auth = target._client.auth
            return f"{SETTINGS!r} {SETTINGS} {target!r} {auth!r} {auth.session!r} {vars(target)!r}"

    text = asyncio.run(shown())
    assert not any(secret in text for secret in ("canary", "ann", "session-1", "token-1"))


@pytest.mark.parametrize("url", ["http://acme.valomnia.com", "acme.valomnia.com", "https://u:p@acme.valomnia.com"])
def test_an_unsafe_address_is_a_configuration_error(url: str) -> None:
    """Plain http beyond this machine, no scheme, and credentials in the address stop the job before any request."""
    with pytest.raises(ConfigurationError, match="base_url"):
        ValomniaTarget(SETTINGS.model_copy(update={"base_url": url}))


def test_the_address_names_the_server_and_no_secret() -> None:
    """Customer state belongs to the kind and the server."""
    assert ValomniaTarget(SETTINGS).address == "valomnia:https://acme.valomnia.com"


# Signing in


def test_entering_signs_in_and_requests_carry_session_and_token() -> None:
    """Entering costs the two requests of signing in; then each send is one request with cookie and token."""
    server = Valomnia(lambda request: httpx.Response(201, json=customer(reference_of(request))))

    answer, transport = perform(server, lambda target: target.send(Row("C-1", {"name": "x"})))

    assert answer == Answer(201, "256", created=True)
    assert [request.url.path for request in transport.seen] == [
        "/j_spring_security_check",
        "/login/ajaxSuccess",
        "/api/v2.1/customers/reference/C-1",
    ]
    assert all(request.url.host == "acme.valomnia.com" for request in transport.seen)
    assert transport.seen[-1].headers["Cookie"] == "JSESSIONID=session-1"
    assert transport.seen[-1].headers["Authorization"] == "Bearer token-1"
    assert transport.requests == 3


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"Location": "/login/authfail"}),
        httpx.Response(302, headers={"Location": "/login/ajaxSuccess"}),  # without a session
        httpx.Response(200, json={"error": "Sorry"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(401),
        httpx.Response(403),
        httpx.Response(404),
    ],
)
def test_a_refused_sign_in_is_a_credentials_error(answer: httpx.Response) -> None:
    """Anything but the redirect to ajaxSuccess with a session means that we may not in."""
    with pytest.raises(CredentialsError, match="valomnia: login: user name or password refused") as caught:
        perform(lambda _: answer, lambda target: target.send(Row("C-1")))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(503, AnsweredError), (500, AnsweredError), (429, ThrottledError)])
def test_a_server_in_trouble_does_not_blame_the_credentials(status: int, kind: type[ConnectorError]) -> None:
    """A 5xx or 429 while signing in may pass."""
    with pytest.raises(kind, match=f"valomnia: login: status {status}"):
        perform(always(status), lambda target: target.send(Row("C-1")))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_an_ended_session_is_renewed_whatever_the_status(status: int) -> None:
    """`no_credentials` means to sign in again and to repeat the request, once."""
    server = Valomnia(lambda request: httpx.Response(201, json=customer(reference_of(request))))
    calls = iter([True, False])

    def app(request: httpx.Request) -> httpx.Response:
        if "/api/" in request.url.path and next(calls, False):
            return httpx.Response(status, json={"error": "no_credentials"})
        return server(request)

    answer, transport = perform(app, lambda target: target.send(Row("C-1", {"name": "x"})))

    assert answer == Answer(201, "256", created=True)
    assert server.logins == 2
    assert transport.seen[-1].headers["Cookie"] == "JSESSIONID=session-2"
    assert transport.seen[-1].content == transport.seen[2].content == b"name=x"


def test_one_sign_in_serves_all_requests_in_flight() -> None:
    """Sixty-four requests whose session ended at once sign in once, together."""
    server = Valomnia(lambda request: httpx.Response(201, json=customer(reference_of(request))))

    async def act(target: ValomniaTarget) -> list[Answer]:
        server.live.clear()
        return list(await asyncio.gather(*(target.send(Row(f"C-{number}")) for number in range(64))))

    answers, transport = perform(server, act)

    assert len(answers) == 64
    assert server.logins == 2
    assert transport.requests == 2 + 64 + 2 + 64


def test_a_session_that_is_refused_right_after_signing_in_ends_it() -> None:
    """A request is repeated once; then nothing more is sent, for nobody."""
    server = Valomnia(always(401, {"error": "no_credentials"}))

    async def act(target: ValomniaTarget) -> list[BaseException | Answer]:
        return list(await asyncio.gather(*(target.send(Row(f"C-{n}")) for n in range(16)), return_exceptions=True))

    results, transport = perform(server, act)

    assert {type(result) for result in results} == {CredentialsError}
    assert server.logins == 2
    assert transport.requests <= 2 + 16 + 2 + 16


def test_refused_credentials_are_not_offered_again() -> None:
    """When the password stops working in mid-run, one sign-in is tried for all requests in flight."""
    server = Valomnia(always(200, customer("C-1")))
    shut = False
    offered = 0

    def app(request: httpx.Request) -> httpx.Response:
        nonlocal offered
        if not shut:
            return server(request)
        offered += request.url.path == "/j_spring_security_check"
        return httpx.Response(401)

    async def act(target: ValomniaTarget) -> list[BaseException | Answer]:
        nonlocal shut
        shut = True
        return list(await asyncio.gather(*(target.send(Row(f"C-{n}")) for n in range(16)), return_exceptions=True))

    results, transport = perform(app, act)

    assert {type(result) for result in results} == {CredentialsError}
    assert offered == 1
    assert transport.requests == 2 + 16 + 1


def test_those_who_waited_for_a_failed_sign_in_share_its_error() -> None:
    """A sign-in that meets a 503 fails for all that waited for it, and the next request tries again."""
    server = Valomnia(always(200, customer("C-1")))
    ill = False

    def app(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(503)
            if ill and "login" not in request.url.path and "/api/" not in request.url.path
            else server(request)
        )

    async def act(target: ValomniaTarget) -> tuple[list[BaseException | Answer], Answer]:
        nonlocal ill
        ill = True
        server.live.clear()
        first = await asyncio.gather(*(target.send(Row("C-1")) for _ in range(8)), return_exceptions=True)
        ill = False
        return list(first), await target.send(Row("C-1"))

    (first, last), transport = perform(app, act)

    assert {type(result) for result in first} == {AnsweredError}
    assert last == Answer(200, "256", created=False)
    assert transport.requests == 2 + 8 + 1 + 3


def test_a_late_word_about_an_old_session_does_not_end_the_new_one() -> None:
    """An answer to a request of the session before says nothing about the one of today."""
    server = Valomnia(lambda request: httpx.Response(201, json=customer(reference_of(request))))

    async def act(target: ValomniaTarget) -> bool:
        old = target._client.auth.session
        server.live.clear()
        await target.send(Row("C-1"))
        new = target._client.auth.session
        assert old is not None
        target._client.auth.end(old)
        return target._client.auth.session is new is not old

    assert perform(server, act)[0]


def test_a_sign_in_without_an_answer_is_shared_as_well() -> None:
    """Eight requests that wait for a sign-in that times out wait for one, not for eight."""
    server = Valomnia(always(200, customer("C-1")))
    ill = False

    def app(request: httpx.Request) -> httpx.Response:
        if ill and request.url.path == "/j_spring_security_check":
            raise TransientError("valomnia: login: no answer within 30 s")
        return server(request)

    async def act(target: ValomniaTarget) -> list[BaseException | Answer]:
        nonlocal ill
        ill = True
        server.live.clear()
        return list(await asyncio.gather(*(target.send(Row("C-1")) for _ in range(8)), return_exceptions=True))

    results, transport = perform(app, act)

    assert {type(result) for result in results} == {TransientError}
    assert transport.requests == 2 + 8 + 1


def test_sessions_that_end_after_few_requests_do_not_blame_the_credentials() -> None:
    """A session that others used up before a repetition came through may be tried again later."""
    uses = 0

    def api(request: httpx.Request) -> httpx.Response:
        nonlocal uses
        uses += 1
        if uses % 4 == 0:
            server.live.clear()
        return httpx.Response(201, json=customer(reference_of(request)))

    server = Valomnia(api)

    async def act(target: ValomniaTarget) -> list[BaseException | Answer]:
        return list(await asyncio.gather(*(target.send(Row(f"C-{n}")) for n in range(16)), return_exceptions=True))

    results, _ = perform(server, act)

    assert {type(result) for result in results} == {Answer, TransientError}


def test_the_sign_in_is_a_plain_conversation() -> None:
    """The auth asks for two requests and then signs the third; no network takes part."""
    auth = make_auth(SETTINGS, Origin(ORIGIN, ""))

    async def converse() -> list[httpx.Request]:
        flow: AsyncGenerator[httpx.Request, httpx.Response] = auth.async_auth_flow(httpx.Request("GET", ORIGIN))
        login = await anext(flow)
        welcome = await flow.asend(
            httpx.Response(302, headers={"Location": "/login/ajaxSuccess?x=1", "Set-Cookie": "JSESSIONID=abc"})
        )
        signed = await flow.asend(httpx.Response(200, json={"token": "bad\ntoken"}))
        with pytest.raises(StopAsyncIteration):
            await flow.asend(httpx.Response(200))
        return [login, welcome, signed]

    login, welcome, signed = asyncio.run(converse())
    assert (login.method, str(login.url)) == ("POST", f"{ORIGIN}/j_spring_security_check")
    assert (welcome.method, str(welcome.url)) == ("GET", f"{ORIGIN}/login/ajaxSuccess?x=1")
    assert signed.headers["Cookie"] == welcome.headers["Cookie"] == "JSESSIONID=abc"
    assert "Authorization" not in signed.headers  # a token with a line break is no header


# Writing a request


@pytest.mark.parametrize(
    ("reference", "segment"),
    [
        ("C-1", "C-1"),
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("%2e%2e", "%252e%252e"),
        ("../admin/users", "..%2Fadmin%2Fusers"),
        ("a?x=1", "a%3Fx%3D1"),
        ("a#f", "a%23f"),
        ("..;/x", "..%3B%2Fx"),
        ("Ärger 7", "%C3%84rger%207"),
    ],
)
def test_a_reference_is_one_segment_of_the_path(reference: str, segment: str) -> None:
    """Whatever a reference holds, it stays one path segment, in sends and in look-ups."""
    row = Row(reference, {"name": "x"})
    answer, request = send(always(201, customer(reference)), row)

    assert request.url.raw_path == b"/api/v2.1/customers/reference/" + segment.encode()
    assert answer.target_id == "256"
    assert look_up(always(200, customer(reference)), Row(reference)) == Held("256")


@pytest.mark.parametrize("reference", ["", ".", "..", "\ud800"])
def test_a_reference_that_no_path_can_hold_is_refused_without_a_request(reference: str) -> None:
    """Empty, dot and dot-dot would address something else, and half a character nothing."""
    row = Row(reference)
    (answer, held), transport = perform(Valomnia(always(500)), lambda target: _both(target, row))

    assert [refusal.field for refusal in answer.refusals] == ["reference"]
    assert held is None
    assert transport.requests == 2


async def _both(target: ValomniaTarget, row: Row) -> tuple[Answer, Held | None]:
    return await target.send(row), await target.look_up(row)


def test_values_are_written_as_forms_take_them() -> None:
    """Booleans, numbers, dates, lists and cleared values have one spelling each; the reference is no field."""
    values = {
        "reference": "C-1",
        "name": "Ärger & Söhne",
        "isActive": True,
        "onHold": False,
        "creditLimit": Decimal("1E+4"),
        "billingLat": Decimal("0.00000001"),
        "latitude": 1e-7,
        "dueDateConfigNumber": 30,
        "phone": None,
        "since": date(2024, 2, 29),
        "paymentTypes": [7, "8", {"id": 9}],
        "labels": ["a", "ü"],
    }

    _, request = send(always(201, customer("C-1")), Row("C-1", values))

    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(request.content.decode("ascii"), keep_blank_values=True)) == {
        "name": "Ärger & Söhne",
        "isActive": "true",
        "onHold": "false",
        "creditLimit": "10000",
        "billingLat": "0.00000001",
        "latitude": "0.0000001",
        "dueDateConfigNumber": "30",
        "phone": "",
        "since": "2024-02-29",
        "paymentTypes": '[{"id": 7}, {"id": 8}, {"id": 9}]',
        "labels": '["a", "ü"]',
    }


def test_text_that_is_no_unicode_refuses_the_customer_by_its_field() -> None:
    """Half a surrogate pair cannot be sent; the field is named, the text is not."""
    answer, request = send(always(201), Row("C-1", {"name": "x", "city": "a\ud800"}))

    assert answer == Answer(None, refusals=(Refusal("invalid_text", "city", answer.refusals[0].description),))
    assert request.url.path == "/login/ajaxSuccess"


def test_a_value_of_an_unknown_kind_is_a_configuration_error() -> None:
    """What a form cannot carry is named by field and kind, never by value."""
    with pytest.raises(ConfigurationError, match="name holds a set; a form cannot carry it"):
        encode({"name": {"canary"}})


def test_an_image_goes_as_multipart_with_its_true_media_type(tmp_path: Path) -> None:
    """A file is a part of its own; its type comes from its bytes, not from its name."""
    path = tmp_path / "logo.png"
    path.write_bytes(GIF)

    answer, request = send(always(201, customer("C-1")), Row("C-1", {"name": "Ä", "isActive": True, "imageFile": path}))

    assert answer.target_id == "256"
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="name"\r\n\r\n\xc3\x84\r\n' in request.content
    assert b'name="isActive"\r\n\r\ntrue\r\n' in request.content
    assert b'name="imageFile"; filename="image.gif"\r\nContent-Type: image/gif\r\n\r\n' + GIF in request.content
    assert request.headers["Cookie"] == "JSESSIONID=session-1"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7", "unsupported_file_type"),
        (b"GIF89a" + bytes(2 * 1024 * 1024), "exceeded_file_size"),
        (None, "unreadable_file"),
    ],
)
def test_an_image_that_cannot_be_taken_is_refused_without_a_request(
    tmp_path: Path, content: bytes | None, code: str
) -> None:
    """A file that is no image, too large or missing refuses its customer, with the target's codes where it has one."""
    path = tmp_path / "logo.gif"
    if content is not None:
        path.write_bytes(content)

    answer, request = send(always(201), Row("C-1", {"imageFile": path}))

    assert [(refusal.code, refusal.field) for refusal in answer.refusals] == [(code, "imageFile")]
    assert request.url.path == "/login/ajaxSuccess"


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    """Only regular files are read: a pipe would be waited for without end."""
    answer, _ = send(always(201), Row("C-1", {"imageFile": tmp_path}))

    assert [refusal.code for refusal in answer.refusals] == ["unreadable_file"]


# Reading an answer


@pytest.mark.parametrize(
    ("status", "error", "action"),
    [
        (200, None, Action.ACCEPTED),
        (201, None, Action.ACCEPTED),
        (202, None, Action.TRANSIENT),
        (204, None, Action.TRANSIENT),
        (301, None, Action.PERMANENT),
        (400, "save_failed", Action.REFUSAL),
        (400, "never_heard_of", Action.REFUSAL),
        (404, "not_found", Action.REFUSAL),
        (409, None, Action.REFUSAL),
        (413, None, Action.REFUSAL),
        (422, None, Action.REFUSAL),
        (401, None, Action.CREDENTIALS),
        (403, "forbidden", Action.CREDENTIALS),
        (200, "no_credentials", Action.CREDENTIALS),
        (408, None, Action.TRANSIENT),
        (429, None, Action.THROTTLED),
        (500, "server_error", Action.TRANSIENT),
        (503, None, Action.TRANSIENT),
        (101, None, Action.PERMANENT),
        (600, None, Action.PERMANENT),
    ],
)
def test_each_status_has_one_action(status: int, error: str | None, action: Action) -> None:
    """The table says what to do, and what it does not name stops the job."""
    assert action_for(status, error) is action


@pytest.mark.parametrize(
    ("status", "more", "row", "created"),
    [
        (201, {}, Row("C-1"), True),
        (201, {"lastUpdated": "2016-08-16T09:02:13Z"}, Row("C-1"), False),
        (200, {}, Row("C-1"), False),
        (200, {}, Row("C-1", doubtful=True), None),
        (200, {}, Row("C-1", target_id="256", doubtful=True), False),
    ],
)
def test_an_answer_tells_whether_the_customer_is_new(
    status: int, more: dict[str, object], row: Row, *, created: bool | None
) -> None:
    """201 is new unless it was created earlier than updated; 200 is not, unless our own lost send created it."""
    answer, _ = send(always(status, customer("C-1", **more)), row)

    assert answer == Answer(status, "256", created)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>maintenance</html>",
        b"[" * 100_000,
        ["C-1"],
        {},
        {"id": None, "reference": "C-1"},
        {"id": "", "reference": "C-1"},
        {"id": True, "reference": "C-1"},
        customer("C-2"),
        customer("c-1"),
    ],
)
def test_a_success_without_proof_is_no_success(status: int, content: object) -> None:
    """Without an object that shows an id, and the same reference if any, the customer is unconfirmed."""
    with pytest.raises(TransientError, match=r"valomnia: upsert: the answer shows (no|another) customer") as caught:
        send(always(status, content), Row("C-1"))
    assert not isinstance(caught.value, AnsweredError)


def test_a_success_may_leave_the_reference_out() -> None:
    """An id alone is proof enough; ids are kept as text."""
    assert send(always(201, {"id": 9}), Row("C-1"))[0] == Answer(201, "9", created=True)


@pytest.mark.parametrize(
    ("status", "code", "words", "field"),
    [
        (400, "missing_param", "name parameter is missing", "name"),
        (400, "missing_param", "parentCustomer parameter is missing", "parentCustomer"),
        (400, "not_unique", "reference already used", "reference"),
        (
            400,
            "invalid_param_type",
            "The type of parameter payment type id you provided is not valid for this request.",
            "paymentTypes",
        ),
        (400, "invalid_param_type", "The type of parameter id you provided is not valid for this request.", ""),
        (
            400,
            "invalid_param_type",
            "The type of parameter creditLimit you provided is not valid for this request.",
            "creditLimit",
        ),
        (400, "save_failed", "Failed to save instance.", ""),
        (400, "exceeded_file_size", "image size should not exceed 2Mo", "imageFile"),
        (400, "unsupported_file_type", "image format not supported.", "imageFile"),
        (404, "not_found", "The payment type with the id 999 doesn't exist.", "paymentTypes"),
        (404, "not_found", "The currency with name GmBP doesn't exist.", "currency"),
        (404, "not_found", "The currency with name GBP is not configured.", "currency"),
        (404, "not_found", "The parent customer with the id 188911 doesn't exist.", "parentCustomer"),
        (404, "not_found", "The customer cannot be a subcustomer of itself.", "parentCustomer"),
        (404, "not_found", "The customer category with the id 5 doesn't exist.", "categoryId"),
        (422, "never_heard_of", "Something new", ""),
    ],
)
def test_a_refusal_keeps_the_code_and_names_the_field(status: int, code: str, words: str, field: str) -> None:
    """Every documented refusal, and unknown ones, come with the code as given and the field that the words blame."""
    answer, _ = send(always(status, {"error": code, "error_description": words}), Row("C-1", {"name": "x"}))

    assert answer == Answer(status, refusals=(Refusal(code, field, words),))


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (418, b"<html>teapot canary</html>", "unclassified"),
        (400, b"", "unclassified"),
        (422, ["canary"], "unclassified"),
        (409, {"message": "canary"}, "unclassified"),
        (400, {"error": 7}, "unclassified"),
        (413, b"<html>too large</html>", "too_large"),
    ],
)
def test_a_refusal_without_a_code_is_told_by_its_status(status: int, content: object, code: str) -> None:
    """Where the body is no error object the status stands for it, and nothing of the body is kept."""
    answer, _ = send(always(status, content), Row("C-1"))

    assert answer == Answer(status, refusals=(Refusal(code, "", f"HTTP {status}"),))


def test_long_words_are_cut() -> None:
    """A description is kept up to 200 characters."""
    answer, _ = send(always(400, {"error": "save_failed", "error_description": "x" * 1000}), Row("C-1"))

    assert answer.refusals[0].description == "x" * 200


def test_words_that_are_no_text_are_left_out() -> None:
    """A description that is an object is no description."""
    answer, _ = send(always(400, {"error": "save_failed", "error_description": {"a": 1}}), Row("C-1"))

    assert answer.refusals == (Refusal("save_failed", "", ""),)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_may_pass_and_keeps_its_status(status: int) -> None:
    """A 5xx, with or without the documented body, is tried again, after the delay that it names."""
    content = {"error": "server_error", "error_description": "Oops! canary"}

    with pytest.raises(AnsweredError, match=f"^valomnia: upsert: status {status}$") as caught:
        send(always(status, content, **{"Retry-After": "4"}), Row("C-1"))
    assert (caught.value.status, caught.value.delay_seconds) == (status, 4.0)


@pytest.mark.parametrize(("header", "delay"), [("120", 120.0), ("soon", None), ("", None), ("-5", None)])
def test_a_429_carries_the_delay(header: str, delay: float | None) -> None:
    """Retry-After in seconds is passed on; garbage and nothing are no delay."""
    with pytest.raises(ThrottledError) as caught:
        send(always(429, b"", **{"Retry-After": header}), Row("C-1"))
    assert caught.value.delay_seconds == delay


def test_a_redirect_is_not_followed_and_stops_the_job() -> None:
    """A redirect would carry the customer elsewhere: one request, and then the end."""
    app = Valomnia(always(307, b"", Location="https://elsewhere.example/steal"))
    transport = AppTransport(app)

    async def main() -> None:
        async with ValomniaTarget(SETTINGS, transport) as target:
            await target.send(Row("C-1", {"name": "x"}))

    with pytest.raises(PermanentError, match="status 307"):
        asyncio.run(main())
    assert transport.requests == 3
    assert {request.url.host for request in transport.seen} == {"acme.valomnia.com"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_who_we_are_stops_the_job(status: int) -> None:
    """403, and 401 after signing in again, refuse nobody's customer."""
    with pytest.raises(CredentialsError, match=r"valomnia: (login|upsert)"):
        send(always(status, {"error": "forbidden"}), Row("C-1"))


def test_words_that_name_no_entry_blame_no_field() -> None:
    """An unknown entity, or a text of another form, blames no field."""
    assert blamed_field("The unicorn with the id 4 doesn't exist.") == ""
    assert blamed_field("Kaputt") == ""


# Looking up


SHOWN = customer(
    "C-1",
    name="Marie's Jewelry",
    email=None,
    customerCategory={"id": 2, "reference": "jewelry", "name": "Home", "href": "/x"},
    customerSegmentation=None,
    createdBy={"userId": 2, "reference": "emp-002", "href": "/x"},
    parentCustomer=None,
    billingCountry="FR",
    creditLimit=5000,
    billingLat=None,
    isActive=True,
    dueDateConfigType="daysAfterInvoiceDate",
    dueDateConfigNumber=7,
    paymentTypes=[{"id": 7, "reference": "cash"}, {"id": 8, "reference": "cheque"}],
)


@pytest.mark.parametrize(
    ("field", "value", "same"),
    [
        ("name", "Marie's Jewelry ", True),
        ("name", "Marie", False),
        ("email", None, True),
        ("email", "a@example.com", False),
        ("name", None, False),
        ("categoryId", "jewelry", True),
        ("categoryId", 2, True),
        ("categoryId", "toys", False),
        ("customerSegmentationId", "seg_a", False),
        ("customerSegmentationId", None, True),
        ("userId", "emp-002", True),
        ("userId", "emp-003", False),
        ("regionId", 3, False),  # not shown: proves nothing
        ("billingCountry", "FR", True),
        ("billingCountry", "DE", False),
        ("billingCountry", "France", True),  # answered as ISO code
        ("billingCountry", "FRA", True),
        ("billingCountry", "Germany", False),
        ("billingCountry", "Atlantis", False),  # nobody's: proves nothing
        ("billingCountry", None, False),
        ("creditLimit", Decimal("5000.00"), True),
        ("creditLimit", "5e3", True),
        ("creditLimit", Decimal("5000.01"), False),
        ("creditLimit", "much", False),
        ("creditLimit", None, False),
        ("isActive", True, True),
        ("isActive", False, False),
        ("isActive", "true", True),
        ("dueDateConfigType", "1", True),
        ("dueDateConfigType", "2", False),
        ("dueDateConfigNumber", 7, True),
        ("paymentTypes", [8, 7], True),
        ("paymentTypes", [{"id": 7}, "8"], True),
        ("paymentTypes", [7], False),
        ("paymentTypes", None, False),
        ("imageFile", Path("logo.gif"), False),  # answered as an address of the server's: proves nothing
    ],
)
def test_what_is_shown_is_compared_under_its_read_name(field: str, value: object, *, same: bool) -> None:
    """Each sent value is compared with what the answer shows of it, in the kind that the answer has."""
    assert differing(SHOWN, {field: value}) == (() if same else (field,))


def test_a_look_up_shows_whether_the_values_are_held() -> None:
    """A customer that is there comes with its id, and with whether it shows what was sent."""
    app = always(200, SHOWN)

    assert look_up(app, Row("C-1", {"name": "Marie's Jewelry", "creditLimit": 5000})) == Held("256")
    assert look_up(app, Row("C-1", {"name": "Marie's Jewelry", "creditLimit": 1})) == Held("256", ("creditLimit",))


def test_a_look_up_of_a_stranger_is_none() -> None:
    """Only the documented 404 says that the customer is not there."""
    missing = {"error": "not_found", "error_description": "The customer with the id C-1 doesn't exist."}

    assert look_up(always(404, missing), Row("C-1")) is None


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (always(404, b"<html>"), PermanentError),
        (always(405, b""), PermanentError),
        (always(400, {"error": "invalid_param_type"}), TransientError),
        (always(200, customer("C-2")), TransientError),
        (always(503), AnsweredError),
        (always(429), ThrottledError),
        (always(403), CredentialsError),
        (always(302, b"", Location="/elsewhere"), PermanentError),
        (always(302, b"", Location="https://[broken"), PermanentError),
    ],
)
def test_a_look_up_that_tells_nothing_raises(app: App, kind: type[ConnectorError]) -> None:
    """Whatever proves neither presence nor absence is an error, by the same table."""
    with pytest.raises(kind) as caught:
        look_up(app, Row("C-1"))
    assert type(caught.value) is kind


def test_a_look_up_renews_the_session() -> None:
    """A look-up signs in again as a send does."""
    server = Valomnia(lambda _: httpx.Response(200, content=json.dumps(SHOWN).encode()))

    async def act(target: ValomniaTarget) -> Held | None:
        server.live.clear()
        return await target.look_up(Row("C-1"))

    held, _ = perform(server, act)
    assert held == Held("256")
    assert server.logins == 2
