"""What the page shows of payments, in headless Chromium."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.page.conftest import Running, faults_of, serve, texts
from tests.service.page.screenshots import KINDS, find, open_page, sign_in
from tests.service.payments.stream import run_recommend
from tests.service.payments.test_examples import LISTS, write


@pytest.fixture(scope="module")
def paying(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The small bank with payments, names and lists of new providers."""
    folder = tmp_path_factory.mktemp("paying") / "bank"
    shutil.copytree(ran, folder)
    run_recommend(folder, names=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        write(LISTS)
    finally:
        os.chdir(before)
    with serve(folder) as service:
        yield service


@pytest.fixture(params=list(KINDS))
def page(browser: Browser, paying: Running, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, signed in, that must not throw."""
    faults: list[str] = []
    opened = open_page(browser, paying.address, request.param)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(opened, paying.keys["page"])
    yield opened
    opened.context.close()
    assert faults == []


in_english = pytest.mark.parametrize("page", ["light"], indirect=True)


def answered(paying: Running, kind: str, client: int) -> Any:
    key = {"Authorization": f"Bearer {paying.keys['read']}"}
    return httpx.post(
        f"{paying.address}payments/{kind}", json={"client": client}, headers=key
    ).json()


def with_cards(paying: Running) -> tuple[int, Any]:
    """A client who has a card of an operation that recurs, and the answer."""
    for client in range(4, 61):
        answer = answered(paying, "operations", client)
        if any(one["expected"] for one in answer["cards"]):
            return client, answer
    raise AssertionError("nobody has such a card")


@in_english
def test_cards_and_the_search_page_stand_as_the_service_gave_them(
    page: Page, paying: Running
) -> None:
    client, answer = with_cards(paying)
    find(page, client)
    expect(page.locator("#payments-title")).to_have_text("Paymentslikely on September 1, 2025")
    assert texts(page, ".card h4") == [one["name"] for one in answer["cards"]]
    assert texts(page, ".card .number") == [f"{one['chance']:.1%}" for one in answer["cards"]]
    assert page.locator(".card .reasons li").all_text_contents() == [
        reason["en"][0].upper() + reason["en"][1:]
        for one in answer["cards"]
        for reason in one["reasons"]
    ]
    assert texts(page, ".operation .title") == [one["name"] for one in answer["top"]]
    assert texts(page, ".operation .number") == [f"{one['chance']:.1%}" for one in answer["top"]]
    examples = answered(paying, "examples", client)["examples"]
    assert texts(page, ".example") == [one["name"] for one in examples]


@in_english
def test_what_is_said_of_an_operation(page: Page) -> None:
    find(page, 1)
    threshold = page.locator(".cards .muted").inner_text()
    assert threshold.startswith("No operation is likely enough for a card (from ")
    assert texts(page, ".operation .facts") == [
        "usually 102.00 · last paid Aug 26 · expected Sep 2",
        "usually 10.00 · last paid Aug 29",
    ]
    assert texts(page, ".searchExamples .muted") == [
        "Beyond the client's own list: popular in the region."
    ]
    assert texts(page, ".example") == ["Net & Co", "Fuel & Co", "Water & Co"]


@in_english
def test_clients_who_pay_nobody_and_those_who_are_not_known(page: Page) -> None:
    popular = ["Bread & Co", "Fuel & Co", "Gas & Co"]
    for client, examples in ((2, ["Tram & Co"]), (999, popular)):
        find(page, client)
        assert texts(page, ".searchTop .muted") == ["Nobody was paid lately."]
        assert texts(page, ".example") == examples


@in_english
def test_somebody_with_payments_and_without_products(page: Page) -> None:
    page.route("**/customers?*", lambda route: route.fulfill(status=404, json={}))
    find(page, 1)
    said = "No products of customer 1 are known. These are the ones that most customers add."
    expect(page.locator(".found > .note")).to_have_text(said)
    expect(page.locator("#status")).to_have_text(said)
    assert page.locator(".operation").count() == 2


@in_english
def test_payments_that_cannot_be_read_leave_the_products(page: Page) -> None:
    page.route("**/payments/operations", lambda route: route.fulfill(status=503, json={}))
    find(page, 1)
    expect(page.locator(".payments .note")).to_have_text(
        "Payments could not be read now. Search again in a moment."
    )
    assert page.locator(".offer").count() > 0
    page.unroute("**/payments/operations")
    page.route("**/payments/examples", lambda route: route.fulfill(status=422, json={}))
    find(page, 1)
    assert page.locator(".payments").count() == 0  # no id of a client who pays


@in_english
def test_names_are_never_markup(page: Page, paying: Running) -> None:
    evil = "<img src=x onerror=\"document.body.dataset.hurt = 'yes'\">"
    answer = answered(paying, "operations", 1)
    answer["top"][0]["name"] = evil
    page.route("**/payments/operations", lambda route: route.fulfill(json=answer))
    find(page, 1)
    assert texts(page, ".operation .title")[0] == evil
    assert page.evaluate("document.body.dataset.hurt") is None


@in_english
def test_answers_about_payments_are_counted(page: Page) -> None:
    find(page, 1)
    page.click("#tab-statistics")
    expect(page.locator("#chart-paymentsAnswers")).to_be_visible()
    labels = texts(page, "#chart-paymentsAnswers tbody th")
    assert {"operations: personal", "search examples: personal"} <= set(labels)


def test_payments_are_accessible_and_fit_the_narrowest_window(page: Page, paying: Running) -> None:
    client, _ = with_cards(paying)
    find(page, client)
    assert faults_of(page) == []
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    titles = page.locator(".card h4, .operation .title").all()
    assert all((box := one.bounding_box()) and box["width"] > 40 for one in titles)


def test_without_payments_nothing_is_said_of_them(browser: Browser, running: Running) -> None:
    page = open_page(browser, running.address, "light")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, running.keys["page"])
    find(page, 1)
    assert page.locator(".payments").count() == 0
    assert [url for url in asked if "payments/" in url] == []
    page.context.close()
