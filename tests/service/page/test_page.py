"""The page in headless Chromium, on the small bank."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, Route, expect

from tests.service.bank import PRODUCTS
from tests.service.page.conftest import ROOT, Running, faults_of, texts
from tests.service.page.screenshots import KINDS, find, open_page, sign_in, take

FOLDER = ROOT / "src/service/page"
EXPECTED_NOISE = "Failed to load resource"  # the browser's own line about a status of 4xx


@pytest.fixture
def page(browser: Browser, running: Running, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that must not throw, nor break its own content security policy."""
    faults: list[str] = []
    opened = open_page(browser, running.address, getattr(request, "param", "light"))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "console",
        lambda line: (
            faults.append(line.text)
            if line.type in {"error", "warning"} and EXPECTED_NOISE not in line.text
            else None
        ),
    )
    yield opened
    opened.context.close()
    assert faults == []


@pytest.fixture
def signed_in(page: Page, running: Running) -> Page:
    sign_in(page, running.keys["page"])
    return page


def answering(page: Page, path: str, status: int, body: dict[str, Any] | None = None) -> None:
    """Let the service answer something else from now on."""

    def answer(route: Route) -> None:
        route.fulfill(status=status, json=body or {"detail": "no"})

    page.route(path, answer)


# Serving


def test_every_file_is_served_with_its_type_and_may_do_nothing_foreign(running: Running) -> None:
    kinds = {".html": "text/html", ".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml"}
    assert {file.suffix for file in FOLDER.iterdir()} == set(kinds)
    paths = {"": ".html"} | {f"page/{file.name}": file.suffix for file in FOLDER.iterdir()}
    for path, suffix in paths.items():
        answer = httpx.get(running.address + path)
        assert answer.status_code == 200, path
        assert kinds[suffix] in answer.headers["content-type"], path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert {"default-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; ")), policy


def test_the_page_has_no_inline_code_and_makes_no_markup_of_text() -> None:
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)|https?:|//", html) == []
    for file in FOLDER.glob("*.js"):
        code = file.read_text(encoding="utf-8")
        assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", code) == []


# Signing in


def test_a_wrong_key_is_refused_and_forgotten(page: Page) -> None:
    page.fill("#key", "wrong")
    page.press("#key", "Enter")
    expect(page.locator("#alert")).to_have_text("The key was refused. Sign in again.")
    expect(page.locator("#key")).to_be_focused()
    expect(page.locator("#key")).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0
    assert not page.locator("#tabs").is_visible()


def test_the_key_stays_in_the_session_until_signing_out(page: Page, running: Running) -> None:
    expect(page.locator("#key")).to_be_focused()
    sign_in(page, running.keys["page"])
    expect(page.locator("#id")).to_be_focused()
    assert page.evaluate("({...sessionStorage})") == {"nextbest.key": running.keys["page"]}
    assert page.evaluate("({...localStorage})") == {}
    assert page.context.cookies() == []
    expect(page.locator("#about")).to_have_text(
        "Models abc1234, data up to April 2016, 120 known customers"
    )
    page.reload()
    find(page, 1)
    page.click("#sign-out")
    expect(page.locator("#key")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0
    assert texts(page, "#found, #charts, #about") == ["", "", ""]
    page.fill("#key", running.keys["page"])
    page.press("#key", "Enter")
    expect(page.locator("#id")).to_have_value("")
    expect(page.locator("#recent")).to_be_hidden()


# A customer


def test_recommendations_stand_as_the_service_gave_them(signed_in: Page, running: Running) -> None:
    find(signed_in, 1)
    answer = running.recommendations(1)
    offers = answer["recommendations"]
    assert texts(signed_in, ".offer h3") == [offer["title"]["en"] for offer in offers]
    assert texts(signed_in, ".offer .number") == [f"{offer['score']:.1%}" for offer in offers]
    for offer, item in zip(offers, signed_in.locator(".offer").all(), strict=True):
        share = str(item.locator(".bar-value").get_attribute("width"))
        assert float(share.removesuffix("%")) == pytest.approx(100 * offer["score"])
        shown = item.locator(".reasons li").all_text_contents()
        assert shown == [
            ("against: " if reason["contribution"] < 0 else "")
            + reason["en"][0].upper()
            + reason["en"][1:]
            for reason in offer["reasons"]
        ]
        fallback = offer["source"] != "personal"
        assert item.locator(".tag").count() == fallback
        names = {
            "mlc": "similar profiles",
            "kmeans": "cluster",
            "als": "similar holdings",
        }
        origin = item.locator(".origin").inner_text()
        assert [name in origin for name in names.values()] == [
            kind in offer["supported_by"] or kind == offer["source"] for kind in names
        ]
    filled = any(offer["source"] != "personal" for offer in offers)
    assert signed_in.locator(".offers .note").count() == filled
    expect(signed_in.locator("#id")).to_be_focused()
    assert (
        signed_in.locator("#status").inner_text() == f"Customer 1: {len(offers)} products to offer."
    )


def test_profile_shows_what_is_known_and_what_is_not(signed_in: Page, running: Running) -> None:
    find(signed_in, 44)  # neither income nor segment are in the file
    profile = running.get("customers/44").json()["profile"]
    assert profile["income_missing"]
    shown = dict(zip(texts(signed_in, ".profile dt"), texts(signed_in, ".profile dd"), strict=True))
    assert shown == {
        "Age": f"{profile['age']:.0f} years",
        "Time here": shown["Time here"],
        "Income": f"not known\nmodels assume {int(profile['income'] + 0.5):,}",
        "Customer type": "1",
        "Deceased": "no",
        "Province": "2",
        "Active": {"1": "yes", "0": "no"}[profile["active"]],
        "Segment": "not known",
    }
    years, months = divmod(int(profile["tenure"]), 12)
    assert str(years) in shown["Time here"] or years == 0
    assert str(months) in shown["Time here"] or months == 0


def test_holdings_are_a_table_of_months(signed_in: Page, running: Running) -> None:
    find(signed_in, 13)  # away in the second month
    months = running.get("customers/13").json()["months"][::-1]
    ever = {product for month in months for product in month["holdings"] or []}
    rows = {
        row.locator("th").inner_text(): [cell.text_content() for cell in row.locator("td").all()]
        for row in signed_in.locator(".timeline tbody tr").all()
    }
    assert set(rows) == {product.title() for product in ever}
    for product in ever:
        states = [
            "not a customer"
            if month["holdings"] is None
            else ("held" if product in month["holdings"] else "not held")
            for month in months
        ]
        assert rows[product.title()][:-1] == states
    assert "not a customer" in next(iter(rows.values()))


def test_runs_of_months_are_told_in_words(page: Page) -> None:
    told = page.evaluate(
        """async (rows) => {
            const { inWords } = await import("/page/timeline.js");
            const months = ["2015-11", "2015-12", "2016-01", "2016-02", "2016-03"];
            const states = (row) => [...row].map((bit) => (bit === "1" ? "held" : "notHeld"));
            return rows.map((row) => inWords(states(row), months.map((month) => ({ month }))));
        }""",
        ["11111", "00011", "11000", "01110", "01001", "00000"],
    )
    assert told == [
        "all 5 months",
        "since Feb 2016",
        "until Dec 2015",
        "Dec 2015 \N{EN DASH} Feb 2016",
        "Dec 2015, since Mar 2016",
        "",
    ]


def test_recent_searches_can_be_repeated(signed_in: Page) -> None:
    for customer in (2, 3, 2):
        find(signed_in, customer)
    assert texts(signed_in, "#recent button") == ["2", "3"]
    signed_in.click("#recent button:text-is('3')")
    expect(signed_in.locator("h1:visible")).to_have_text("Customer 3")
    expect(signed_in.locator("#recent [aria-current]")).to_have_text("3")


def test_what_the_service_says_is_never_markup(signed_in: Page, running: Running) -> None:
    answer = running.recommendations(1)
    evil = "<img src=x onerror=\"document.body.dataset.hurt = 'yes'\">"
    for offer in answer["recommendations"]:
        offer["title"] = {"en": evil, "ru": evil}
    answering(signed_in, "**/recommendations", 200, answer)
    find(signed_in, 1)
    assert set(texts(signed_in, ".offer h3")) == {evil}
    assert signed_in.evaluate("document.body.dataset.hurt") is None


# Feedback


def says(action: str, answer: Response) -> bool:
    """Whether something answers feedback with this action; what was shown is reported, too."""
    sent = answer.request.post_data or ""
    return answer.url.endswith("/feedback") and f'"{action}"' in sent


def test_accepting_and_dismissing_is_stored_and_can_be_changed(
    signed_in: Page, running: Running
) -> None:
    find(signed_in, 21)
    first, second = (signed_in.locator(".offer").nth(place) for place in (0, 1))
    products = [offer.get_attribute("data-product") for offer in (first, second)]
    for offer, action in ((first, "accepted"), (second, "accepted"), (second, "dismissed")):
        with signed_in.expect_response(partial(says, action)) as stored:
            offer.locator(f"[data-action={action}]").press("Enter")
        assert stored.value.status == 201
        expect(offer.locator(".outcome")).to_contain_text("days")  # until then, presses are ignored
    for offer, action, words in (
        (first, "accepted", "Accepted"),
        (second, "dismissed", "Dismissed"),
    ):
        expect(offer.locator("[aria-pressed=true]")).to_have_attribute("data-action", action)
        expect(offer.locator(".outcome")).to_contain_text(words)
    title = second.locator("h3").inner_text()
    expect(signed_in.locator("#status")).to_have_text(f"{title}: dismissed.")
    lines = [json.loads(line) for line in running.get("feedback/export").text.splitlines()]
    given = [
        (line["product"], line["action"])
        for line in lines
        if line["customer"] == "21" and line["action"] != "shown"
    ]
    assert given == [
        (products[0], "accepted"),
        (products[1], "accepted"),
        (products[1], "dismissed"),
    ]
    find(signed_in, 21)
    left = [item.get_attribute("data-product") for item in signed_in.locator(".offer").all()]
    assert not set(products) & set(left)
    expect(signed_in.locator(".removed")).to_contain_text(
        "2 in cooldown after accepted or dismissed offers"
    )


def test_offers_on_the_screen_are_reported_as_shown(signed_in: Page, running: Running) -> None:
    with signed_in.expect_response("**/feedback") as stored:
        find(signed_in, 22)
    sent: Any = stored.value.request.post_data_json
    answer = running.recommendations(22)
    assert re.fullmatch("[0-9a-f]{32}", sent["token"])
    assert sent == {
        "customer": "22",
        "product": answer["recommendations"][0]["product"],
        "action": "shown",
        "answer": sent["answer"],
        "token": sent["token"],
    }


def test_feedback_that_cannot_be_stored_is_taken_back(page: Page, running: Running) -> None:
    sign_in(page, running.keys["read"])
    find(page, 1)
    offer = page.locator(".offer").first
    title = offer.locator("h3").inner_text()
    offer.locator("[data-action=dismissed]").click()
    expect(page.locator("#alert")).to_have_text(
        f"{title}: not stored. This key does not allow that. "
        "Ask your administrator for another one."
    )
    expect(offer.locator("[aria-pressed=true]")).to_have_count(0)
    expect(offer.locator(".outcome")).to_be_empty()


def test_what_is_perhaps_stored_is_sent_again_under_the_same_token(
    signed_in: Page, running: Running
) -> None:
    find(signed_in, 26)
    offer = signed_in.locator(".offer").first
    title = offer.locator("h3").inner_text()
    tokens = []

    def lose_the_answer(route: Route) -> None:
        sent: Any = route.request.post_data_json
        if sent["action"] == "shown":
            route.continue_()
            return
        tokens.append(sent["token"])
        if len(tokens) == 1:
            route.fetch()  # it is stored
            route.fulfill(status=503, json={"detail": "timeout"})
        else:
            route.continue_()

    signed_in.route("**/feedback", lose_the_answer)
    offer.locator("[data-action=accepted]").click()
    expect(signed_in.locator("#alert")).to_have_text(
        f"{title}: perhaps not stored. The service did not answer in time. Try again. "
        "Press the same button again: it is stored once."
    )
    expect(offer.locator("[aria-pressed=true]")).to_have_count(0)
    offer.locator("[data-action=accepted]").click()
    expect(offer.locator(".outcome")).to_have_text("Accepted, not offered again for 30 days")
    assert tokens[0] == tokens[1]
    lines = [json.loads(line) for line in running.get("feedback/export").text.splitlines()]
    told = [line["action"] for line in lines if line["customer"] == "26"]
    assert told.count("accepted") == 1
    offer.locator("[data-action=accepted]").click()  # withdrawn: another feedback
    expect(offer.locator(".outcome")).to_have_text("Withdrawn")
    assert len(set(tokens)) == 2


# What can go wrong


def test_an_unknown_customer_is_offered_what_is_popular(signed_in: Page) -> None:
    find(signed_in, 999)
    expect(signed_in.locator("#found > .note")).to_have_text(
        "Customer 999 is not known to the service. These are the products that most customers add."
    )
    assert set(texts(signed_in, ".offer .tag")) == {"Fallback"}
    assert signed_in.locator(".offer").count() == len(PRODUCTS)
    assert not signed_in.locator(".profile").is_visible()


def test_who_left_has_no_profile_and_who_may_not_be_asked_gets_no_offer(signed_in: Page) -> None:
    find(signed_in, 8)
    expect(signed_in.locator(".profile .note")).to_have_text(
        "Not a customer in April 2016: there is no current profile."
    )
    expect(signed_in.locator(".timeline")).to_be_visible()
    find(signed_in, 7)
    expect(signed_in.locator(".offers")).to_contain_text("Nothing is left to offer.")
    expect(signed_in.locator(".removed")).to_contain_text("by rule “deceased”")


def test_an_impossible_id_is_marked_in_its_field(signed_in: Page) -> None:
    signed_in.fill("#id", "twelve")
    signed_in.press("#id", "Enter")
    expect(signed_in.locator("#alert")).to_have_text("This is not an id of this bank.")
    expect(signed_in.locator("#id")).to_have_attribute("aria-invalid", "true")
    find(signed_in, 1)
    expect(signed_in.locator("#alert")).to_be_hidden()
    expect(signed_in.locator("#id")).not_to_have_attribute("aria-invalid", "true")


def test_refusals_are_sentences(signed_in: Page) -> None:
    signed_in.fill("#id", "1")
    for status, sentence in {
        403: "This key does not allow that. Ask your administrator for another one.",
        429: "Too many requests. Wait a moment and try again.",
        500: "The service failed (status 500). Try again later.",
        503: "The service did not answer in time. Try again.",
    }.items():
        answering(signed_in, "**/customers?*", status)
        signed_in.press("#id", "Enter")
        expect(signed_in.locator("#alert")).to_have_text(sentence)
        assert signed_in.locator("#found").inner_text() == ""


def test_nobody_stays_on_the_screen_while_another_is_asked_for(signed_in: Page) -> None:
    find(signed_in, 1)
    assert signed_in.locator(".offer button").count() > 0
    signed_in.route("**/customers?*", lambda _: None)  # never answered
    signed_in.fill("#id", "2")
    signed_in.press("#id", "Enter")
    expect(signed_in.locator("#found > *")).to_have_count(0)
    expect(signed_in.locator("#recent [aria-current]")).to_have_count(0)


@pytest.mark.parametrize("identity", ["9007199254740993", "9007199254740992", "-9007199254740993"])
def test_ids_beyond_the_numbers_of_javascript_stay_as_they_are(
    signed_in: Page, running: Running, identity: str
) -> None:
    with signed_in.expect_response("**/feedback") as stored:
        find(signed_in, identity)
    assert stored.value.status == 201
    sent: Any = stored.value.request.post_data_json
    assert sent["customer"] == identity
    expect(signed_in.locator("#found > .note")).to_contain_text(f"Customer {identity} is not known")
    exported = running.get("feedback/export").text.splitlines()
    assert identity in {json.loads(line)["customer"] for line in exported}


def test_a_key_in_other_letters_is_refused_with_a_sentence(page: Page) -> None:
    page.fill("#key", "тест_ключ")
    page.press("#key", "Enter")
    expect(page.locator("#alert")).to_have_text(
        "A key has only Latin letters, digits, - and _. "
        "Check the keyboard's language, and copy the key whole."
    )
    expect(page.locator("#key")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0


def test_back_and_forward_go_from_customer_to_customer(signed_in: Page, running: Running) -> None:
    heading = signed_in.locator("h1:visible")
    find(signed_in, 2)
    find(signed_in, 3)
    assert signed_in.url == f"{running.address}#customer=3"
    signed_in.go_back()
    expect(heading).to_have_text("Customer 2")
    expect(signed_in.locator("#id")).to_have_value("2")
    signed_in.go_forward()
    expect(heading).to_have_text("Customer 3")
    signed_in.reload()
    expect(heading).to_have_text("Customer 3")
    signed_in.go_back()
    expect(heading).to_have_text("Customer 2")
    signed_in.go_back()
    expect(signed_in.locator("#id")).to_have_value("")
    expect(signed_in.locator("#found > *")).to_have_count(0)
    signed_in.go_forward()
    expect(heading).to_have_text("Customer 2")
    signed_in.click("#sign-out")
    assert signed_in.url == running.address


def test_an_address_that_is_no_id_shows_nobody(page: Page, running: Running) -> None:
    sign_in(page, running.keys["page"])
    page.evaluate("location.hash = '#customer=%E0%A4%A'")
    expect(page.locator("#id")).to_have_value("")
    page.evaluate("location.hash = '#customer=twelve%2F..'")
    expect(page.locator("#alert")).to_have_text("This is not an id of this bank.")
    expect(page.locator("#id")).to_have_value("twelve/..")


def test_everything_fits_the_narrowest_window(signed_in: Page) -> None:
    find(signed_in, 34)
    signed_in.set_viewport_size({"width": 320, "height": 600})
    assert signed_in.evaluate("document.documentElement.scrollWidth") == 320
    counts = {
        "errors": 12_345_678,
        "fallbacks": 1_234_567,
        "latency": [[0.0005, 12_345_678], [None, 2]],
        "answers": {"personal": 12_345_678},
        "requests": {"/load_recommendations 200": 12_345_678, "/customers/{customer} 404": 2},
        "recommended": {"card": 12_345_678},
        "removed": {"a" * 41: 12_345_678},
        "feedback": {"withdrawn": 12_345_678},
    }
    answering(signed_in, "**/get_statistics", 200, counts)
    signed_in.click("#tab-statistics")
    signed_in.wait_for_selector(".chart")
    for language in ("en", "ru"):
        assert signed_in.get_attribute("html", "lang") == language
        assert signed_in.evaluate("document.documentElement.scrollWidth") == 320
        for chart in signed_in.locator(".chart table").all():
            assert chart.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
        signed_in.click("#language")


def test_a_key_that_is_refused_later_leads_back_to_signing_in(signed_in: Page) -> None:
    find(signed_in, 1)
    answering(signed_in, "**/customers?*", 401)
    signed_in.press("#id", "Enter")
    expect(signed_in.locator("#alert")).to_have_text("The key was refused. Sign in again.")
    expect(signed_in.locator("#key")).to_be_focused()
    assert signed_in.evaluate("sessionStorage.length") == 0
    assert texts(signed_in, "#found") == [""]


def test_without_a_network_the_page_says_so(signed_in: Page) -> None:
    signed_in.context.set_offline(True)
    signed_in.fill("#id", "1")
    signed_in.press("#id", "Enter")
    expect(signed_in.locator("#alert")).to_have_text(
        "The service cannot be reached. Check the network and try again."
    )
    signed_in.context.set_offline(False)
    find(signed_in, 1)
    expect(signed_in.locator("#alert")).to_be_hidden()


# Statistics, language, form


def test_tabs_follow_the_arrows_and_charts_are_the_counts(signed_in: Page) -> None:
    find(signed_in, 1)
    signed_in.focus("#tab-customer")
    with signed_in.expect_response("**/get_statistics") as asked:
        signed_in.keyboard.press("ArrowRight")
    expect(signed_in.locator("#tab-statistics")).to_be_focused()
    expect(signed_in.locator("#tab-statistics")).to_have_attribute("aria-selected", "true")
    expect(signed_in.locator("#customer")).to_be_hidden()
    counts = asked.value.json()
    expect(signed_in.locator("#chart-answersBySource")).to_be_visible()
    for chart, name in (("requestsByRoute", "requests"), ("feedback", "feedback")):
        rows = signed_in.locator(f"#chart-{chart} tbody tr")
        shown = {
            row.locator("th").inner_text(): int(row.locator("td").nth(1).inner_text())
            for row in rows.all()
        }
        assert shown == counts[name]
        numbers = list(shown.values())
        assert numbers == sorted(numbers, reverse=True)
    total, faults, answers, fallbacks = texts(signed_in, ".figures dd")
    assert int(total) == sum(counts["requests"].values())
    assert (int(faults), int(answers)) == (counts["errors"], sum(counts["answers"].values()))
    assert fallbacks == f"{counts['fallbacks'] / int(answers):.1%}"
    signed_in.keyboard.press("Home")
    expect(signed_in.locator("#tab-customer")).to_be_focused()
    expect(signed_in.locator("h1:visible")).to_have_text("Customer 1")
    signed_in.keyboard.press("End")
    expect(signed_in.locator("#statistics")).to_be_visible()
    with signed_in.expect_response("**/get_statistics"):
        signed_in.click("#refresh")
    expect(signed_in.locator("#refresh")).to_be_focused()


def test_an_answer_is_withdrawn_by_the_same_button(signed_in: Page) -> None:
    find(signed_in, 24)
    first = signed_in.locator(".offer").first
    product = first.get_attribute("data-product")
    dismiss = first.locator("[data-action=dismissed]")
    dismiss.click()
    expect(first.locator(".outcome")).to_have_text("Dismissed, not offered again for 90 days")
    with signed_in.expect_response(partial(says, "withdrawn")) as stored:
        dismiss.click()
    sent: Any = stored.value.request.post_data_json
    assert (sent["product"], sent["action"]) == (product, "withdrawn")
    expect(first.locator(".outcome")).to_have_text("Withdrawn")
    expect(first.locator("[aria-pressed=true]")).to_have_count(0)
    find(signed_in, 24)
    assert signed_in.locator(".offer").first.get_attribute("data-product") == product


def test_a_double_click_is_one_answer(signed_in: Page, running: Running) -> None:
    find(signed_in, 25)
    first = signed_in.locator(".offer").first
    first.locator("[data-action=dismissed]").dblclick()
    expect(first.locator(".outcome")).to_have_text("Dismissed, not offered again for 90 days")
    first.locator("[data-action=accepted]").focus()
    signed_in.keyboard.down("Enter")
    signed_in.keyboard.down("Enter")  # held down: it repeats
    signed_in.keyboard.up("Enter")
    expect(first.locator(".outcome")).to_have_text("Accepted, not offered again for 30 days")
    lines = [json.loads(line) for line in running.get("feedback/export").text.splitlines()]
    told = [line["action"] for line in lines if line["customer"] == "25"]
    assert [action for action in told if action != "shown"] == ["dismissed", "accepted"]


def test_titles_and_times_to_answer_are_shown(signed_in: Page) -> None:
    find(signed_in, 24)
    with signed_in.expect_response("**/get_statistics") as asked:
        signed_in.click("#tab-statistics")
    counts = asked.value.json()
    expect(signed_in.locator("#chart-latency")).to_be_visible()
    shown = {
        row.locator("th").inner_text(): int(row.locator("td").nth(1).inner_text())
        for row in signed_in.locator("#chart-recommended tbody tr").all()
    }
    titles = counts["products"]
    assert shown == {titles[name]["en"]: count for name, count in counts["recommended"].items()}
    times = texts(signed_in, "#chart-latency tbody tr")
    assert [bound for bound, _ in counts["latency"]][:2] == [0.0005, 0.001]
    assert counts["latency"][-1][0] is None
    assert [text.split()[0] for text in times][:2] == ["0.5", "1"]
    asked_for = counts["requests"]["/recommendations 200"]
    assert sum(count for _, count in counts["latency"]) == asked_for


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_the_language_is_the_browsers_until_another_is_chosen(page: Page, running: Running) -> None:
    assert page.get_attribute("html", "lang") == "ru"
    expect(page.locator("#sign-in h1")).to_have_text("Вход")
    sign_in(page, running.keys["page"])
    find(page, 23)
    assert all(title.endswith(" (Ru)") for title in texts(page, ".offer h3"))
    page.locator(".offer [data-action=accepted]").first.click()
    expect(page.locator(".offer .outcome").first).to_contain_text("Принято")
    page.click("#language")
    assert page.get_attribute("html", "lang") == "en"
    expect(page.locator(".offer .outcome").first).to_contain_text("Accepted")
    expect(page.locator("h1:visible")).to_have_text("Customer 23")
    page.reload()
    assert page.get_attribute("html", "lang") == "en"


def test_both_languages_say_the_same_things(page: Page) -> None:
    said = page.evaluate("import('/page/texts.js').then((module) => module.TEXT)")
    assert placeholders(said["en"]) == placeholders(said["ru"])
    code = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.*"))
    unused = [key for key in said["en"] if not re.search(rf"\b{key}\b(?!:)", code)]
    assert [key for key in unused if not re.fullmatch(r"refused\d+|\w+Said", key)] == []


def placeholders(texts: dict[str, Any]) -> dict[str, set[str]]:
    """Names in braces of every text; plural forms count as one text."""
    return {key: set(re.findall(r"\{(\w+)\}", json.dumps(text))) for key, text in texts.items()}


@pytest.mark.parametrize("page", list(KINDS), indirect=True)
def test_the_page_is_accessible_and_fits_its_window(
    page: Page, running: Running, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kind = request.node.callspec.params["page"]
    width, *_ = KINDS[kind]
    if kind == "light":
        assert faults_of(page) == []
    sign_in(page, running.keys["page"])
    take(page, {"light": 31, "dark": 32, "phone": 33}[kind], tmp_path / f"{kind}.png")
    assert (tmp_path / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults_of(page) == []
    page.click("#tab-statistics")
    page.wait_for_selector(".chart")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults_of(page) == []
