"""Requests made from the OpenAPI document, right and wrong: no answer is a server error."""

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from tests.service.bank import Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    response_schema_conformance,
]


@pytest.mark.filterwarnings("ignore")  # of the tools that make the requests
def test_no_request_ends_in_a_fault(service: Service) -> None:
    send_requests(service, "")


def send_requests(service: Service, prefix: str) -> None:
    """Send requests to all routes whose path begins so."""
    document = schemathesis.openapi.from_dict(service.app.openapi())
    document.app = service.app
    declared = [found.ok() for found in document.get_all_operations()]  # type: ignore[union-attr]
    operations = [one for one in declared if one.path.startswith(prefix)]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    asked = []

    for operation in operations:
        for mode in modes:

            @settings(
                max_examples=12,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Case[Any]) -> None:
                asked.append(case.operation.label)
                case.call_and_validate(headers=service.as_("admin"), checks=CHECKS)

            with suppress(Unsatisfiable):  # there is nothing to get wrong
                check()
    assert set(asked) == {operation.label for operation in operations}
    errors = service.app.state.process.monitoring.registry.get_sample_value("nextbest_errors_total")
    assert errors == 0
