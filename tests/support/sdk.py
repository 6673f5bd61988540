"""Logs in with the real Python SDK, many times from one process.

The SDK takes most of a second to start, so it is imported once; each login runs
in a child of its own, with a home and an environment of its own. It is silent
and never verifies: nothing is sent to any server.

Input, as JSON: a list of {"base", "environment", "program", "arguments"}, where
`base` holds `home` and `cwd`, and `program` is "command line", "library", or
"lookup" for the key that is configured, without a login.
Output: a list of {"ends", "key", "source", "error"}.

SDK 0.16 and later can run "command line" and "lookup". "library", and the key and
source of a login, are for the current SDK.
"""

import contextlib
import io
import json
import os
import re
import sys

import wandb
from wandb.cli import cli
from wandb.errors import term
from wandb.sdk import wandb_setup


def command_line(arguments):
    """`wandb ARGUMENTS`: how it ends."""
    command, *rest = arguments
    options = [option for known in cli.login.params for option in known.secondary_opts]
    if "--no-verify" in options:  # SDK 0.16 has only --verify
        rest.insert(0, "--no-verify")
    arguments = [command, *rest]
    try:
        cli.cli.main(args=arguments, prog_name="wandb", standalone_mode=True)
    except SystemExit as end:
        return "exit 0" if not end.code else f"exit {end.code}"
    return "exit 0"


def library(arguments):
    """`wandb.login` with the same arguments."""
    key = host = relogin = None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--host":
            host = rest.pop(0)
        elif word == "--relogin":
            relogin = True
        else:
            key = word
    found = wandb.login(key=key, host=host, relogin=relogin, prompt=False, verify=False)
    return "logged in" if found else "not logged in"


def lookup():
    """The key that this SDK finds for the configured server."""
    try:
        from wandb.sdk.lib import apikey
    except ImportError:
        pass  # SDK 0.23 and later
    else:
        return apikey.api_key()
    try:
        wandb.login(verify=False)
    except wandb.errors.UsageError:
        return None
    return wandb_setup.singleton().settings.api_key


def login(case):
    os.chdir(os.path.join(case["base"], "cwd"))
    os.environ.clear()
    os.environ["HOME"] = os.path.join(case["base"], "home")
    os.environ["WANDB_SILENT"] = "true"
    os.environ["WANDB_ERROR_REPORTING"] = "false"
    os.environ.update(case["environment"])
    lines = []
    term.termlog = lambda line="", *rest, **more: lines.append(line)
    key = source = error = None
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            if case["program"] == "lookup":
                key = lookup()
                ends = "found" if key else "not found"
            elif case["program"] == "library":
                ends = library(case["arguments"])
            else:
                ends = command_line(case["arguments"])
        error = printed.getvalue() or None
    except BaseException as problem:
        # What the command line does not catch ends Python with status 1.
        ends = "error" if case["program"] == "library" else "exit 1"
        error = f"{type(problem).__name__}: {problem}"
    for line in lines:
        if loaded := re.search(r"Loaded credentials for \S+ from (.+)\.$", line):
            source = loaded[1]
            if source.endswith("netrc"):
                source = "netrc"
        elif "Using explicit session credentials" in line:
            source = "argument"
    if source not in (None, "argument"):
        key = wandb_setup.singleton().settings.api_key
    return {"ends": ends, "key": key, "source": source, "error": error}


def in_child(case):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            json.dump(login(case), out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


json.dump([in_child(case) for case in json.load(sys.stdin)], sys.stdout)
