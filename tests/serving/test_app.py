"""The routes over a stand-in for the daemon, without a socket."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.serving.doors import PICTURE, StandIn
from tests.waiting import until

from glimpsed.errors import (
    ChildError,
    EncoderError,
    GlimpsedError,
    NoRoomError,
    QueryError,
    StateError,
    TableError,
    UsageError,
)
from glimpsed.events import Event
from glimpsed.filters import Fields
from glimpsed.serving.app import make_app
from glimpsed.serving.asking import MOST_HITS
from glimpsed.serving.following import with_pauses
from glimpsed.serving.limits import Bounds, Limits, Requests


@pytest.fixture
async def client(door: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(door) as client:
        yield client


def asking(door: StandIn, bounds: Bounds | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(make_app(door, bounds)), base_url="http://glimpsed")


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The refusal, which has all that RFC 9457 asks for."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["date"]
    told: dict[str, Any] = response.json()
    assert told["type"] == "about:blank"
    assert told["status"] == status
    assert told["title"] == response.reason_phrase
    assert told["detail"]
    return told


async def test_a_search_hands_on_what_was_asked(client: httpx.AsyncClient, door: StandIn) -> None:
    asked: dict[str, str | float] = {
        "q": "红色 bicycle",
        "k": 3,
        "sort": "date",
        "cursor": "3.1",
        "sync": 1,
        "timeout": 2.5,
    }
    response = await client.get("/v1/search", params=asked)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "hits": [],
        "nothing_fits": False,
        "next": None,
        "took_ms": 1.0,
        "encoders": ["e5"],
        "warnings": [],
    }
    assert door.asked == [("search", "红色 bicycle", 3, "date", "3.1", True, 2.5)]


async def test_a_search_needs_no_more_than_nothing(client: httpx.AsyncClient, door: StandIn) -> None:
    assert (await client.get("/v1/search")).status_code == 200
    assert door.asked == [("search", "", 10, "relevance", None, False, 30.0)]


async def test_a_search_by_fields_hands_on_what_was_asked(client: httpx.AsyncClient, door: StandIn) -> None:
    body = {
        "words": "red -bike",
        "phrases": ["a b"],
        "not": ["cat"],
        "after": "2024-06",
        "on": "yesterday",
        "in": ["~/My Pictures", "/b"],
        "type": "png",
        "camera": "pixel",
        "place": ["New York"],
        "near": {"latitude": 48.86, "longitude": -2.35, "km": 0.5},
        "size": [">2MB", "<5MB"],
        "has": ["text", "gps"],
        "is": "missing",
        "without": {"type": ["gif", "ico"], "before": "2020", "near": {"latitude": 1, "longitude": 2}},
        "sort": "name",
        "k": 3,
        "cursor": "3.1",
        "sync": True,
        "timeout": 2.5,
    }
    assert (await client.post("/v1/search", json=body)).json()["took_ms"] == 1.0
    fields = Fields(
        "red -bike",
        ("a b",),
        ("cat",),
        (
            ("after", "2024-06"),
            ("on", "yesterday"),
            ("in", "~/My Pictures"),
            ("in", "/b"),
            ("type", "png"),
            ("camera", "pixel"),
            ("place", "New York"),
            ("size", ">2MB"),
            ("size", "<5MB"),
            ("has", "text"),
            ("has", "gps"),
            ("near", "48.86,-2.35,0.5km"),
            ("is", "missing"),
        ),
        (("before", "2020"), ("type", "gif"), ("type", "ico"), ("near", "1.0,2.0,5.0km")),
    )
    assert door.asked == [("search", fields, 3, "name", "3.1", True, 2.5)]
    assert (await client.post("/v1/search", json={})).status_code == 200
    assert door.asked[1] == ("search", Fields(), 10, "relevance", None, False, 30.0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"wrods": "x"}, "wrods"),
        ({"words": 3}, "words"),
        ({"phrases": "x"}, "phrases"),
        ({"not": ["x"] * 101}, "not"),
        ({"after": 2024}, "after"),
        ({"in": [1]}, "in"),
        ({"near": {"latitude": 91, "longitude": 0}}, "near.latitude"),
        ({"near": {"latitude": 1}}, "near.longitude"),
        ({"near": {"latitude": 1, "longitude": 1, "km": 0}}, "near.km"),
        ({"near": {"latitude": 1, "longitude": 1, "miles": 1}}, "near.miles"),
        ({"has": ["txt"]}, "has"),
        ({"is": "there"}, "is"),
        ({"without": {"is": "missing"}}, "without.is"),
        ({"without": {"words": "x"}}, "without.words"),
        ({"sort": "size"}, "sort"),
        ({"k": 1001}, "k"),
        ({"timeout": 0}, "timeout"),
    ],
)
async def test_a_field_that_makes_no_sense_is_named(
    client: httpx.AsyncClient, door: StandIn, body: dict[str, Any], field: str
) -> None:
    told = problem(await client.post("/v1/search", json=body), 422)
    assert field in told["detail"]
    assert door.asked == []


async def test_completions_come_with_what_they_replace(client: httpx.AsyncClient, door: StandIn) -> None:
    told = (await client.get("/v1/complete", params={"q": "x ty"})).json()
    assert told == {"completions": [{"text": "type:", "from": 2, "to": 4}]}
    assert door.asked == [("complete", "x ty")]
    problem(await client.get("/v1/complete", params={"q": "x" * 4097}), 422)


async def test_status_metrics_and_explain_answer(client: httpx.AsyncClient, door: StandIn) -> None:
    assert (await client.get("/v1/status")).json()["encoder"]["phase"] == "ready"
    assert (await client.get("/metrics")).text == "glimpsed_searches_total 1.0\n"
    assert (await client.get("/v1/explain", params={"path": "/p/ä.png"})).json()["state"] == "waiting"
    strange = base64.b64encode(b"/p/\xff.png").decode()
    assert (await client.get("/v1/explain", params={"path_bytes": strange})).status_code == 200
    assert (await client.get("/v1/explain", params={"path": "/p/a.png", "read": "words"})).status_code == 200
    assert door.asked[-3:] == [
        ("explain", "/p/ä.png", "none"), ("explain", "/p/\udcff.png", "none"), ("explain", "/p/a.png", "words"),
    ]  # fmt: skip
    problem(await client.get("/v1/explain", params={"path": "/p/a.png", "read": "aloud"}), 422)


async def test_a_scan_takes_paths_of_both_kinds_or_none(client: httpx.AsyncClient, door: StandIn) -> None:
    assert (await client.post("/v1/scan")).json() == {"paths": ["/p"], "warnings": []}
    body = {"paths": ["/p/a"], "paths_bytes": [base64.b64encode(b"/p/\xff").decode()]}
    assert (await client.post("/v1/scan", json=body)).status_code == 200
    assert door.asked == [("scan",), ("scan", "/p/a", "/p/\udcff")]


async def test_a_verification_is_told_in_lines(client: httpx.AsyncClient, door: StandIn) -> None:
    answer = await client.post("/v1/verify", json={"paths": ["/p/a"], "full": True})
    assert answer.headers["content-type"] == "application/x-ndjson"
    first, last = map(json.loads, answer.text.splitlines())
    assert first == {"progress": {"what": "bytes", "done": 1, "of": 2}}
    assert last["result"]["state"] == "equal"
    assert (await client.post("/v1/verify")).status_code == 200
    assert door.asked == [("verify", "/p/a", True, False), ("verify", False, False)]
    assert (await client.post("/v1/verify", json={"full": "perhaps"})).status_code in (400, 422)


async def test_errors_are_told_of_paths_of_both_kinds_or_of_all(client: httpx.AsyncClient, door: StandIn) -> None:
    assert (await client.get("/v1/errors")).json()["total"] == 0
    asked: dict[str, Any] = {"path": ["/p/a", "/p/b"], "path_bytes": base64.b64encode(b"/p/\xff").decode(), "k": 7}
    assert (await client.get("/v1/errors", params=asked)).status_code == 200
    assert door.asked == [("errors", 1000), ("errors", "/p/a", "/p/b", "/p/\udcff", 7)]
    problem(await client.get("/v1/errors", params={"k": 0}), 422)
    problem(await client.get("/v1/errors", params={"path": [f"/p/{number}" for number in range(1001)]}), 422)


async def test_a_retry_takes_paths_of_both_kinds_or_none(client: httpx.AsyncClient, door: StandIn) -> None:
    assert (await client.post("/v1/retry")).json() == {"pictures": 2, "warnings": []}
    body = {"paths": ["/p/a"], "paths_bytes": [base64.b64encode(b"/p/\xff").decode()]}
    assert (await client.post("/v1/retry", json=body)).status_code == 200
    assert door.asked == [("retry",), ("retry", "/p/a", "/p/\udcff")]


@pytest.mark.parametrize(
    "asked",
    [
        {"k": "0"},
        {"k": str(MOST_HITS + 1)},
        {"k": "many"},
        {"timeout": "0"},
        {"timeout": "nan"},
        {"timeout": "inf"},
        {"timeout": "3601"},
        {"sync": "perhaps"},
        {"cursor": "9" * 1001},
        {"sort": "size"},
    ],
)
async def test_a_parameter_out_of_bounds_is_named(
    client: httpx.AsyncClient, door: StandIn, asked: dict[str, str]
) -> None:
    told = problem(await client.get("/v1/search", params=asked), 422)
    assert next(iter(asked)) in told["detail"]
    assert door.refusals == [("/v1/search", 422, told["detail"])]
    assert door.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b"\xff", 400),
        (b'{"paths": "/p"}', 422),
        (b'{"paths": ["\\ud800"]}', 400),
        (json.dumps({"paths": ["/p"] * 1001}).encode(), 422),
        (b'{"paths": [""]}', 400),
        (b'{"paths": ["/p\\u0000"]}', 400),
        (b'{"paths_bytes": ["?"]}', 400),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, door: StandIn, body: bytes, status: int
) -> None:
    problem(await client.post("/v1/scan", content=body, headers={"content-type": "application/json"}), status)
    assert door.asked == []


async def test_a_body_of_another_type_is_told_which(client: httpx.AsyncClient) -> None:
    told = problem(await client.post("/v1/scan", data={"paths": "/p"}), 415)
    assert "application/json" in told["detail"]
    problem(await client.post("/v1/scan", content=b'{"paths": ["/p"]}'), 415)
    told = problem(await client.post("/v1/scan", json="/p"), 422)
    assert told["detail"].startswith("body: ")


@pytest.mark.parametrize("asked", [{}, {"path": ""}, {"path": "/p\0"}, {"path_bytes": "ü"}, {"path_bytes": "AA="}])
async def test_explain_without_a_path_is_refused(client: httpx.AsyncClient, asked: dict[str, str]) -> None:
    problem(await client.get("/v1/explain", params=asked), 400)


async def test_unknown_routes_and_methods_are_refused(client: httpx.AsyncClient) -> None:
    for path in ("/", "/v1", "/v1/verification", "/v1/search/", "/docs", "/v1/pictures/"):
        problem(await client.get(path), 404)
    response = await client.post("/v1/status")
    problem(response, 405)
    assert response.headers["allow"] == "GET"
    problem(await client.get("/v1/scan"), 405)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("/etc is in no watched folder"), 400),
        (TableError("the table cannot be read"), 503),
        (NoRoomError("the disk is full", where="/state", hint="make room"), 503),
        (EncoderError("no encoder"), 503),
        (ChildError("a worker died"), 503),
        (StateError("not ours"), 500),
        (GlimpsedError("something \udcff else"), 500),
    ],
)
async def test_errors_of_the_tree_become_problems(
    client: httpx.AsyncClient, door: StandIn, error: GlimpsedError, status: int
) -> None:
    async def fail() -> None:
        raise error

    door.work = fail
    told = problem(await client.get("/v1/search"), status)
    assert told["detail"] == (f"{error.where}: " if error.where else "") + error.what.replace("\udcff", "?")
    assert told.get("hint") == error.hint
    assert "column" not in told
    assert door.refusals == [("/v1/search", status, str(error))]


async def test_a_fault_in_a_question_has_its_column(client: httpx.AsyncClient, door: StandIn) -> None:
    async def fail() -> None:
        raise QueryError('unknown filter "afetr": after?', column=7, hint="filters are …", suggestion="after:")

    door.work = fail
    told = problem(await client.get("/v1/search", params={"q": "boats afetr:2024"}), 400)
    assert (told["detail"], told["column"], told["hint"]) == ('unknown filter "afetr": after?', 7, "filters are …")
    assert (told["suggestion"], "field" in told) == ("after:", False)


async def test_a_fault_in_a_field_has_its_name(client: httpx.AsyncClient, door: StandIn) -> None:
    async def fail() -> None:
        raise QueryError('knows no "wepb": webp?', field="type", suggestion="webp")

    door.work = fail
    told = problem(await client.post("/v1/search", json={"type": "wepb"}), 400)
    assert (told["detail"], told["field"], told["suggestion"]) == ('type: knows no "wepb": webp?', "type", "webp")
    assert "column" not in told


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_mistake_of_ours_goes_to_the_log_and_not_to_the_client(
    client: httpx.AsyncClient, door: StandIn, grouped: bool
) -> None:
    async def fail() -> None:
        error = KeyError("the secret")
        raise ExceptionGroup("several", [error]) if grouped else error

    door.work = fail
    response = await client.get("/v1/status")
    problem(response, 500)
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    [(route, status, reason)] = door.refusals
    assert (route, status) == ("/v1/status", 500)
    assert reason.startswith("KeyError: 'the secret'")
    assert grouped or "test_app.py" in reason


async def test_pictures_thumbnails_and_files_are_served(
    client: httpx.AsyncClient, door: StandIn, tmp_path: Path
) -> None:
    place = tmp_path / "a.jpg"
    place.write_bytes(b"0123456789")
    door.pictures = {"ab": PICTURE, "cd": PICTURE.model_copy(update={"format": "jpeg2000"})}
    door.pictures["ef"] = PICTURE.model_copy(update={"format": None})
    door.places = dict.fromkeys(("ab", "cd", "ef"), place)

    assert (await client.get("/v1/pictures/ab")).json()["description"] == [{"label": "ocr", "text": "RAMEN"}]
    thumbnail = await client.get("/v1/pictures/ab/thumbnail")
    assert (thumbnail.content, thumbnail.headers["content-type"]) == (b"0123456789", "image/webp")
    types = {one: (await client.get(f"/v1/pictures/{one}/file")).headers["content-type"] for one in door.pictures}
    assert types == {"ab": "image/png", "cd": "image/jp2", "ef": "application/octet-stream"}
    part = await client.get("/v1/pictures/ab/file", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")


async def test_what_is_not_there_is_told(client: httpx.AsyncClient, door: StandIn, tmp_path: Path) -> None:
    for path in ("/v1/pictures/00", "/v1/pictures/00/thumbnail", "/v1/pictures/00/file"):
        problem(await client.get(path), 404)
    door.pictures = {"ab": PICTURE, "cd": PICTURE}
    problem(await client.get("/v1/pictures/ab/file"), 404)
    door.places = {"cd": tmp_path / "gone.png"}
    told = problem(await client.get("/v1/pictures/cd/file"), 404)
    assert "No such file" in told["detail"]
    assert "gone.png" not in told["detail"]


async def test_starlettes_own_refusals_become_problems(
    client: httpx.AsyncClient, door: StandIn, tmp_path: Path
) -> None:
    place = tmp_path / "a.png"
    place.write_bytes(b"0123456789")
    door.pictures, door.places = {"ab": PICTURE}, {"ab": place}
    response = await client.get("/v1/pictures/ab/file", headers={"range": "bytes=90-99"})
    problem(response, 416)
    assert response.headers["content-range"] == "bytes */10"
    problem(await client.get("/v1/pictures/ab/file", headers={"range": "lines=1"}), 400)


async def test_events_come_as_lines_and_end_with_the_journal(door: StandIn) -> None:
    sent: list[Message] = []
    asked = anyio.Event()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as group:
        group.start_soon(make_app(door), scope("/v1/events"), receive, send)
        await until(lambda: door.readers == 1)
        door.journal.say(Event.PICTURE_MISSING, path="/p/\udcff.png", content_id="ab")
        await until(lambda: len(sent) == 3)
        door.journal.close()
    bodies = [message["body"] for message in sent[1:]]
    assert bodies[0] == b"\n"
    line = json.loads(bodies[1])
    assert (line["event"], line["path"]) == ("picture_missing", "/p/\ufffd.png")
    assert bodies[2:] == [b""]
    assert (b"content-type", b"application/x-ndjson") in sent[0]["headers"]
    assert door.readers == 0


async def test_a_reader_of_events_hears_of_silence_and_loses_nothing_for_it(door: StandIn) -> None:
    told: list[object] = []
    async with door.journal.subscribe() as lines, anyio.create_task_group() as group:

        async def follow() -> None:
            async for line in with_pauses(lines, 0.001):
                told.append(line and line["path"])  # noqa: PERF401  it is looked at while it grows

        group.start_soon(follow)
        for number in range(20):
            door.journal.say(Event.PICTURE_FORGOTTEN, path=str(number))
            await until(lambda number=number: told[-1:] == [None] and str(number) in told)  # type: ignore[misc]  # bound
        door.journal.close()
    assert [one for one in told if one is not None] == [str(number) for number in range(20)]


def scope(path: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
    }


async def test_openapi_tells_all_routes_and_their_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert set(document["paths"]) == {
        "/v1/search",
        "/v1/complete",
        "/v1/explain",
        "/v1/pictures/{content_id}",
        "/v1/pictures/{content_id}/thumbnail",
        "/v1/pictures/{content_id}/file",
        "/v1/status",
        "/v1/scan",
        "/v1/retry",
        "/v1/verify",
        "/v1/pause",
        "/v1/resume",
        "/v1/errors",
        "/v1/forget",
        "/v1/events",
        "/metrics",
    }
    for path in document["paths"].values():
        for operation in path.values():
            for status in ("4XX", "5XX"):
                content = operation["responses"][status]["content"]
                assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert document == (await client.get("/openapi.json")).json()
    names = {one["name"] for one in document["paths"]["/v1/search"]["get"]["parameters"]}
    assert names == {"q", "k", "sort", "cursor", "sync", "timeout"}
    body = document["components"]["schemas"]["SearchRequest"]["properties"]
    assert {"words", "phrases", "not", "in", "near", "is", "k", "cursor", "timeout"} <= set(body)
    assert set(document["components"]["schemas"]["Completion"]["properties"]) == {"text", "from", "to"}


async def test_a_request_that_hangs_is_ended(door: StandIn) -> None:
    door.work = anyio.sleep_forever
    async with asking(door, Bounds(seconds=0.01)) as client:
        response = await client.get("/v1/status")
    assert "too long" in problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "1"
    assert door.refusals[0][:2] == ("/v1/status", 503)


async def test_a_search_that_waits_may_take_as_long_as_it_was_given(client: httpx.AsyncClient, door: StandIn) -> None:
    left: list[float] = []

    async def work() -> None:
        left.append(anyio.current_effective_deadline() - anyio.current_time())

    door.work = work
    await client.get("/v1/search", params={"timeout": 3600})
    await client.get("/v1/search", params={"sync": 1, "timeout": 3600})
    await client.post("/v1/scan")
    usual, waiting, scanning = left
    assert usual <= Bounds().seconds < scanning < 3600 < waiting <= 3600 + Bounds().seconds


async def test_one_request_too_many_is_told_to_come_back(door: StandIn) -> None:
    door.work = anyio.sleep_forever
    async with asking(door, Bounds(at_once=2)) as client, anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(client.get, "/v1/status")
        await until(lambda: len(door.asked) == 2)
        response = await client.get("/v1/status")
        assert response.headers["retry-after"] == "1"
        problem(response, 503)
        group.cancel_scope.cancel()
    door.work = None
    async with asking(door, Bounds(at_once=2)) as client:
        assert (await client.get("/v1/status")).status_code == 200


async def test_a_body_too_large_is_refused_and_one_just_large_enough_is_not(door: StandIn) -> None:
    async with asking(door, Bounds(body=100)) as client:
        blank = b" " * 98
        json_type = {"content-type": "application/json"}
        assert (await client.post("/v1/scan", content=b"{}" + blank, headers=json_type)).status_code == 200
        problem(await client.post("/v1/scan", content=b"{} " + blank), 413)
        problem(await client.request("GET", "/v1/status", content=b"{} " + blank), 413)


async def test_what_is_no_http_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Any:
        return None

    limits = Limits(app, requests=Requests(Bounds()), refused=lambda *_: None)
    await limits({"type": "lifespan"}, nothing, nothing)
    assert seen == ["lifespan"]


async def test_a_client_that_leaves_with_half_a_body_is_forgotten(door: StandIn) -> None:
    async def left() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        raise AssertionError("nobody is there")

    app = make_app(door)
    await app(scope("/v1/status"), left, send)
    assert door.asked == []
    assert door.refusals == []
    assert app.state.requests.working == 0


async def test_an_answer_that_fails_in_its_midst_is_cut_off(door: StandIn) -> None:
    sent: list[Message] = []

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError("the disk is gone")

    async def receive() -> Message:
        if sent:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    limits = Limits(app, requests=Requests(Bounds()), refused=door.refused)
    await limits(scope("/x"), receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "the disk is gone" in door.refusals[0][2]
