"""The hook that checks the subject of a commit, and where it is described."""

import re
from pathlib import Path

import pytest
import yaml

from tests.house.commit_subject import LONGEST, SHORTEST, main, problems
from tests.support.tree import ROOT

HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "subject",
    [
        "Distinguish a null MX from a missing one",
        "Merge branch 'main'",
        'Revert "Give each probe a colour of its own, whatever its name may be, at any time"',
        "Fix it now!!",
        "Add " + "x" * 68,
    ],
)
def test_a_plain_subject_is_accepted(subject: str) -> None:
    assert not problems(f"{subject}\n\nWhy.\n")


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("Tell a null MX from a missing one", "begins with 'Tell'"),
        ("Added a column for the blocklists", "begins with 'Added'"),
        ("fix the build", "begins with 'fix'"),
        ("Fix a typo.", "11 characters"),
        ("Add " + "x" * 69, "73 characters"),
        ("Report lost messages in the log.", "full stop"),
    ],
)
def test_another_subject_is_rejected(subject: str, says: str) -> None:
    assert says in "; ".join(problems(f"{subject}\n\nAdd a body.\n"))


def test_a_message_without_a_subject_is_rejected() -> None:
    assert "0 characters" in problems("# nothing\n")[0]


def test_comments_and_empty_lines_before_the_subject_are_not_it() -> None:
    assert not problems("# On branch main\n\nAdd a hook for subjects\n")


def test_the_command_fails_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_text("Say what is wrong\n")
    assert main([str(message)]) == 1
    assert "CONTRIBUTING.md" in capsys.readouterr().err
    message.write_text("Report what is wrong\n")
    assert main([str(message)]) == 0


def test_pre_commit_runs_it() -> None:
    hooks = {hook["id"]: hook for repo in HOOKS["repos"] for hook in repo["hooks"]}
    assert hooks["commit-subject"]["stages"] == ["commit-msg"]
    assert hooks["commit-subject"]["entry"].endswith(" -m tests.house.commit_subject")
    assert "commit-msg" in HOOKS["default_install_hook_types"]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", ".github/pull_request_template.md"])
def test_the_examples_in_the_pages_are_accepted(page: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    examples = re.findall(r'[Ss]ubject[^"]*"([^"]+)"', text)
    assert examples
    assert not [problem for example in examples for problem in problems(example)]


def test_contributing_says_the_lengths() -> None:
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"has {SHORTEST} to {LONGEST} characters" in text
