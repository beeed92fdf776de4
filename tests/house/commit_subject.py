"""Whether the subject of a commit is a short imperative sentence, for pre-commit.

The hook `commit-msg` calls `python -m tests.house.commit_subject FILE`, with git's file that has
the message. Subjects that git writes itself, such as those of merges, are left alone.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

VERBS = """
Accept Add Allow Annotate Await Benchmark Build Bump Cache Change Check Clarify Clean Close
Compare Compile Compress Compute Connect Convert Correct Count Create Decode Delay Delete
Deprecate Derive Describe Detect Disable Disconnect Distinguish Divide Document Download Drop
Enable Encode End Enforce Escape Exclude Expect Explain Export Extend Extract Fetch Fix Format
Fuzz Generate Group Handle Hide Identify Ignore Import Improve Include Increase Index Inhibit
Install Introduce Join Keep Limit Link List Load Log Lower Make Mark Match Measure Merge Move
Normalize Offer Open Optimize Order Parse Pass Pin Poll Prefer Prepare Prevent Print Profile
Prove Publish Query Quote Raise Read Recognize Record Redact Redirect Reduce Refuse Register
Reject Release Reload Remove Rename Render Reopen Reorder Replace Report Request Require Resolve
Restart Restore Restrict Resume Retry Return Reuse Revert Round Run Scrape Select Send Separate
Serve Set Share Shorten Show Sign Simplify Skip Sort Split Start State Stop Store Stream
Suggest Support Switch Test Time Translate Trim Truncate Try Update Upgrade Use Validate Verify
Wait Warn Wrap Write
"""
"""What a change does to the program. A new verb belongs here if it says that without a figure."""
SHORTEST, LONGEST = 12, 72
OF_GIT = re.compile(r"(Merge|Revert|fixup!|squash!|amend!) ")


def problems(message: str) -> list[str]:
    """What is wrong with the subject, the first line of this message that is no comment."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = next((line for line in lines if line.strip()), "").rstrip()
    if OF_GIT.match(subject):
        return []
    found = []
    if not SHORTEST <= len(subject) <= LONGEST:
        found.append(f"has {len(subject)} characters: write {SHORTEST} to {LONGEST}")
    verb = subject.partition(" ")[0]
    if verb not in VERBS.split():
        found.append(f"begins with {verb!r}: write what the change does (Add, Fix, Report …)")
    if subject.endswith("."):
        found.append("ends with a full stop")
    return [f"the subject {one}" for one in found]


def main(arguments: Sequence[str]) -> int:
    found = problems(Path(arguments[0]).read_text(encoding="utf-8"))
    for one in found:
        print(f"{one} (CONTRIBUTING.md, Commits)", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
