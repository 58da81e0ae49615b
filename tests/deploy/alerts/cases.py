"""All cases, by the rule that they are of."""

from collections import defaultdict

from tests.deploy.alerts import (
    cases_burning,
    cases_processes,
    cases_records,
    cases_servers,
    cases_shares,
    cases_work,
)
from tests.deploy.alerts.promtool import Case

CASES: defaultdict[str, list[Case]] = defaultdict(list)
for case in (
    *cases_burning.CASES,
    *cases_processes.CASES,
    *cases_records.CASES,
    *cases_servers.CASES,
    *cases_shares.CASES,
    *cases_work.CASES,
):
    CASES[case.rule].append(case)
