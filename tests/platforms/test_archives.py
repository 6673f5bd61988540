"""Tests of what tests/platforms/run says of bad input:

    python3 -B -m unittest discover -s tests/platforms
"""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "release"))

import archive  # noqa: E402
import case  # noqa: E402
import machines  # noqa: E402
import project  # noqa: E402
from project import VERSION, Failure  # noqa: E402

MACHINE = machines.all_machines()[0]


class BadArchives(unittest.TestCase):
    """Each is refused in one sentence, before anything of it runs."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for module in (archive, project):
            patch = mock.patch.object(module, "DIST", self.folder)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.object(archive, "SUMS", self.folder / "SHA256SUMS")
        patch.start()
        self.addCleanup(patch.stop)

    def pack(self, header_version: str = VERSION) -> Path:
        header = self.folder / MACHINE.target.folder / "include/wandb_login.h"
        header.parent.mkdir(parents=True)
        header.write_text(f'#define WANDB_LOGIN_VERSION "{header_version}"\n')
        packed = archive.pack(MACHINE.target, 0)
        archive.write_sums()
        return packed

    def refused(self) -> str:
        with self.assertRaises(Failure) as raised, case.opened(MACHINE):
            pass
        sentence = str(raised.exception)
        self.assertNotIn("\n", sentence)
        return sentence

    def test_a_good_archive_is_unpacked_and_removed_again(self) -> None:
        self.pack()
        with case.opened(MACHINE) as opened:
            self.assertTrue((opened.package / "include/wandb_login.h").is_file())
        self.assertFalse(opened.folder.exists())

    def test_a_missing_archive(self) -> None:
        self.assertIn("does not exist; `release/make` makes it", self.refused())

    def test_an_archive_of_another_version(self) -> None:
        other = MACHINE.target.archive.name.replace(VERSION, "99.1.0")
        (self.folder / other).touch()
        self.assertIn(f"has {other}, and the source is version {VERSION}", self.refused())

    def test_a_damaged_archive(self) -> None:
        packed = self.pack()
        content = bytearray(packed.read_bytes())
        content[len(content) // 2] ^= 1
        packed.write_bytes(content)
        self.assertIn("is damaged", self.refused())

    def test_a_truncated_archive(self) -> None:
        packed = self.pack()
        packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
        self.assertIn("is damaged", self.refused())

    def test_an_archive_that_was_truncated_before_it_was_listed(self) -> None:
        packed = self.pack()
        packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
        archive.write_sums()
        self.assertIn("cannot be unpacked", self.refused())

    def test_files_of_another_version_in_an_archive_of_this_one(self) -> None:
        self.pack("99.1.0")
        self.assertIn("has the header of another version", self.refused())


class BadArguments(unittest.TestCase):
    def run_with(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(ROOT / "tests/platforms/run"), *arguments], capture_output=True, text=True)

    def test_an_unknown_target_is_named_with_the_known_ones(self) -> None:
        done = self.run_with("sparc-unknown-linux-gnu")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown target sparc-unknown-linux-gnu; the targets are: all aarch64-", done.stderr)

    def test_no_target(self) -> None:
        done = self.run_with()
        self.assertEqual(done.returncode, 2)
        self.assertIn("no target; the targets are: all aarch64-", done.stderr)


if __name__ == "__main__":
    unittest.main()
