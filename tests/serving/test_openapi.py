"""Requests of all kinds, drawn by schemathesis from the OpenAPI document, to a real daemon through its socket."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from tests import pictures
from tests.daemons import PATIENCE, Daemon, running
from tests.serving.doors import StandIn

from glimpsed.serving.app import make_app

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(make_app(StandIn()).openapi())


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("o")
    folder = home / "Pictures"
    folder.mkdir()
    for number in range(3):
        pictures.save(folder / f"{number}.png", pictures.noisy((40, 30), seed=number), caption="a red bicycle")
    with running(home, folder, READ_OCR="false") as daemon:
        daemon.idle(3)
        yield daemon
        assert daemon.idle(3)["pictures"]["fresh"] == 3
        assert len(daemon.names("a red bicycle")) == 3
        assert daemon.stop() == 0


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(uds=str(daemon.socket))
    with httpx.Client(transport=transport, base_url="http://glimpsed", timeout=PATIENCE) as client:
        yield client


@SCHEMA.exclude(path="/v1/events").parametrize()  # that has no end
@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_no_request_is_a_mistake_of_the_daemon(case: "schemathesis.Case[Any]", client: httpx.Client) -> None:
    given = case.as_transport_kwargs(base_url="http://glimpsed")
    given["content"] = given.pop("data", None)
    given.pop("cookies", None)
    response = client.request(**given)
    case.validate_response(response, checks=CHECKS)
