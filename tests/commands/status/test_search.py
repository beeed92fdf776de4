"""Which probes are asked for, and what is said if there are none."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.commands.running_server import NoAnswer
from exporter.commands.status.search import LONGEST_SEARCH, MOST_PROBES, PAGE, Search
from exporter.web.api import paging
from exporter.web.pages import probe_list
from tests.commands.status.probes import item


class Api:
    """Answers with pages of these probes, as a search of theirs would find them."""

    address = "http://localhost:10925"

    def __init__(self, *items: dict[str, Any], without_end: bool = False) -> None:
        self.items = items
        self.without_end = without_end
        self.searches: list[str] = []

    @property
    def says_something_else(self) -> NoAnswer:
        return NoAnswer("another program")

    def request(self, method: str, path: str) -> Any:
        query = parse_qs(urlsplit(path).query)
        self.searches += query.get("search", [""])
        first = int(query["offset"][0])
        following = self.without_end or len(self.items) > first + PAGE
        return {"items": list(self.items[first : first + PAGE]), "next": following or None}


GMAIL = item("gmail", module="out", target="a@gmail.example")
GMX = item("gmx", module="out", target="a@gmx.example")
BACK = item("back", module="in", target="a@gmail.example")
ON_DEMAND = item(None, module="in", target="b@example.org")
API = Api(GMAIL, GMX, BACK, ON_DEMAND)


@pytest.mark.parametrize(
    ("search", "items"),
    [
        (Search(), [GMAIL, GMX, BACK, ON_DEMAND]),
        (Search("gmail"), [GMAIL]),
        (Search("GMail"), [GMAIL]),
        (Search("gm*"), [GMAIL, GMX]),
        (Search("gm?"), [GMX]),
        (Search("b@example.org"), [ON_DEMAND]),
        (Search("", "in"), [BACK, ON_DEMAND]),
        (Search("a@gmail.example", "in"), [BACK]),
        (Search("*", "out"), [GMAIL, GMX]),
    ],
)
def test_probes_are_found_in_the_order_of_the_configuration(
    search: Search, items: list[dict[str, Any]]
) -> None:
    assert [one.item for one in search.probes(API)] == items


@pytest.mark.parametrize("search", [Search("a@gmail.example"), Search("gmail", "out")])
def test_the_target_of_a_named_probe_is_no_name_and_its_name_no_target(search: Search) -> None:
    with pytest.raises(NoAnswer):
        search.probes(API)


def test_a_name_is_searched_by_the_server_and_a_pattern_here() -> None:
    for search, sent in (
        (Search("gmail"), "gmail"),
        (Search("a@gmail.example", "out"), "out a@gmail.example"),
        (Search("gm*"), ""),
        (Search(module="out"), "out"),
    ):
        api = Api(GMAIL)
        search.probes(api)
        assert api.searches == [sent]
    api = Api(GMAIL)
    with pytest.raises(NoAnswer):
        Search("g" * 1000).probes(api)
    assert api.searches[0] == "g" * LONGEST_SEARCH


@pytest.mark.parametrize(
    ("search", "says"),
    [
        (Search("gmial"), "no probe 'gmial' at http://localhost:10925; did you mean gmail?"),
        (Search("a@gmial.example", "out"), "no target 'a@gmial.example' of module out at"),
        (Search("a@gmail.example", "uot"), "no module 'uot' at http://localhost:10925"),
        (Search("zzz*"), "no probe 'zzz*' at http://localhost:10925"),
    ],
)
def test_what_is_missing_is_named(search: Search, says: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        search.probes(API)
    assert str(caught.value).startswith(says)


def test_a_server_without_probes_is_no_error_of_the_name() -> None:
    with pytest.raises(NoAnswer, match="there are no probes yet"):
        Search().probes(Api())


def test_all_pages_are_read_and_a_list_without_end_is_left() -> None:
    many = [item(f"p{number}") for number in range(2 * PAGE + 1)]
    assert len(Search().probes(Api(*many))) == 2 * PAGE + 1
    with pytest.raises(NoAnswer, match=f"more than {MOST_PROBES:,} probes"):
        Search("p0").probes(Api(many[0], without_end=True))


@pytest.mark.parametrize("answer", [None, [], {"items": {}}, {"items": [1], "next": None}])
def test_what_no_mailtrip_says_is_no_answer(answer: object) -> None:
    class Other(Api):
        def request(self, method: str, path: str) -> Any:
            return answer

    with pytest.raises(NoAnswer, match="another program"):
        Search().probes(Other())


def test_a_pattern_names_several_even_if_it_matches_one() -> None:
    assert Search("gmail").names_one
    assert not any(one.names_one for one in (Search(), Search("gm*"), Search(module="out")))


def test_limits_are_those_of_the_server() -> None:
    assert (PAGE, LONGEST_SEARCH) == (paging.MOST, probe_list.LONGEST_SEARCH)
