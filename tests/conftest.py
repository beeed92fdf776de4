"""What every test may ask for: the lab of mail servers, a person who lives there, and Prometheus.

Missing servers are an error with its cure, never a skip. In CI (the variable CI is set) nothing may
be skipped at all.
"""

import gc
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest

from tests.container.image import build
from tests.container.podman import Podman, PodmanError
from tests.lab.client import Lab, LabUser
from tests.lab.shell import LabError
from tests.support.alertmanager import AMTOOL, Alertmanager, Webhook
from tests.support.cyrus import Cyrus, running_cyrus
from tests.support.jmap_cyrus import JmapCyrus, running_jmap_cyrus
from tests.support.prometheus import BINARIES, PROMTOOL, Prometheus
from tests.systems import LEFT_OUT, code_name, packages

TESTS = Path(__file__).resolve().parent
LAB = pytest.StashKey[Lab]()
"""The lab, once a test has asked for it."""


# How long one example may take says more of the machine than of the test.
hypothesis.settings.register_profile("mailtrip", hypothesis.settings(), deadline=None)
hypothesis.settings.register_profile("quick", hypothesis.settings(), deadline=None, max_examples=10)
hypothesis.settings.load_profile("mailtrip")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--system",
        default=code_name(),
        help="the code name of a system: what is left out there (tests/systems.py) is not run",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "lab: needs the lab of mail servers (set by the fixture `lab`)"
    )
    config.addinivalue_line("markers", "first: waits for minutes, so it begins first")
    config.addinivalue_line("markers", "container: needs containers (set by the fixture `podman`)")
    config.addinivalue_line("markers", "browser: needs a browser (set by the fixture `browser`)")
    config.addinivalue_line("markers", "newer: needs what `make newer` unpacks")
    config.addinivalue_line(
        "markers", "slow: starts processes, or takes as long (not in `make quick`)"
    )
    config.addinivalue_line(
        "markers", "pure: needs Python alone (set where nothing asks for the fixture `servers`)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "servers" not in getattr(item, "fixturenames", ()) and not item.get_closest_marker(
            "lab"
        ):
            item.add_marker("pure")
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker("lab")
        if "podman" in getattr(item, "fixturenames", ()):
            item.add_marker("container")
        if "image" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(600))  # whichever comes first builds it
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    left_out = LEFT_OUT.get(config.getoption("--system"), {})
    gone = [item for item in items if any(map(item.get_closest_marker, left_out))]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """What is imported and collected stays: to look for garbage in it took a third of the time."""
    gc.disable()
    try:
        if session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            _import_own_part()
        return (yield)
    finally:
        gc.enable()


def _import_own_part() -> None:
    """In a clean clone pytest compiles all tests. Each worker of pytest-xdist begins with others,
    and finds the rest compiled. What cannot be imported is reported when it is collected."""
    if not (worker := os.environ.get("PYTEST_XDIST_WORKER")):
        return
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for file in sorted(TESTS.rglob("test_*.py"))[int(worker.removeprefix("gw")) :: workers]:
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """What is imported by now stays. Most of the time of the tests was `gc.collect`, looking it all
    through. Garbage of tests is little: to look for it all the time costs more than to keep it."""
    hypothesis.given(hypothesis.strategies.none())(lambda _: None)()  # registers its random numbers
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":  # the others import the same
        gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and "CI" in os.environ and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be skipped: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and "CI" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def servers() -> None:
    """The Debian packages that the tests need are installed."""
    check = subprocess.run(
        [TESTS / "debian.sh", "--check", *packages(code_name())], capture_output=True, text=True
    )
    if check.returncode:
        pytest.fail(check.stderr.strip(), pytrace=False)


@pytest.fixture(scope="session")
def jmap_cyrus(servers: None) -> Iterator[JmapCyrus]:
    """A Cyrus with JMAP, started for the tests that ask for it."""
    with running_jmap_cyrus() as one:
        yield one


@pytest.fixture(scope="session")
def lab(servers: None, pytestconfig: pytest.Config) -> Iterator[Lab]:
    """The lab, up. It is stopped in the end only if it was started here."""
    lab = Lab()
    try:
        started = lab.up()
    except LabError as problem:
        pytest.fail(f"the lab does not come up: {problem}", pytrace=False)
    pytestconfig.stash[LAB] = lab
    yield lab
    if started:
        lab.down()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """A file of tests leaves no message to the next one, in a mailbox or on its way."""
    try:
        yield
    finally:
        lab = item.config.stash.get(LAB, None)  # None if it did not come up
        if lab and item.get_closest_marker("lab") and nextitem and nextitem.path != item.path:
            lab.empty()


@pytest.fixture(autouse=True)
def _levers_are_put_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to the lab, the next one finds it whole."""
    yield
    if "lab" in request.fixturenames:
        request.getfixturevalue("lab").put_levers_back()


@pytest.fixture
def lab_user(lab: Lab) -> Iterator[LabUser]:
    """Somebody with an empty mailbox, whom no other test has."""
    with lab.fresh_user() as user:
        yield user


@pytest.fixture
def cyrus(servers: None) -> Iterator[Cyrus]:
    """The delivery agent of a Cyrus, without a message."""
    with running_cyrus() as one:
        yield one


@pytest.fixture
def prometheus(
    servers: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Prometheus]]:
    """Call it with the text of a prometheus.yml: returns a Prometheus that runs until the test
    ends.

    A test's parameter for this fixture is the directory of another version.
    """
    binaries: Path = getattr(request, "param", BINARIES)
    if not binaries.exists():
        pytest.skip(f"there is no {binaries}: run make newer")
    running: list[Prometheus] = []

    def start(configuration: str) -> Prometheus:
        directory = tmp_path / f"prometheus-{len(running)}"
        directory.mkdir()
        running.append(Prometheus(configuration, directory, binaries))
        running[-1].wait_ready()
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def promtool(servers: None) -> str:
    """The path of promtool."""
    return str(PROMTOOL)


@pytest.fixture(scope="session")
def podman(servers: None) -> Podman:
    """Podman, with the images and containers of these tests alone."""
    try:
        return Podman()
    except PodmanError as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture(scope="session")
def image(podman: Podman) -> str:
    """The name of mailtrip's image, built of the Dockerfile as it is now."""
    try:
        return build(podman)
    except PodmanError as problem:
        pytest.fail(str(problem), pytrace=False)


@pytest.fixture
def alertmanager(servers: None, tmp_path: Path) -> Iterator[Callable[[str], Alertmanager]]:
    """Call it with the text of an alertmanager.yml: returns an Alertmanager that runs until the
    test ends."""
    running: list[Alertmanager] = []

    def start(configuration: str) -> Alertmanager:
        directory = tmp_path / f"alertmanager-{len(running)}"
        directory.mkdir()
        running.append(Alertmanager(configuration, directory))
        running[-1].wait_ready()
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    """What Alertmanager may notify."""
    async with Webhook() as one:
        yield one


@pytest.fixture(scope="session")
def amtool(servers: None) -> str:
    """The path of amtool."""
    return str(AMTOOL)
