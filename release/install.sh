#!/bin/sh
# Installs a release of libwandb_login, with the command wandb-login, into a folder of the user:
#
#   sh install.sh FROM [PREFIX]            FROM: the address or the folder of the release's files
#   sh install.sh --uninstall [PREFIX]     PREFIX: ~/.local unless given
#
# It compares the archive with SHA256SUMS of the same place, which shows damage. It needs no
# rights of an administrator, and changes nothing outside of PREFIX.
set -eu

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# The oldest C library that the files for glibc load with.
oldest_glibc=@OLDEST_GLIBC@

# The name of this machine in the names of the archives.
target() {
    processor=$(uname -m)
    case $processor in
    x86_64 | amd64) processor=x86_64 ;;
    aarch64 | arm64) processor=aarch64 ;;
    esac
    if [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then processor=$processor-32-bit; fi
    case $(uname -s) in
    Darwin) echo "$processor-apple-darwin" ;;
    Linux)
        libc=gnu
        if ldd --version 2>&1 | grep -qi musl; then libc=musl; fi
        echo "$processor-unknown-linux-$libc" ;;
    *) echo "$processor-$(uname -s)" ;;
    esac
}

# Fails if the C library is too old for the files.
check_glibc() {
    case $target in *-linux-gnu) ;; *) return 0 ;; esac
    version=$(getconf GNU_LIBC_VERSION 2>/dev/null) || return 0
    version=${version#glibc }
    oldest=$(printf '%s\n' "$oldest_glibc" "$version" | sort -V | head -n 1)
    [ "$oldest" = "$oldest_glibc" ] ||
        fail "this machine has glibc $version, and the files of this release need $oldest_glibc or later"
}

# fetch NAME: copies a file of the release into $work.
fetch() {
    case $from in
    *://*)
        if command -v curl >/dev/null; then
            curl --fail --silent --show-error --location --output "$work/$1" "$from/$1"
        else
            wget -q -O "$work/$1" "$from/$1"
        fi ;;
    *) cp "$from/$1" "$work/$1" ;;
    esac || fail "cannot read $from/$1"
}

# checksum FILE
checksum() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Downloads and unpacks the archive for this machine to $work/files.
unpack() {
    fetch SHA256SUMS
    target=$(target)
    check_glibc
    line=$(grep "^[0-9a-f]*  wandb-login-[0-9.]*-$target\.tar\.gz$" "$work/SHA256SUMS" | tail -n 1)
    [ -n "$line" ] || fail "$from has no archive for this machine ($target)"
    name=${line##* }
    fetch "$name"
    [ "$(checksum "$work/$name")" = "${line%% *}" ] ||
        fail "$from/$name is damaged: its SHA-256 is not the one in SHA256SUMS. Download it again"
    mkdir "$work/files"
    tar -xzf "$work/$name" -C "$work/files" --strip-components=1
    rm "$work/files/CMakeLists.txt" # for FetchContent of the archive
}

# Copies the files, and writes a list of all files and new folders.
install() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    unpack
    if [ -f "$prefix/$list" ]; then uninstall; fi
    mkdir -p "$prefix"
    (
        cd "$work/files"
        mkdir -p "${list%/*}"
        find . -type d ! -name . | while read -r folder; do
            [ -d "$prefix/$folder" ] || echo "$folder/"
        done >"$work/list"
        echo "./$list" >>"$work/list"
        find . ! -type d >>"$work/list"
        sort "$work/list" >"$list"
        cp -RP . "$prefix"
    )
    echo "installed ${name%.tar.gz} in $prefix; the command is $prefix/bin/wandb-login"
    check_path
}

# Says what to do if the name of the command does not start the installed one.
check_path() {
    found=$(command -v wandb-login) || found=
    # shellcheck disable=SC3013 # dash and busybox know -ef
    if [ "$found" -ef "$prefix/bin/wandb-login" ]; then return; fi
    if [ -n "$found" ]; then
        echo "PATH finds another command of this name first: $found"
    else
        echo "PATH does not have $prefix/bin"
    fi
    echo 'Run this line, and add it to the start-up file of your shell, such as ~/.profile:'
    quoted=$(printf '%s\n' "$prefix/bin" | sed "s/'/'\\\\''/g")
    printf "    export PATH='%s':\"\$PATH\"\n" "$quoted"
}

uninstall() {
    [ -f "$prefix/$list" ] || fail "$prefix has no installation by install.sh"
    sort -r "$prefix/$list" | while read -r path; do
        case $path in
        */) rmdir "$prefix/$path" 2>/dev/null || : ;; # others may have put files there
        *) rm -f "$prefix/$path" ;;
        esac
    done
}

list=share/wandb_login/installed-files
[ $# -ge 1 ] && [ $# -le 2 ] || fail 'usage: install.sh FROM [PREFIX], or install.sh --uninstall [PREFIX]'
from=${1%/}
prefix=${2:-$HOME/.local}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
if [ "$from" = --uninstall ]; then uninstall; else install; fi
