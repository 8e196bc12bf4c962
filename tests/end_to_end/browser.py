"""Chromium: Debian's own, and a page in it that never leaves the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, sync_playwright

HERE = {"127.0.0.1", "localhost"}


def find_chromium() -> str:
    """The browser's program, installed through apt where it is missing and we may."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise AssertionError(
            "The end-to-end tests need Chromium. Install it: sudo apt-get install chromium"
        )
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", "--quiet", *arguments], check=True)
    return shutil.which("chromium") or "/usr/bin/chromium"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def local_page(browser: Browser) -> Iterator[Page]:
    """A page whose requests to anywhere but this machine are aborted, and none was made."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 960}, device_scale_factor=1.5, locale="en-GB"
    )
    elsewhere: list[str] = []

    def judge(route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.scheme in ("http", "https", "ws", "wss") and url.hostname not in HERE:
            elsewhere.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    context.route("**/*", judge)
    page = context.new_page()
    page.set_default_timeout(20_000)
    try:
        yield page
        assert elsewhere == [], f"The page asked for {elsewhere}."
    finally:
        context.close()
