import pytest

from tests.service.bank import Service
from tests.service.web.test_openapi import send_requests


@pytest.mark.filterwarnings("ignore")  # of the tools that make the requests
def test_no_request_ends_in_a_fault(paying: Service) -> None:
    """Where payments are served; without them, the test of all routes says so."""
    send_requests(paying, "/payments/")
