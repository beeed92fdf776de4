"""Who sent a message: SPF, DKIM, DMARC, ARC and `iprev`, computed from the message, its client and
the DNS, and not read in a header that another program wrote.

`Authenticator.authenticate` does it all. docs/authentication.md says why there is so little of
other libraries in it.
"""

from exporter.authentication.authenticator import LONGEST, Authenticator
from exporter.authentication.recent_answers import RecentAnswers

__all__ = ["LONGEST", "Authenticator", "RecentAnswers"]
