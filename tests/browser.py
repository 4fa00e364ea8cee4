"""Pages as a browser lays them out: headless Chromium, where there is one."""

import html
import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

WIDTHS = (360, 768, 1920)

_MEASURE = """
addEventListener("load", () => {
  const measured = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, width = page.documentElement.clientWidth, wrong = [];
    page.querySelectorAll("details").forEach(one => { one.open = true; });
    if (page.documentElement.scrollWidth > width) wrong.push("the page is " + page.documentElement.scrollWidth + " wide");
    for (const one of page.body.querySelectorAll("*")) {
      const box = one.getBoundingClientRect(), name = `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`;
      if (box.width && (box.right > width + 1 || box.left < -1)) wrong.push(name + " ends at " + box.right);
      const hides = getComputedStyle(one).overflowX != "visible";
      if (hides && one.scrollWidth > one.clientWidth + 1) wrong.push(name + " is clipped");
      if (one.tagName == "IMG" && !(one.complete && one.naturalWidth)) wrong.push("a picture is not shown: " + one.alt);
    }
    measured[frame.id] = {width: width, wrong: wrong, height: page.documentElement.scrollHeight};
  }
  document.getElementById("measured").textContent = JSON.stringify(measured);
});
"""


class Links(HTMLParser):
    """Every address in a page, and every name that one may lead to."""

    def __init__(self, text: str):
        super().__init__()
        self.addresses, self.names = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.names += [value for name, value in attributes if name == "id"]


def dead_links(page: Path) -> list[str]:
    """The addresses in a page that lead nowhere: files that are not there, names that no element has, other hosts."""
    found = Links(page.read_text())
    local = [address for address in found.addresses if not address.startswith("data:")]
    names = {f"#{name}" for name in found.names}
    return [one for one in local if one not in names and not (page.parent / unquote(one.partition("#")[0])).is_file()]


def laid_out(page: Path, folder: Path) -> dict[int, list[str]]:
    """What is wider than the page, clipped or not shown, by the width of the window; all details are opened.

    A window of Chromium is at least 500 pixels wide, so the page is laid out in frames.
    """
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("there is no Chromium to look at the page with: apt-get install chromium")
    text = html.escape(page.read_text())
    frames = "".join(
        f'<iframe id="{w}" style="width:{w}px;height:900px;border:0" srcdoc="{text}"></iframe>' for w in WIDTHS
    )
    wrapper = page.with_name(f"{page.stem}-framed.html")  # beside the page, so that its addresses lead where they did
    wrapper.write_text(f'<!doctype html><meta charset="utf-8">{frames}<pre id="measured"></pre><script>{_MEASURE}</script>')
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder}",
        "--dump-dom",
    ]
    done = subprocess.run([*command, wrapper.as_uri()], capture_output=True, text=True, timeout=90)
    wrapper.unlink()
    measured = json.loads(html.unescape(done.stdout.rpartition('<pre id="measured">')[2].partition("</pre>")[0]))
    assert {int(name): one["width"] for name, one in measured.items()} == {w: w for w in WIDTHS}
    return {int(name): one["wrong"] for name, one in measured.items()}
