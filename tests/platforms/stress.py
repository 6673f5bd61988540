"""Twelve processes that store keys at the same time: none may be lost."""

from concurrent.futures import ThreadPoolExecutor

from case import Case, check
from command_jobs import stored

PROCESSES = 12
KEYS = 60


def twelve_processes_lose_no_key(case: Case) -> None:
    home = case.new_home()
    wanted = {f"host{number}.example.com": f"{number:040d}" for number in range(KEYS)}

    def log_in(machine: str) -> None:
        # The server is not saved: the settings file is not what is tested.
        case.wandb_login(home, "login", wanted[machine], WANDB_BASE_URL=f"https://{machine}").expect(0)

    with ThreadPoolExecutor(PROCESSES) as processes:
        list(processes.map(log_in, wanted))
    found = dict(stored(case, home))
    lost = sorted(set(wanted) - set(found))
    check(found == wanted, f"{len(lost)} of {KEYS} keys are lost: {lost}")
