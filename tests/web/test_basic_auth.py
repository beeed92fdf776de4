"""Basic authentication: who is let in, that bcrypt hinders nobody, and that names cannot be told
from the time."""

import asyncio
import base64
import os
import threading
from collections.abc import AsyncIterator

import bcrypt
import pytest

from exporter.web.basic_auth import BasicAuth
from exporter.web.limits import Limits
from tests.support.http_site import Site, site, until
from tests.support.web_config_folder import HASH, PASSWORD, USERS, Folder

HEALTHY = "/-/healthy"
LONG = "p" * 100
FOREIGN = "pässwörd ✓"


def hashed(password: str) -> str:
    """As htpasswd does it: with what fits."""
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class SlowBcrypt:
    """Counts what is compared. Waits for `go` with what is compared next."""

    def __init__(self) -> None:
        self.compared: list[tuple[bytes, bytes]] = []
        self.threads: set[int] = set()
        self.nice = 0
        self.go = threading.Event()
        self.go.set()

    def __call__(self, password: bytes, digest: bytes) -> bool:
        self.compared.append((password, digest))
        self.threads.add(threading.get_ident())
        self.nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        assert self.go.wait(60)
        return bcrypt.checkpw(password, digest)


@pytest.fixture
def slow() -> SlowBcrypt:
    return SlowBcrypt()


@pytest.fixture
async def here(folder: Folder, slow: SlowBcrypt) -> AsyncIterator[Site]:
    """Where alice, long and jürgen may log in."""
    text = USERS + f"  long: {hashed(LONG)}\n  jürgen: {hashed(FOREIGN)}\n  nobody: {hashed('')}\n"
    async with site(middleware=folder.middleware(text, BasicAuth(slow))) as one:
        yield one
    slow.go.set()


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [
        ("alice", PASSWORD, 200),
        ("alice", "wrong horse", 401),
        ("alice", PASSWORD + "\0", 401),
        ("alice", "", 401),
        ("alice", "x" * 3000, 401),
        ("Alice", PASSWORD, 401),
        ("bob", PASSWORD, 401),
        ("", "", 401),
        ("long", LONG, 200),
        ("long", LONG[:72], 200),  # bcrypt has never looked at more
        ("long", LONG[:71], 401),
        ("jürgen", FOREIGN, 200),
        ("jürgen", FOREIGN.replace("✓", "x"), 401),
        ("nobody", "", 200),
        ("nobody", "x", 401),
    ],
)
async def test_who_is_let_in(user: str, password: str, status: int, here: Site) -> None:
    for path in (HEALTHY, "/metrics", "/nowhere"):
        got, text = await here.get(path, Authorization=basic(user, password))
        assert got == (404 if path == "/nowhere" and status == 200 else status)
        assert (text == "Unauthorized\n") is (status == 401)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"nobody").decode(),  # who has an empty password
        basic("alice", PASSWORD).replace("=", "") + "!=",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Bearer " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode(),
        base64.b64encode(f"alice:{PASSWORD}".encode()).decode(),
    ],
)
async def test_what_is_no_login_is_asked_for_one(header: str, here: Site) -> None:
    async with here.http.get(
        f"http://{here.host}:{here.port}/", headers={"Authorization": header}
    ) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="mailtrip", charset="UTF-8"'
        assert answer.headers["Server"] == "mailtrip"


async def test_the_word_basic_is_read_in_any_case(here: Site) -> None:
    assert (
        await here.get(HEALTHY, Authorization=basic("alice", PASSWORD).replace("Basic", "bAsIc "))
    )[0] == 200


async def test_nobody_waits_while_bcrypt_works(here: Site, slow: SlowBcrypt) -> None:
    known, new = basic("alice", PASSWORD), basic("long", LONG)
    assert (await here.get(HEALTHY, Authorization=known))[0] == 200
    slow.go.clear()
    waiting = [asyncio.create_task(here.get(HEALTHY, Authorization=new)) for _ in range(3)]
    await until(lambda: len(slow.compared) == 2)
    assert (await here.get(HEALTHY, Authorization=known))[0] == 200
    assert (await here.get(HEALTHY))[0] == 401
    assert not any(task.done() for task in waiting)
    slow.go.set()
    assert {status for status, _ in await asyncio.gather(*waiting)} == {200}
    assert len(slow.compared) == 2, (
        "who came at the same time with the same password found the work done"
    )
    assert threading.get_ident() not in slow.threads
    assert len(slow.threads) == 1
    assert slow.nice > os.getpriority(os.PRIO_PROCESS, 0), "other threads go first"


async def test_who_hangs_up_leaves_no_work_behind(here: Site, slow: SlowBcrypt) -> None:
    slow.go.clear()
    waiting = [
        asyncio.create_task(here.get(HEALTHY, Authorization=basic("alice", f"guess {n}")))
        for n in range(20)
    ]
    await until(lambda: len(here.server._connection_limits._connections) == 20)  # type: ignore[union-attr]
    await until(lambda: len(slow.compared) == 1)
    for task in waiting:
        task.cancel()
    await until(lambda: not here.server._connection_limits._connections)  # type: ignore[union-attr]
    slow.go.set()
    assert (await here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))[0] == 200
    assert len(slow.compared) == 2


async def test_a_right_password_is_compared_once_and_a_wrong_one_each_time(
    here: Site, slow: SlowBcrypt
) -> None:
    for _ in range(3):
        assert (await here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))[0] == 200
    assert len(slow.compared) == 1
    for _ in range(2):
        assert (await here.get(HEALTHY, Authorization=basic("alice", "wrong")))[0] == 401
    assert len(slow.compared) == 3
    assert (await here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))[0] == 200
    assert len(slow.compared) == 3


async def test_an_unknown_name_takes_the_work_of_a_known_one(here: Site, slow: SlowBcrypt) -> None:
    """Of one with the same hash each time, since hashes may differ in what they cost. It is never
    let in by it."""
    for name in ("mallory", "trent"):
        slow.compared.clear()
        for password in (PASSWORD, PASSWORD, LONG, FOREIGN, ""):
            assert (await here.get(HEALTHY, Authorization=basic(name, password)))[0] == 401
        assert len(slow.compared) == 5
        assert len({digest for _, digest in slow.compared}) == 1


async def test_unknown_names_are_spread_over_all_hashes(slow: SlowBcrypt) -> None:
    users = {f"user{n}": f"$2b$04${n}".encode() for n in range(4)}
    compared: set[bytes] = set()

    def fits(password: bytes, digest: bytes) -> bool:
        compared.add(digest)
        return True

    login = BasicAuth(fits)
    for n in range(200):
        assert not await login.admits(users, basic(f"stranger{n}", "x"))
        assert not await login.admits(users, basic(f"stranger{n}", "x"))
    assert compared == set(users.values())
    login.close()


async def test_a_changed_hash_forgets_the_old_password(folder: Folder) -> None:
    async with site(middleware=folder.middleware(USERS)) as here:
        assert (await here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))[0] == 200
        folder.write(USERS.replace(HASH, hashed("new")))
        assert (await here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))[0] == 401
        assert (await here.get(HEALTHY, Authorization=basic("alice", "new")))[0] == 200
        folder.write(f"basic_auth_users: {{bob: {HASH}}}")
        assert (await here.get(HEALTHY, Authorization=basic("alice", "new")))[0] == 401
        assert (await here.get(HEALTHY, Authorization=basic("bob", PASSWORD)))[0] == 200


async def test_a_password_is_nowhere_in_what_is_remembered(folder: Folder) -> None:
    login = BasicAuth()
    assert await login.admits({"alice": HASH.encode()}, basic("alice", PASSWORD))
    assert PASSWORD not in str(vars(login))
    login.close()


def guesses(here: Site, number: int, source: str) -> list[asyncio.Task[int]]:
    """Clients with a wrong password each; the answer of each is a status, or 0 if there was
    none."""

    async def guess(n: int) -> int:
        try:
            reader, writer = await asyncio.open_connection(
                here.host, here.port, local_addr=(source, 0)
            )
            login = basic("alice", f"guess {n}")
            writer.write(
                f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: {login}\r\n\r\n".encode()
            )
            return int((await reader.readline())[9:12] or 0)
        except ConnectionError:
            return 0
        finally:
            writer.close()

    return [asyncio.create_task(guess(n)) for n in range(number)]


async def test_wrong_logins_wait_in_turns_and_those_beyond_the_bound_are_told_so_at_once(
    here: Site, slow: SlowBcrypt
) -> None:
    slow.go.clear()
    attack = guesses(here, 100, "127.0.0.2")
    await until(lambda: sum(task.done() for task in attack) >= 100 - 33)
    assert {task.result() for task in attack if task.done()} == {429}
    modest = asyncio.create_task(here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))
    await asyncio.sleep(0.05)
    slow.go.set()
    assert (await modest)[0] == 200
    passwords = [password for password, _ in slow.compared]
    turn = passwords.index(PASSWORD.encode())
    assert turn < 4, "nobody waits for more than one login of each other client"
    assert sorted(set(await asyncio.gather(*attack))) == [401, 429]


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
async def test_wrong_logins_neither_drop_a_kept_connection_nor_keep_a_new_one_out(
    folder: Folder, slow: SlowBcrypt, source: str
) -> None:
    """Also if they come from the same address, as behind the same proxy."""
    limits = Limits(connections=20, per_address=15)
    async with site(limits, middleware=folder.middleware(USERS, BasicAuth(slow))) as here:
        login = f"Authorization: {basic('alice', PASSWORD)}"
        scrape = f"GET {HEALTHY} HTTP/1.1\r\nHost: localhost\r\n{login}\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection(
            here.host, here.port, local_addr=("127.0.0.1", 0)
        )
        for _ in range(5):
            slow.go.set()
            writer.write(scrape)
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            await reader.readuntil(b"mailtrip is up\n")
            slow.go.clear()
            attack = [*guesses(here, 40, source), *guesses(here, 40, "127.0.0.3")]
            await until(lambda: sum(task.done() for task in attack) >= 50)  # noqa: B023
            assert (await here.get(HEALTHY, Authorization=basic("alice", PASSWORD)))[0] == 200
            slow.go.set()
            await asyncio.gather(*attack)
        writer.close()


async def test_a_login_that_waits_does_not_stop_the_time_of_its_connection(
    folder: Folder, slow: SlowBcrypt
) -> None:
    async with site(
        Limits(header=0.2), middleware=folder.middleware(USERS, BasicAuth(slow))
    ) as here:
        slow.go.clear()
        (waiting,) = guesses(here, 1, "127.0.0.2")
        assert await waiting == 0
        slow.go.set()
