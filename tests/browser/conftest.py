"""A real browser, a page of another origin, and the real service, all on this machine; each stopped as it was started."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import ProxyHandler, build_opener

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.requirements.service import running

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
DIRECT = build_opener(ProxyHandler({}))

Started = Callable[..., str]


@contextmanager
def serving(data: Path, **environment: str) -> Iterator[str]:
    """The real service as a process of its own; its base URL."""
    with running(data, CDS_LOG_LEVEL="warning", **environment) as service:
        yield f"http://127.0.0.1:{service.port}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as base:
        yield base


class Quiet(SimpleHTTPRequestHandler):
    """Serves the page; says nothing of it, remembers what else was asked for."""

    hits: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.hits.append(self.path)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """The address of the page, on an origin of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(HERE))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/ehr.html"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_PROXY", "127.0.0.1,localhost")
        chrome = Chrome(options, Service(driver))
        process = chrome.service.process
        try:
            chrome.set_script_timeout(20)
            yield chrome
        finally:
            chrome.quit()
            if process.poll() is None:
                process.kill()
            process.wait(10)


class Ehr:
    """The page in the browser, with the service it asks."""

    def __init__(self, browser: Chrome, base: str) -> None:
        self.browser = browser
        self.base = base

    def run(self, script: str, *given: Any) -> Any:
        """What the script in the page resolves to."""
        return self.browser.execute_async_script(
            f"const done = arguments[arguments.length - 1]; const given = arguments; ({script}).then(done);", *given
        )

    def ask(self, path: str, body: Any = None, **more: str) -> dict[str, Any]:
        """What the page can read of the answer; *body* is posted, JSON unless text."""
        sent = [] if body is None else [body if isinstance(body, str) else json.dumps(body), more]
        answer: dict[str, Any] = self.run(f"ask(given[0]{''.join(f', given[{n + 1}]' for n in range(len(sent)))})",
                                          self.base + path, *sent)  # fmt: skip
        return answer


@pytest.fixture
def ehr(chromium: Chrome, page: str, service: str) -> Ehr:
    Quiet.hits.clear()
    chromium.get(page)
    return Ehr(chromium, service)
