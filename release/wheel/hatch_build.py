"""Gives the wheel the tag of the platform that its files are for, and the command."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PlatformWheel(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['WANDB_LOGIN_WHEEL_PLATFORM']}"
        # Installers put these beside the environment's Python.
        for file in sorted(Path(self.root, "scripts").iterdir()):
            build_data["shared_scripts"][str(file)] = file.name
