"""The texts of the alerts that differ by the cause of a failure, in rules/mailtrip.alerts.yml."""

import re
import textwrap
from pathlib import Path

from dashboards.causes import OF_A_MAILBOX, impact, template, what
from exporter.core.reasons import Reason, Trait

FILE = Path(__file__).resolve().parent / "rules/mailtrip.alerts.yml"
_BLOCK = re.compile(r"(?ms)^( *)# made from causes\.py: (\w+)\n(.*?)^ *# end\n")
WIDTH = 120
_QUIET = "|".join(reason for reason in Reason if Trait.HAS_ITS_ALERT in reason.traits)

_LINE = (
    '{{ $failure = reReplaceAll "/:" ":" (reReplaceAll " $" "" (printf "%s/%s: %s %s"'
    " PHASE .Labels.step .Labels.reason .Labels.code)) }}"
)


def _of_probe(series: str) -> str:
    """A query about the probe of the alert, whichever way it is scraped."""
    return f'printf "{series}" $labels.job $labels.instance $labels.probe $labels.exporter | query'


_PROBE = "{job=%q,instance=%q,probe=%q,exporter=%q}"
_FAILURE = (
    '{{ $failure := "" }}{{ range '
    + _of_probe(f"mailtrip_last_failure_info{_PROBE}")
    + " }}"
    + _LINE.replace("PHASE", ".Labels.phase")
    + "{{ end }}"
)
_MAILBOX_FAILURE = (
    '{{ $failure := "" }}{{ range printf'
    ' "mailtrip_mailbox_failure_info{job=%q,instance=%q,mailbox=%q}"'
    " $labels.job $labels.instance $labels.mailbox | query }}"
    + _LINE.replace("PHASE", '"open"')
    + "{{ end }}"
)
_SINCE = (
    "{{ range "
    + _of_probe(f"time() - mailtrip_outage_start_timestamp_seconds{_PROBE}")
    + " }} within {{ humanizeDuration .Value }}{{ end }}"
)
_OTHERS = (
    '{{ range printf "count(mailtrip_consecutive_failures{exporter=%q}) > 1" $labels.exporter'
    " | query }}{{ $all := .Value }}{{ range printf"
    ' "count(mailtrip_consecutive_failures{exporter=%q} >= 2 unless ignoring (phase, step,'
    f' reason, code) mailtrip_last_failure_info{{reason=~\\"{_QUIET}\\"}})" $labels.exporter'
    " | query }}Probes that fail now: {{ .Value }} of {{ $all }}. {{ end }}{{ end }}"
)
_ACCEPTED = (
    "{{ range "
    + _of_probe('mailtrip_accepted_message_info{reason!=\\"lost\\",' + _PROBE[1:])
    + ' }}{{ or .Labels.server "A server" }} accepted a message as {{ .Labels.queue }}: search'
    " its log for that. {{ end }}"
)
_WORD = (
    'reReplaceAll "^(\'?-)" "-- ${1}" (reReplaceAll "^(.*[^\\\\w@.+:/=-].*)$" "\'${1}\'"'
    " (reReplaceAll \"'\" \"'\\\\''\" WORD))"
)
COMMAND = (
    "mailtrip status {{ with $labels.probe }}{{ . }}"
    "{{ else }}{{ range printf"
    " \"mailtrip_probe_info{job=%q,instance=%q,exporter=%q,probe=''}\" $labels.job"
    " $labels.instance $labels.exporter | query }}--module {{ .Labels.module }} {{ "
    + _WORD.replace("WORD", ".Labels.target")
    + " }}{{ else }}--module MODULE {{ "
    + _WORD.replace("WORD", "$labels.instance")
    + " }}{{ end }}{{ end }}"
)
_UNWATCHED = (
    '{{ range printf "time() - max_over_time(timestamp('
    'mailtrip_mailbox_connected{job=%q,instance=%q,mailbox=%q} == 1)[3d:30s])"'
    " $labels.job $labels.instance $labels.mailbox | query }}It has not been watched for"
    " {{ humanizeDuration .Value }}. {{ end }}"
)
_WAITING = (
    '{{ range printf "count(mailtrip_probe_info{exporter=%q,mailbox=%q})" $labels.exporter'
    " $labels.mailbox | query }}Probes that wait for it: {{ .Value }}; their alerts are"
    " inhibited. {{ end }}"
)
_PLACES = (
    '{{ $of := printf "job=%q,probe=%q,mailbox=%q" $labels.job $labels.probe $labels.mailbox }}'
    '{{ with $labels.instance }}{{ $of = printf "%s,instance=%q" $of . }}{{ end }}'
    "{{ range $number, $sample := printf \"mailtrip_last_failure_info{location!='',%s}"
    " or mailtrip_mailbox_failure_info{location!='',%s}\" $of $of | query | sortByLabel"
    ' "location" }}{{ $failure := "" }}'
    + _LINE.replace("PHASE", '(or .Labels.phase "open")')
    + "{{ if $number }}; {{ end }}{{ .Labels.location }}: "
    + template(what)
    + " ({{ $failure }}){{ else }}see the log of mailtrip{{ end }}. "
)

TEXTS = {
    "failing": {
        "summary": _FAILURE
        + "{{ or $labels.probe $labels.instance }}: "
        + template(what)
        + "{{ with $failure }} ({{ . }}){{ end }}",
        "description": _FAILURE
        + "{{ $value }} trips in a row have failed"
        + _SINCE
        + ". "
        + _OTHERS
        + template(impact)
        + " "
        + _ACCEPTED
        + "First: "
        + COMMAND,
    },
    "unwatched": {
        "summary": _MAILBOX_FAILURE
        + "Mailbox {{ $labels.mailbox }} cannot be watched: "
        + template(what, OF_A_MAILBOX)
        + "{{ with $failure }} ({{ . }}){{ end }}",
        "description": _MAILBOX_FAILURE
        + _UNWATCHED
        + template(impact, OF_A_MAILBOX)
        + " "
        + _WAITING
        + "First: the log of mailtrip has the answer of the server: journalctl -u mailtrip",
    },
    "some_places": {
        "description": "It works in the other places, so it is probably the network, the name"
        " server or the address of the place that fails, or one of several servers. People there"
        " may be affected. Newest failures: " + _PLACES + "First: the trips of that place.",
    },
    "most_places": {
        "description": "The server or the path is broken, and not one place. Everyone who uses it"
        " is probably affected. Newest failures: " + _PLACES + "First: the trips of one place.",
    },
    "listed": {
        "summary": "{{ $labels.address }} is listed by {{ $labels.list }}",
        "description": "{{ $labels.list }} answers"
        '{{ range $number, $sample := printf "count by (code) (mailtrip_dnsbl_code_info'
        '{list=\\"%s\\",address=\\"%s\\"})" $labels.list $labels.address | query'
        ' | sortByLabel "code" }}'
        "{{ if $number }},{{ end }} {{ .Labels.code }}{{ else }} with no code{{ end }}. Known to"
        " be affected: mail from {{ $labels.address }} to receivers that use this list, which"
        " refuse it or file it as spam. Perhaps: everyone who sends from there. First:"
        " mailtrip lookup --config.file /etc/mailtrip/mailtrip.yml {{ "
        + _WORD.replace("WORD", "$labels.address")
        + " }}",
    },
    "unusable": {
        "summary": "No blocklist can be queried about {{ or $labels.probe $labels.instance }}",
        "description": "{{ $value }} checks in a row could not query any list, or did not find the"
        " address to query. Mail is not affected; a listing would go unnoticed. First: " + COMMAND,
    },
    "junked": {
        "summary": "Mail of {{ or $labels.probe $labels.instance }} is filed as spam",
        "description": "In the last hour, a message was filed in the spam folder. Known to be"
        " affected: messages of this probe. Perhaps: everyone who sends this way; their mail is"
        " there too, unread. The page of the trip has SPF, DKIM and scores. First: " + COMMAND,
    },
}
"""Annotations, by the word that stands in the file."""


def text() -> str:
    """What the file has to be."""
    return _BLOCK.sub(_written, FILE.read_text(encoding="utf-8"))


def _written(block: "re.Match[str]") -> str:
    indent, name = block[1], block[2]
    lines = [f"{indent}# made from causes.py: {name}"]
    for key, value in TEXTS[name].items():
        lines.append(f"{indent}{key}: >-")
        lines += textwrap.wrap(
            value,
            WIDTH,
            initial_indent=f"{indent}  ",
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join([*lines, f"{indent}# end", ""])
