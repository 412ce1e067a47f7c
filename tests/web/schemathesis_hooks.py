"""Requests are made of what the server answered before, and one must not take the tester's own rights away."""

import os

import schemathesis

ADMINISTRATOR = os.environ["ACCOUNT"]


@schemathesis.hook
def filter_case(context, case):
    named = str((case.path_parameters or {}).get("account", "")).lower().strip()
    return named.replace("%40", "@") != ADMINISTRATOR
