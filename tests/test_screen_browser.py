"""What a physician does on the screen, in a real browser against a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import HEIGHT, WIDTH, browser
from conftest import ROOT
from served import served

from oncogate.server.settings import Settings

pytest.importorskip("selenium", reason="needs selenium, which the extra `dev` brings")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

EXAMPLES = ROOT / "examples"
BUSY = ".htmx-request, .htmx-swapping, .htmx-settling"
"""What htmx marks while a page is under way."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the screen is served."""
    with served(Settings()) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as driver:
        yield driver


@pytest.fixture
def screen(address: str, chrome: Any) -> Iterator[Screen]:
    """The screen in the browser; whatever a test does, no script may complain and nothing may be kept."""
    chrome.get_log("browser")
    yield Screen(chrome, address)
    complaints = [entry["message"] for entry in chrome.get_log("browser")]
    assert complaints == []
    assert chrome.get_cookies() == []
    assert chrome.execute_script("return localStorage.length") == 0
    kept = chrome.execute_script("return Object.entries(sessionStorage)")
    assert [key for key, _ in kept if key != "htmx-current-path-for-history"] == []


class Screen:
    """What one does on the screen and sees there."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, path: str) -> None:
        self.driver.get(self.address + path)

    def one(self, css: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, css))

    def text(self, css: str) -> str:
        return str(self.one(css).text)

    def click(self, css: str) -> None:
        def clicked() -> bool:
            self.one(css).click()
            return True

        self.until(clicked, still=False)  # what is being put in another's place can't be clicked yet

    def press(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)

    def until(self, holds: Callable[[], Any], seconds: float = 10, *, still: bool = True) -> None:
        """Wait until something holds and, unless told, nothing is under way; an element that went away while it was looked at is looked for again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if holds() and not (still and self.all(BUSY)):
                    return
            except Exception:
                if time.monotonic() > deadline:
                    raise
            assert time.monotonic() < deadline, (
                f"not within {seconds} s; the page says: {self.text('body')[:600]}"
            )
            time.sleep(0.03)

    def until_banner(self, kind: str) -> None:
        self.until(lambda: self.all(f"#answer .banner.{kind}"))

    def tab_to(self, css: str, most: int = 60) -> None:
        """Go to something with the Tab key alone; whatever is passed shows where the focus is."""
        for _ in range(most):
            self.press(Keys.TAB)
            active = self.driver.switch_to.active_element
            if active.tag_name != "body":  # past the last, before the first again
                style = self.driver.execute_script(
                    "return getComputedStyle(arguments[0]).outlineStyle", active
                )
                assert style != "none", active.get_attribute("outerHTML")
            if active in self.all(css):
                return
        raise AssertionError(f"no {css} within {most} steps")

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        wide = self.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
        return int(wide)


def test_an_order_without_consent_is_blocked_remedied_and_allowed_by_keyboard(screen: Screen) -> None:
    screen.open("/")
    screen.tab_to(".skips a")  # the way past the list of patients
    screen.press(Keys.ENTER)
    screen.tab_to("#sign", 3)
    screen.press(Keys.ENTER)
    screen.until_banner("block")
    assert screen.text("#answer .banner").startswith("拦截")
    assert "缺少有效的治疗知情同意" in screen.text("#answer")
    assert screen.one("#announce").get_attribute("textContent") == "拦截：本次医嘱暂不能执行"
    assert screen.driver.switch_to.active_element.get_attribute("id") == "answer", "the answer is read out"

    screen.tab_to("button[value='do:sign-consent']", 3)
    screen.press(Keys.SPACE)
    screen.until_banner("allow")
    assert screen.text("#answer .banner").startswith("放行")
    assert "签署知情同意书" in screen.text(".chip")
    assert "化疗 TC" in screen.text(".record .new")

    screen.tab_to("#lang-en")
    screen.press(Keys.ENTER)
    screen.until(lambda: screen.text("#answer .banner").startswith("ALLOW"))
    assert screen.one("html").get_attribute("lang") == "en"

    screen.tab_to(".folded:last-of-type summary")
    screen.press(Keys.ENTER)
    screen.tab_to("a.rule[href*='core/consent-missing']")
    screen.press(Keys.ENTER)
    screen.until(lambda: screen.text("h1") == "No valid informed consent")
    assert "true consent to anti-tumour treatment on record" in " ".join(screen.text(".logic").split())
    assert screen.text(".results .here").endswith("passes")

    screen.driver.back()  # the case stands in the address, so that the way back leads to it
    screen.until_banner("allow")


def test_several_remedies_one_after_the_other(screen: Screen) -> None:
    screen.open("/")
    screen.click("#patient-not-supplied")
    screen.until(lambda: "系统未提供" in screen.text("#order") and not screen.all(".banner"))
    screen.click("#sign")
    screen.until_banner("block")
    screen.click("button[value='do:check-blood-count']")
    screen.until(lambda: len(screen.all(".chip")) == 1)
    assert screen.all("#answer .banner.block"), "one alone doesn't do"
    screen.click("button[value='do:sign-consent']")
    screen.until_banner("allow")
    screen.click("button[value='undo:check-blood-count']")
    screen.until_banner("block")


@pytest.mark.parametrize("name", ["near-miss-consent", "fhir-bundle", "cds-hooks-order-sign"])
def test_a_pasted_record_goes_from_page_to_page_and_into_no_address(screen: Screen, name: str) -> None:
    text = (EXAMPLES / f"{name}.json").read_text("utf-8")
    screen.open("/")
    screen.click("#paste")
    screen.until(lambda: screen.one("#text"))
    area = screen.one("#text")
    screen.driver.execute_script("arguments[0].value = arguments[1]", area, text)
    screen.one("#at").send_keys("2026-03-02T09:30:00+08:00")
    screen.click("#sign")
    screen.until_banner("block")
    screen.click("#answer .card .rule")
    screen.until(lambda: screen.all(".logic .truth"))
    assert "粘贴的病历" in screen.text(".compare")
    screen.click("#lang-en")
    screen.until(lambda: "Pasted record" in screen.text(".compare"))
    screen.click(".bar .tab[aria-current]")
    screen.until(lambda: screen.all("td .verdict.unmet"))
    screen.one("#q").send_keys("neutrophil count below")
    screen.until(lambda: len(screen.all(".rules tbody tr")) < 20)
    assert screen.all("td .verdict") or screen.all(".rules button.rule")
    screen.one("#q").send_keys(Keys.ENTER)
    screen.until(
        lambda: (
            screen.one("#q").get_attribute("value") == "neutrophil count below"
            and not screen.all(".htmx-request")
        )
    )
    assert len(screen.all(".rules tbody tr")) < 20, "Enter looks for it, and goes nowhere else"
    screen.click(".bar .tab:not([aria-current])")
    screen.until_banner("block")
    assert json.loads(screen.one("#text").get_attribute("value")) == json.loads(text)
    assert screen.driver.current_url in (screen.address + "/", screen.address + "/?pasting=1&lang=zh")


def test_a_file_is_read_into_the_page(screen: Screen, tmp_path: Path) -> None:
    screen.open("/?pasting=1")
    good = EXAMPLES / "no-consent.json"
    screen.one("#file").send_keys(str(good))
    screen.until(lambda: "ord-1" in screen.one("#text").get_attribute("value"))
    wrong = tmp_path / "gbk.json"
    wrong.write_bytes('{"at": "患者"}'.encode("gbk"))
    screen.one("#file").send_keys(str(wrong))
    screen.until(lambda: "UTF-8" in screen.text(".file-problem"))
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (2 * 1024 * 1024 + 1))
    screen.one("#file").send_keys(str(large))
    screen.until(lambda: "2 MB" in screen.text(".file-problem"))
    screen.click("#sign")
    screen.until_banner("block")


def test_what_cannot_be_read_is_said_where_it_stands(address: str, chrome: Any) -> None:
    screen = Screen(chrome, address)
    screen.open("/?pasting=1")
    screen.one("#text").send_keys('{"at": oops}')
    screen.click("#sign")
    screen.until(lambda: "未作审核" in screen.text("#answer"))
    assert "1:8" in screen.text(".problems")
    assert screen.one("#text").get_attribute("value") == '{"at": oops}'
    noted = [entry["message"] for entry in chrome.get_log("browser")]
    assert all("status of 400" in message for message in noted), (
        "the browser notes the status, and nothing else"
    )


def test_rules_are_found_while_one_types(screen: Screen) -> None:
    screen.open("/rules")
    assert len(screen.all(".rules tbody tr")) == 133
    screen.one("#q").send_keys("知情同意 无知情")
    screen.until(lambda: len(screen.all(".rules tbody tr")) == 1)
    screen.click(".rules tbody a")
    screen.until(lambda: screen.text("h1") == "缺少有效的治疗知情同意")
    assert screen.all(".truth") == []
    Select(screen.one("#compare")).select_by_visible_text("有同意书，但都不能采用")
    screen.click("#show")
    screen.until(lambda: screen.all(".logic .truth"))
    assert "针对的是“AC-T”" in screen.text(".logic")


PATHS = [
    "/", "/?patient=near-miss-consent&act=sign", "/?patient=cds-hooks-order-sign&act=sign&lang=en",
    "/?patient=not-supplied&act=sign&lang=en", "/?pasting=1&lang=en", "/rules?patient=allowed", "/rules?lang=en",
    "/rules/neutropenia/febrile-neutropenia-cisne-high?patient=no-consent",
    "/rules/neutropenia/assessment-lower-than-implied?patient=no-consent&lang=en", "/rules/safety/vincristine-not-intravenous?lang=en",
    "/rules/no/such-rule",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_fits_a_wards_old_screen(address: str, chrome: Any, path: str) -> None:
    screen = Screen(chrome, address)
    screen.open(path)
    chrome.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert screen.overflow() <= 0
    for seen in ("#sign", ".banner", "h1:not(.unseen)", ".forward .do-it", "#q"):
        for element in screen.all(seen)[:1]:
            box = element.rect
            assert box["x"] >= 0, seen
            assert box["x"] + box["width"] <= WIDTH, seen
            assert box["y"] + box["height"] <= HEIGHT, f"{seen} is below the fold"
    chrome.get_log("browser")


def test_works_without_scripts(address: str) -> None:
    with browser(scripts=False) as driver:
        screen = Screen(driver, address)
        screen.open("/")
        screen.click("#sign")
        screen.until_banner("block")
        screen.click("button[value='do:sign-consent']")
        screen.until_banner("allow")
        screen.click("#lang-en")
        screen.until(lambda: screen.text("#answer .banner").startswith("ALLOW"))
        screen.open("/?pasting=1")
        screen.one("#text").send_keys('{"at": "2026-03-02T09:30:00+08:00", "record": {}}')
        screen.click("#sign")
        screen.until_banner("allow")
        assert screen.all("#file")[0].is_displayed() is False
