"""Tests of release/go and release/julia. tests/packages installs what they make.

    python3 -B -m unittest discover -s tests/release"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "release"))

from go import package as go  # noqa: E402
from julia import package as julia  # noqa: E402
from project import TARGETS, Failure  # noqa: E402


class GoModule(unittest.TestCase):
    def path(self, path: str, version: str = "0.2.0") -> str:
        with mock.patch.dict(os.environ, WANDB_LOGIN_GO_MODULE=path), mock.patch.object(go, "VERSION", version):
            return go.release_path()

    def test_the_path_is_that_of_the_source_tree_or_of_the_variable(self) -> None:
        self.assertEqual(self.path(""), go.source_path())
        self.assertEqual(self.path("github.com/A-b/c_d.e"), "github.com/A-b/c_d.e")

    def test_a_path_that_go_would_refuse_is_refused(self) -> None:
        for path in ("wandb", "https://example.com/a", "example.com/", "example.com//a", "example.com/a b", "/a.b"):
            with self.assertRaises(Failure, msg=path):
                self.path(path)

    def test_the_path_fits_the_major_version(self) -> None:
        self.assertEqual(self.path("example.com/a/v2", "2.0.1"), "example.com/a/v2")
        for path, version in (("example.com/a/v2", "1.9.0"), ("example.com/a", "2.0.0"), ("example.com/a/v2", "3.0.0")):
            with self.assertRaises(Failure, msg=path):
                self.path(path, version)

    def test_all_sources_have_the_path_of_the_release(self) -> None:
        files = go.sources("example.com/other")
        self.assertIn(b"module example.com/other\n", files["go.mod"])
        for name, content in files.items():
            self.assertNotIn(go.source_path().encode(), content, name)

    def test_each_target_selects_one_library(self) -> None:
        tags = [go.TAGS[name] for name in TARGETS]
        self.assertEqual(len({go.folder(target) for target in TARGETS.values()}), len(TARGETS))
        for system, processor, *libc in tags:
            self.assertEqual(bool(libc), system == "linux")
        self.assertEqual(len(set(tags)), len(tags))

    def test_installed_libraries_need_a_tag(self) -> None:
        files = go.sources("example.com/other")
        links = [name for name in files if name.startswith("link_")]
        self.assertEqual(sorted(links), ["link_shared.go", "link_static.go"])
        for name in links:
            self.assertIn(b"//go:build wandb_login_system && ", files[name])

    def test_each_library_has_its_own_notices_beside_it(self) -> None:
        targets = [TARGETS["x86_64-unknown-linux-gnu"], TARGETS["x86_64-pc-windows-gnu"]]
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(go, "DIST", Path(folder)):
            for target in targets:
                for name in ("include/wandb_login.h", "lib/libwandb_login.a", "lib/pkgconfig/wandb_login.pc",
                             "share/doc/wandb_login/THIRD-PARTY.txt"):
                    file = Path(folder) / target.folder / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(f"Libs.private: -l{target.name}\n")
            files = go.module("example.com/other", targets)
        for target in targets:
            self.assertIn(target.name.encode(), files[f"{go.folder(target)}/THIRD-PARTY.txt"])
        self.assertNotIn("THIRD-PARTY.txt", files)


class JuliaPackage(unittest.TestCase):
    def test_the_hash_of_a_folder_is_that_of_git(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "files"
            # `a-b` sorts between `a` the folder, which is `a/`, and `a` the file.
            for name in ("a/x", "a-b", "a.txt", "lib/libwandb_login.so.0", "share/doc/wandb_login/LICENSE"):
                (files / name).parent.mkdir(parents=True, exist_ok=True)
                (files / name).write_text(name)
            environment = os.environ | {"GIT_DIR": f"{folder}/git", "GIT_WORK_TREE": str(files)}

            def git(*words: str) -> str:
                command = ["git", "-c", "core.autocrlf=false", *words]
                return subprocess.run(command, cwd=files, env=environment, check=True, capture_output=True, text=True).stdout

            git("init", "--quiet")
            git("add", "--all", "--force")
            self.assertEqual(julia.tree_hash(files).hex(), git("write-tree").strip())

    def test_each_target_has_a_platform_and_the_name_of_its_library(self) -> None:
        self.assertEqual(set(julia.PLATFORMS), set(TARGETS))
        names = {name: julia.library_name(target) for name, target in TARGETS.items()}
        abi = julia.VERSION.split(".")[0]
        self.assertEqual(names["aarch64-unknown-linux-musl"], f"lib/libwandb_login.so.{abi}")
        self.assertEqual(names["x86_64-pc-windows-gnu"], "bin/wandb_login.dll")
        self.assertEqual(names["aarch64-apple-darwin"], f"lib/libwandb_login.{abi}.dylib")


if __name__ == "__main__":
    unittest.main()
