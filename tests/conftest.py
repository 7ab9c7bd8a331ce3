"""In a whole run (FREESTONE_TESTS=whole, which scripts/test sets) a test that is skipped has failed: what it needs, the scripts bring.

Left out may be only what the machine does not allow.
"""

import os

import pytest

NOT_ALLOWED = ("nothing can be mounted here", "a small disk can be mounted by root only")


def judged(report):
    """The report; that of a skipped test says that it failed."""
    if os.environ.get("FREESTONE_TESTS") != "whole" or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(words in reason for words in NOT_ALLOWED):
        report.outcome, report.longrepr = "failed", f"{reason}. In a whole run nothing is skipped."
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return judged((yield))
