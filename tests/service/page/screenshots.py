"""Pictures of the page: by the test of the tiny bank, and by hand of a service that runs.

NEXTBEST_KEY=… python -m tests.service.page.screenshots http://127.0.0.1:8000/ 15981 docs/images
"""

import os
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
KINDS: dict[str, tuple[int, Literal["light", "dark"], str]] = {  # width, scheme, language
    "light": (1280, "light", "en-GB"),
    "dark": (1280, "dark", "ru-RU"),
    "phone": (360, "light", "en-GB"),
}


def chromium() -> str | None:
    """Path of an installed Chromium; None where there is none."""
    return next((path for path in CHROMIUM if Path(path).exists()), None)


def open_page(browser: Browser, address: str, kind: str) -> Page:
    """A page in a window of its own, nobody signed in."""
    width, scheme, language = KINDS[kind]
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
        has_touch=kind == "phone",
    )
    context.set_default_timeout(5_000)
    page = context.new_page()
    page.goto(address)
    return page


def sign_in(page: Page, key: str) -> None:
    """Sign in, and wait until a customer can be looked for."""
    page.fill("#key", key)
    page.press("#key", "Enter")
    page.wait_for_selector("#find:visible")


def find(page: Page, customer: int | str) -> None:
    """Look for a customer, and wait for the answer."""
    page.fill("#id", str(customer))
    with page.expect_response("**/recommendations"):
        page.press("#id", "Enter")
    page.wait_for_selector("#found:not([aria-busy]) > *")


def take(page: Page, customer: int | str, path: Path) -> None:
    """Picture of a customer, one offer accepted and one dismissed if there are as many."""
    find(page, customer)
    for place, action in enumerate(["accepted", "dismissed"]):
        offer = page.locator(".offer").nth(place)
        if offer.count():
            with page.expect_response("**/feedback"):
                offer.locator(f"[data-action={action}]").click()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.screenshot(path=path, full_page=True)


def main() -> None:
    """Take all pictures of one customer, and the statistics."""
    address, customer, folder = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for kind in KINDS:
            page = open_page(browser, address, kind)
            sign_in(page, os.environ["NEXTBEST_KEY"])
            take(page, customer, Path(folder) / f"page-{kind}.png")
            if kind == "light":
                page.click("#tab-statistics")
                page.wait_for_selector(".chart")
                page.screenshot(path=Path(folder) / "page-statistics.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
