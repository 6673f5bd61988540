"""The main jobs of the command, each in a home directory of its own."""

import json
import re
import subprocess

import pexpect
from case import HANG_SECONDS, Case, check
from project import VERSION, Failure
from server import KEY, REFUSED_KEY, USERNAME, authorization

ENTRY = re.compile(r"machine (\S+)\s+login user\s+password (\S+)")


def stored(case: Case, home) -> list[tuple[str, str]]:
    """The machines and keys in the netrc file."""
    return ENTRY.findall(case.netrc(home))


def log_in_with_a_key(case: Case) -> None:
    home = case.new_home()
    ended = case.wandb_login(home, "login", KEY).expect(0)
    check(stored(case, home) == [("api.wandb.ai", KEY)], f"netrc has {stored(case, home)}")
    check(KEY not in ended.output + ended.errors, "the key is printed")


def log_in_from_standard_input(case: Case) -> None:
    home = case.new_home()
    case.wandb_login(home, "login", "--key-stdin", input=KEY + "\n").expect(0)
    check(stored(case, home) == [("api.wandb.ai", KEY)], f"netrc has {stored(case, home)}")


def log_in_at_the_prompt(case: Case) -> None:
    home = case.new_home()
    words = case.machine.command(home, [case.machine.inside(case.command), "login"])
    terminal = pexpect.spawn(words[0], words[1:], cwd=str(home), env=case.environment(home),
                             timeout=HANG_SECONDS, encoding="utf-8", codec_errors="replace")
    try:
        terminal.expect("API key and hit enter:")
        shown = terminal.before + terminal.after
        terminal.send(KEY + "\r")
        terminal.expect(pexpect.EOF)
        shown += terminal.before
    except pexpect.ExceptionPexpect as error:
        raise Failure(f"no prompt, or no end after the key: {str(error.value).splitlines()[0]}: {terminal.before!r}") from None
    finally:
        terminal.close(force=True)
    check(terminal.exitstatus == 0, f"exit status {terminal.exitstatus}: {shown!r}")
    check(KEY not in shown, "the typed key is shown")
    check(stored(case, home) == [("api.wandb.ai", KEY)], f"netrc has {stored(case, home)}")


def status_names_the_source(case: Case) -> None:
    home = case.new_home()
    case.wandb_login(home, "status").expect(1)
    case.wandb_login(home, "login", KEY).expect(0)
    ended = case.wandb_login(home, "status", "--json").expect(0)
    report = json.loads(ended.output)
    check(report["winner"] == "netrc", f"the source is {report['winner']}")
    check(KEY not in ended.output, "the report shows the key")


def token_prints_the_key(case: Case) -> None:
    home = case.new_home()
    case.wandb_login(home, "login", KEY).expect(0)
    ended = case.wandb_login(home, "token").expect(0)
    check(ended.output == KEY + "\n", "the output is not the key")


def env_logs_a_shell_in(case: Case) -> None:
    home = case.new_home()
    case.wandb_login(home, "login", KEY).expect(0)
    if case.machine.target.windows:
        # There is no PowerShell here: its statement is compared.
        script = case.wandb_login(home, "env", "--format", "powershell").expect(0).output
        check(f"$env:WANDB_API_KEY = '{KEY}'\n" in script, f"no statement sets the key: {script!r}")
    else:
        script = case.wandb_login(home, "env").expect(0).output
        shell = subprocess.run(["sh"], input=script + 'printf %s "$WANDB_API_KEY"', env={},
                               capture_output=True, text=True, check=True)
        check(shell.stdout == KEY, "the shell does not have the key")


def log_out(case: Case) -> None:
    home = case.new_home()
    case.wandb_login(home, "login", KEY).expect(0)
    case.wandb_login(home, "logout").expect(0)
    check(KEY not in case.netrc(home), "the key is still in netrc")
    case.wandb_login(home, "token").expect(1)


def verify_over_tls(case: Case) -> None:
    home = case.new_home()
    case.server.authorizations.clear()
    ended = case.wandb_login(home, "login", KEY, "--verify", "--host", case.server.url, **case.trusting()).expect(0)
    check(case.server.authorizations == [authorization(KEY)], "the server did not get the key once")
    check(USERNAME in ended.errors, f"the user is not named: {ended.errors!r}")
    check([key for _, key in stored(case, home)] == [KEY], f"netrc has {stored(case, home)}")


def a_refused_key_exits_3(case: Case) -> None:
    home = case.new_home()
    case.wandb_login(home, "login", REFUSED_KEY, "--verify", "--host", case.server.url, **case.trusting()).expect(3)
    check(not case.netrc(home), "the refused key is stored")


def an_unknown_ca_is_refused(case: Case) -> None:
    home = case.new_home()
    case.server.authorizations.clear()
    case.wandb_login(home, "login", KEY, "--verify", "--host", case.server.url).expect(4)
    check(not case.server.authorizations, "the key was sent to a server that is not trusted")
    check(not case.netrc(home), "the key is stored")


def the_version_is_that_of_the_archive(case: Case) -> None:
    ended = case.wandb_login(case.new_home(), "--version").expect(0)
    check(ended.output == f"wandb-login {VERSION}\n", f"the command says {ended.output!r}")


JOBS = [
    the_version_is_that_of_the_archive, log_in_with_a_key, log_in_from_standard_input,
    log_in_at_the_prompt, status_names_the_source, token_prints_the_key, env_logs_a_shell_in,
    log_out, verify_over_tls, a_refused_key_exits_3, an_unknown_ca_is_refused,
]
