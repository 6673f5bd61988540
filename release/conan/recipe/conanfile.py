"""Conan 2 recipe of libwandb_login. It packs the prebuilt files of a release.

conandata.yml has the address and the checksum of each archive."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, get, load

required_conan_version = ">=2.0"


class WandbLogin(ConanFile):
    name = "wandb_login"
    description = "Log in to Weights & Biases from C and C++, and the command wandb-login"
    license = "MIT OR Apache-2.0"
    topics = ("wandb", "login", "credentials")
    settings = "os", "arch", "compiler"
    options = {"shared": [True, False], "libc": ["glibc", "musl"]}
    default_options = {"shared": True, "libc": "glibc"}
    exports = "conandata.yml"

    def set_version(self):
        self.version = self.version or next(iter(self.conan_data["sources"]))

    def config_options(self):
        if self.settings.os != "Linux":
            del self.options.libc

    def package_id(self):
        del self.info.settings.compiler  # the files are the same for every C compiler

    @property
    def _platform(self):
        return "-".join(str(part) for part in (self.settings.os, self.settings.arch, self.options.get_safe("libc")) if part)

    def validate(self):
        platforms = self.conan_data["sources"].get(self.version)
        if platforms is None:
            raise ConanInvalidConfiguration(
                f"this recipe has the files of wandb_login {', '.join(self.conan_data['sources'])}, not of {self.version}")
        if self._platform not in platforms:
            raise ConanInvalidConfiguration(
                f"wandb_login {self.version} has no files for {self._platform}, only for {', '.join(platforms)}")
        if self.settings.compiler == "msvc" and not self.options.shared:
            raise ConanInvalidConfiguration(
                "the static library for Windows is for MinGW: set wandb_login/*:shared=True")

    def build(self):
        get(self, **self.conan_data["sources"][self.version][self._platform], strip_root=True)

    def package(self):
        kinds = ["*.so*", "*.dylib", "*.dll.a", "*.lib"] if self.options.shared else ["libwandb_login.a"]
        for folder, patterns in {
            "include": ["*"],
            "lib": [*kinds, "pkgconfig/*"],
            "bin": ["*.dll", "wandb-login*"] if self.options.shared else ["wandb-login*"],
            "share/wandb_login": ["*"],
        }.items():
            for pattern in patterns:
                copy(self, pattern, os.path.join(self.build_folder, folder), os.path.join(self.package_folder, folder))
        licenses = os.path.join(self.package_folder, "licenses")
        for pattern in ("LICENSE-*", "THIRD-PARTY*"):
            copy(self, pattern, os.path.join(self.build_folder, "share/doc/wandb_login"), licenses)

    def package_info(self):
        self.cpp_info.libs = ["wandb_login"]
        self.cpp_info.set_property("cmake_file_name", "wandb_login")
        self.cpp_info.set_property("cmake_target_name", "wandb_login::wandb_login")
        self.cpp_info.set_property("pkg_config_name", "wandb_login")
        if not self.options.shared:
            file = load(self, os.path.join(self.package_folder, "lib/pkgconfig/wandb_login.pc"))
            private = re.search("^Libs.private:(.*)$", file, re.MULTILINE).group(1)
            self.cpp_info.system_libs = [word.removeprefix("-l") for word in private.split()]
