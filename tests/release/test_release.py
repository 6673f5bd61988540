"""Tests of the checks and archives of release/, on files that break each rule:

    python3 -B -m unittest discover -s tests/release
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "release"))

import archive  # noqa: E402
import build  # noqa: E402
import checks  # noqa: E402
import notices  # noqa: E402
import order  # noqa: E402
import packages  # noqa: E402
import project  # noqa: E402
import toolchain  # noqa: E402
from project import TARGETS, Failure  # noqa: E402

LINUX = TARGETS["x86_64-unknown-linux-gnu"]
MUSL = TARGETS["x86_64-unknown-linux-musl"]
WINDOWS = TARGETS["x86_64-pc-windows-gnu"]


class Case(unittest.TestCase):
    """A test with a folder of its own, in which target/dist is."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for module in (archive, project):
            self.replace(module, "DIST", self.folder)
        self.replace(archive, "SUMS", self.folder / "SHA256SUMS")

    def replace(self, module: object, name: str, value: object) -> None:
        patch = mock.patch.object(module, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def compile(self, name: str, source: str, *flags: str) -> Path:
        """Compiles C with the compiler of this machine."""
        file = self.folder / name
        subprocess.run(["cc", "-x", "c", "-", "-x", "none", "-o", file, *flags], input=source, text=True, check=True)
        return file

    def fails(self, text: str, call: object, *arguments: object) -> None:
        with self.assertRaises(Failure) as caught:
            call(*arguments)
        self.assertIn(text, str(caught.exception))


class Checks(Case):
    def symbols(self) -> list[str]:
        return (ROOT / "tests/c/symbols.txt").read_text().split()

    def source(self, names: list[str]) -> str:
        return "".join(f"int {name}(void) {{ return 1; }}\n" for name in names)

    def static(self, source: str, *flags: str) -> Path:
        self.compile("one.o", source, "-c", *flags)
        library = self.folder / "lib.a"
        subprocess.run(["ar", "rcs", library, self.folder / "one.o"], check=True)
        return library

    def test_versions_are_compared_as_numbers(self) -> None:
        self.assertEqual(checks.newest_glibc("GLIBC_2.9 GLIBC_2.2.5 GLIBC_2.17 GLIBC_2.4"), "2.17")
        self.assertIsNone(checks.newest_glibc("No version information found in this file."))

    def test_a_file_that_needs_a_newer_glibc_is_refused(self) -> None:
        newer = "int f(void);\n__asm__(\".symver f,%s\");\nint main(void) { return f(); }\n"
        library = self.compile("libc.so.6", "int f(void) { return 0; }\n", "-shared", "-fPIC",
                               self.script("GLIBC_2.17 { f; };"))
        accepted = self.compile("accepted", newer % "f@GLIBC_2.17", "-nostdlib", str(library), "-Wl,-e,main")
        self.assertEqual(checks.check_glibc(accepted), "2.17")
        library = self.compile("libc.so.6", "int f(void) { return 0; }\n", "-shared", "-fPIC",
                               self.script("GLIBC_2.18 { f; };"))
        refused = self.compile("refused", newer % "f@GLIBC_2.18", "-nostdlib", str(library), "-Wl,-e,main")
        self.fails("needs glibc 2.18", checks.check_glibc, refused)

    def script(self, text: str) -> str:
        file = self.folder / "versions"
        file.write_text(text)
        return f"-Wl,--version-script={file}"

    def test_exports_are_those_of_the_header(self) -> None:
        names = self.symbols()
        flags = ("-shared", "-fPIC")
        checks.check_exports(LINUX, self.compile("same.so", self.source(names), *flags))
        self.fails("rust_eh", checks.check_exports, LINUX,
                   self.compile("more.so", self.source([*names, "rust_eh"]), *flags))
        self.fails(names[0], checks.check_exports, LINUX,
                   self.compile("less.so", self.source(names[1:]), *flags))

    def test_a_library_that_others_may_not_have_is_refused(self) -> None:
        other = self.compile("libother.so", "int f(void) { return 1; }", "-shared", "-fPIC")
        file = self.compile("uses", "int f(void); int main(void) { return f(); }", str(other))
        self.fails("libother.so", checks.check_libraries, LINUX, file)
        checks.check_libraries(LINUX, self.compile("plain", "int main(void) { return 0; }"))

    def test_a_library_for_musl_gets_the_name_of_alpine(self) -> None:
        zigs = self.compile("libc.so", "int f(void) { return 1; }", "-shared", "-fPIC", "-Wl,-soname,libc.so")
        file = self.compile("libuser.so", "int f(void); int g(void) { return f(); }", "-shared", "-fPIC", "-nostdlib", str(zigs))
        self.fails("loads libc.so", checks.check_libraries, MUSL, file)
        build.name_musl(MUSL, file)
        self.assertEqual(checks.libraries(MUSL, file), ["libc.musl-x86_64.so.1"])
        checks.check_libraries(MUSL, file)

    def test_a_static_library_defines_the_functions_of_the_header_alone(self) -> None:
        source = self.source(self.symbols())
        checks.check_static(LINUX, self.static(source))
        self.fails("extra", checks.check_static, LINUX, self.static(source + "int extra;"))
        self.fails("_Unwind_Resume", checks.check_static, LINUX,
                   self.static(source + "void _Unwind_Resume(void); static void f(void) { _Unwind_Resume(); }"
                               "__attribute__((used)) static void (*g)(void) = f;"))
        self.fails("bitcode", checks.check_static, LINUX,
                   self.static(source + '__attribute__((section(".llvmbc"))) static int b = 1;'
                               "__attribute__((used)) static int *c = &b;"))

    def hidden_for_mingw(self, folder: str) -> bytes:
        """The static library for MinGW of objects in which rustc's dlltool left a folder's name."""
        source = self.source(self.symbols()) + f"int other; int _head_{folder}_a_dll_imports_lib;"
        library, output = self.folder / "mingw.a", self.folder / "hidden.a"
        library.unlink(missing_ok=True)
        tools = WINDOWS.binutils
        subprocess.run([f"{tools}gcc", "-x", "c", "-", "-c", "-o", "one.o"], input=source, text=True, check=True,
                       cwd=self.folder)
        subprocess.run([f"{tools}ar", "rcsD", library.name, "one.o"], check=True, cwd=self.folder)
        self.fails("other", checks.check_static, WINDOWS, library)
        subprocess.run([ROOT / "bindings/c/hide-static.sh", library, output], check=True,
                       env=os.environ | {"BINUTILS": tools})
        checks.check_static(WINDOWS, output)
        return output.read_bytes()

    def test_a_static_library_for_mingw_has_a_prefix_and_no_name_of_a_folder(self) -> None:
        first = self.hidden_for_mingw("_work_one_rustcAbC123")
        self.assertIn(b"wandb_login_private__head_1_a_dll_imports_lib", first)
        self.assertNotIn(b"rustcAbC123", first)
        self.assertEqual(self.hidden_for_mingw("_another_longer_rustcXyZ789"), first)

    def test_a_path_of_the_builder_is_found(self) -> None:
        file = self.folder / "file"
        file.write_bytes(b"\0panicked at /home/builder/src/lib.rs\0")
        checks.check_paths(file, [Path("/home/other")])
        self.fails("/home/builder", checks.check_paths, file, [Path("/home/builder")])

    def test_a_source_path_is_remapped_by_its_longest_name(self) -> None:
        names = dict(toolchain.remapped(self.folder))
        self.assertEqual(names[ROOT], "/wandb-login")
        self.assertEqual(names[self.folder], "/target")


class Order(Case):
    THREE = "int one(void) { return 1; }\nint two(void) { return 2; }\nint three(void) { return 3; }\n"

    def record(self, *names: str) -> None:
        record = self.folder / "order.txt"
        record.write_text("".join(f"{name}\n" for name in names))
        self.replace(order, "RECORD", record)

    def test_a_name_has_nothing_that_changes_with_the_compiler(self) -> None:
        symbols = ["_RNvNtCs274zhZMeV3F_11wandb_login5login8complete", "one", "two.llvm.123"]
        self.assertEqual(order.demangled(symbols), ["wandb_login::login::complete", "one", "two"])

    def test_symbols_have_the_order_of_the_record(self) -> None:
        self.record("three", "gone", "one")
        file = self.compile("three.o", self.THREE, "-c")
        self.assertEqual(order.ordered(LINUX, [file]), ["three", "one"])

    def test_a_record_of_other_sources_is_refused(self) -> None:
        file = self.compile("three.o", self.THREE, "-c")
        self.record("one", "two", "gone")
        order.check(LINUX, file)
        self.record("one", "gone", "gone too")
        self.fails("has 1 of the 3 functions", order.check, LINUX, file)

    def test_the_recorded_order_has_names_once(self) -> None:
        names = order.recorded()
        self.assertIn("wandb_login", names)
        self.assertEqual(len(names), len(set(names)))

    def test_the_linker_lays_functions_out_in_order(self) -> None:
        """With a driver that prints how zig's linker is started, as zig does."""
        name = next(name for name in order.recorded() if name.isidentifier())
        source = f"int one(void) {{ return 1; }}\nint {name}(void) {{ return 2; }}\n"
        file = self.compile("two.o", source, "-c", "-fPIC", "-ffunction-sections")
        output = self.folder / "two.so"
        driver = self.folder / "driver"
        driver.write_text(f"#!/bin/sh\necho 'ld.lld -shared -o {output} {file}' >&2\n")
        driver.chmod(0o755)
        variables = {"RELEASE_TARGET": LINUX.name, "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER": str(driver)}
        subprocess.run([ROOT / "release/linker", "-o", output, file], env=os.environ | variables, check=True)
        listed = subprocess.run(["nm", "--numeric-sort", output], capture_output=True, text=True, check=True)
        names = [line.split()[2] for line in listed.stdout.splitlines() if " T " in line]
        self.assertEqual(names, [name, "one"])


class Archives(Case):
    def tree(self, target: project.Target) -> Path:
        folder = self.folder / target.folder
        (folder / "lib").mkdir(parents=True)
        (folder / "lib/b").write_text("b")
        (folder / "a").write_text("a")
        (folder / "a").chmod(0o755)
        (folder / "link").symlink_to("lib/b")
        return folder

    def test_an_archive_does_not_depend_on_times_modes_and_order(self) -> None:
        for target in (LINUX, WINDOWS):
            folder = self.tree(target)
            first = archive.pack(target, 1_700_000_000).read_bytes()
            os.utime(folder / "a", (1, 1))
            (folder / "lib/b").chmod(0o600)
            shutil.move(folder / "lib", folder / "l")
            shutil.move(folder / "l", folder / "lib")
            self.assertEqual(archive.pack(target, 1_700_000_000).read_bytes(), first)

    def test_an_archive_holds_what_was_packed(self) -> None:
        for target in (LINUX, WINDOWS):
            self.tree(target)
            archive.pack(target, 1_700_000_000)
            archive.write_sums()
            folder = archive.unpack(target.archive, self.folder / "unpacked")
            self.assertEqual((folder / "link").read_text(), "b")
            self.assertEqual((folder / "a").read_text(), "a")

    def test_the_checksums_are_those_of_this_version_and_of_the_installer(self) -> None:
        self.tree(LINUX)
        file = archive.pack(LINUX, 1_700_000_000)
        for name in ("install.sh", "wandb-login-0.0.9.tar.gz"):
            (self.folder / name).write_text(name)
        archive.write_sums()
        listed = [line.split()[1] for line in archive.SUMS.read_text().splitlines()]
        self.assertEqual(listed, ["install.sh", file.name])

    def test_a_damaged_archive_is_refused(self) -> None:
        self.tree(LINUX)
        file = archive.pack(LINUX, 1_700_000_000)
        self.fails("is not listed", archive.verify, file)
        archive.write_sums()
        archive.verify(file)
        content = file.read_bytes()
        file.write_bytes(content[:-1])
        self.fails("is damaged", archive.unpack, file, self.folder / "unpacked")
        file.unlink()
        self.fails("does not exist", archive.verify, file)


class Notices(unittest.TestCase):
    def test_each_part_that_the_linker_adds_has_its_licence(self) -> None:
        added = {LINUX: {"llvm-libunwind"}, MUSL: {"llvm-libunwind", "musl"}, WINDOWS: {"libgcc", "mingw-w64-runtime"}}
        for target, expected in added.items():
            if toolchain.missing([target]):
                if os.environ.get("WANDB_LOGIN_TEST_STRICT") == "1":
                    self.fail(f"tools for {target.name} are missing: run `release/tools`")
                self.skipTest(f"tools for {target.name} are missing: run `release/tools`")
            names = {name for name, _version, _licence in notices.native_parts(target)}
            self.assertLessEqual(expected, names)
            texts = notices.native_texts(target)
            for name in names:
                self.assertIn("permi", texts[name].lower(), name)
        self.assertIn("Rich Felker", notices.native_texts(MUSL)["musl"])
        self.assertNotIn("musl", {name for name, *_ in notices.native_parts(LINUX)})


class Wheel(unittest.TestCase):
    def test_paths_in_an_archive_are_not_printed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            wheel = Path(folder) / "wheel.whl"
            with zipfile.ZipFile(wheel, "w") as file:
                for source in (ROOT / "release/wheel/wandb_login").glob("*.py"):
                    file.write(source, f"wandb_login/{source.name}")
            for options in (["--libs"], ["--libs", "--static"], ["--include-dir"], ["--cmake-dir"], ["--pkg-config-dir"]):
                done = subprocess.run([sys.executable, "-B", "-m", "wandb_login", *options], cwd=folder,
                                      env=os.environ | {"PYTHONPATH": str(wheel)}, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (1, ""), options)
                expected = f"{wheel.resolve()}/wandb_login is in an archive, where build tools find no files"
                self.assertIn(expected, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)


class Reproducible(unittest.TestCase):
    def test_every_file_of_a_release_is_compared(self) -> None:
        targets = project.choose([])
        names = [target.archive.name for target in targets] + [target.sbom.name for target in targets]
        names += [name for target in targets for name in packages.names(target)] + packages.common_names()
        sums = project.DIST / "SHA256SUMS"
        if not sums.is_file():
            if os.environ.get("WANDB_LOGIN_TEST_STRICT") == "1":
                self.fail(f"{sums} is missing: run `release/make`")
            self.skipTest(f"{sums} is missing: run `release/make`")
        self.assertEqual(sorted(names), sorted(line.split()[1] for line in sums.read_text().splitlines()))


class Commands(unittest.TestCase):
    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-B", ROOT / "release/make", *arguments],
                              env=os.environ | env, capture_output=True, text=True)

    def test_an_unknown_target_is_named_with_the_known_ones(self) -> None:
        for program in ("make", "check-reproducible"):
            done = subprocess.run([sys.executable, "-B", ROOT / "release" / program, "i386-nothing"],
                                  capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("i386-nothing is no target", done.stderr)
            self.assertIn(LINUX.name, done.stderr)

    def test_missing_tools_are_named_before_anything_is_built(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            done = self.make(WINDOWS.name, PATH=folder, WANDB_LOGIN_TOOLS=folder)
        self.assertEqual(done.returncode, 1)
        for tool in ("cargo", "cmake", "zig", "x86_64-w64-mingw32-gcc", "release/tools"):
            self.assertIn(tool, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_time_that_is_no_number_is_refused(self) -> None:
        with mock.patch.dict(os.environ, {"SOURCE_DATE_EPOCH": "yesterday"}), self.assertRaises(Failure) as caught:
            project.commit_time()
        self.assertIn("SOURCE_DATE_EPOCH", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
