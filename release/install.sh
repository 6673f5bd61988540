#!/bin/sh
# Installs a release of libwandb_login, with the command wandb-login, into a folder of the user:
#
#   sh install.sh FROM [PREFIX]            FROM: the address or the folder of the release's files
#   sh install.sh --uninstall [PREFIX]     PREFIX: ~/.local unless given
#
# It compares the archive with SHA256SUMS of the same place, which shows damage. It needs no
# rights of an administrator, changes nothing outside of PREFIX and of the folders that links in
# it lead to, and replaces no file that it has not installed.
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
    grep -q '^[0-9a-f]\{64\}  ' "$work/SHA256SUMS" ||
        fail "$from/SHA256SUMS is no list of checksums, perhaps a web page: check the address"
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

# Installs the archive. A list of its files and of new folders is written first and completed
# last: a run that is interrupted can be repeated or uninstalled.
install() {
    work=$(mktemp -d)
    undo=no
    trap clean EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    unpack
    [ -d "$prefix/" ] || mkdir -p "$prefix" || fail "cannot make the folder $prefix"
    lock
    plan
    check_prefix
    record
    copy_files
    remove_obsolete
    undo=no
    echo "installed ${name%.tar.gz} in $prefix; the command is $prefix/bin/wandb-login"
    check_path
}

# Removes temporary files, and all files of a first installation that has failed.
clean() {
    rm -rf "$work" "${prefix:?}/$staging" "$prefix/$list.new"
    if [ "$undo" = yes ]; then uninstall; fi
}

# Waits for another run in the same folder, such as that of another job. Without flock, or on a
# file system that cannot lock, runs at the same time fail with an error.
lock() {
    if command -v flock >/dev/null && [ -d "$prefix/" ]; then
        exec 9<"$prefix/"
        flock 9 2>/dev/null || :
    fi
}

exists() { [ -e "$1" ] || [ -h "$1" ]; }

# Writes to $work what has to be in the prefix, and what an earlier installation has there.
# The path of a folder ends with a slash.
plan() {
    (
        cd "$work/files"
        mkdir -p "${list%/*}"
        { find . ! -type d; echo "./$list"; find . -type d ! -name . | sed 's,$,/,'; } | sort >"$work/plan"
    )
    if [ -f "$prefix/$list" ]; then
        cp "$prefix/$list" "$work/installed"
    else
        : >"$work/installed"
    fi
}

# Fails if the files cannot be written, or would replace files of another origin. Folders may
# be symbolic links.
check_prefix() {
    [ -w "$prefix/" ] || fail "no permission to write to $prefix"
    while read -r path; do
        place=$prefix/${path#./}
        place=${place%/}
        case $path in
        */)
            if [ -d "$place" ]; then continue; fi
            if exists "$place"; then fail "$place is not a folder: move it away, or name another PREFIX"; fi ;;
        *)
            if [ -d "$place" ] || { exists "$place" && ! grep -qxF -e "$path" "$work/installed"; }; then
                fail "$place was not installed by install.sh: move it away, or name another PREFIX"
            fi ;;
        esac
        parent=${place%/*}
        if [ -d "$parent" ] && [ ! -w "$parent" ]; then fail "no permission to write to $parent"; fi
    done <"$work/plan"
}

# Writes the list: what is installed already, and what will be.
record() {
    while read -r path; do
        case $path in
        */) [ -d "$prefix/$path" ] || echo "$path" ;;
        *) echo "$path" ;;
        esac
    done <"$work/plan" >"$work/new"
    sort -u "$work/installed" "$work/new" >"$work/list"
    mkdir -p "$prefix/${list%/*}"
    write_list "$work/list"
    if [ ! -s "$work/installed" ]; then undo=yes; fi
}

write_list() {
    { cp "$1" "$prefix/$list.new" && mv -f "$prefix/$list.new" "$prefix/$list"; } || fail "cannot write $prefix/$list"
}

# Copies the files into one folder of the prefix, then moves each to its place. Programs that
# run keep the file that they have opened.
copy_files() {
    rm -rf "${prefix:?}/$staging"
    cp -RP "$work/files" "$prefix/$staging" || fail "cannot copy the files to $prefix"
    while read -r path; do
        case $path in
        "./$list") ;;
        */) mkdir -p "$prefix/$path" ;;
        *) mv -f "$prefix/$staging/$path" "$prefix/$path" || fail "cannot write $prefix/${path#./}" ;;
        esac
    done <"$work/plan"
}

# Removes the files that the earlier version has and this one does not.
remove_obsolete() {
    { grep -vxF -f "$work/plan" "$work/list" || :; } | remove
    while read -r path; do
        if exists "$prefix/$path"; then echo "$path"; fi
    done <"$work/list" >"$work/final"
    write_list "$work/final"
}

# Removes the files and the empty folders whose paths it reads.
remove() {
    sort -r | while read -r path; do
        case $path in
        '') ;;
        */) rmdir "$prefix/$path" 2>/dev/null || : ;; # others may have put files there
        *) rm -f "$prefix/$path" || fail "cannot remove $prefix/${path#./}" ;;
        esac
    done
}

# Removes the list after the files, and then the folders that are empty.
uninstall() {
    [ -f "$prefix/$list" ] || fail "$prefix has no installation by install.sh"
    folders=$(grep '/$' "$prefix/$list") || folders=
    rm -rf "${prefix:?}/$staging" "$prefix/$list.new" # of a killed run
    { grep -vxF -e "./$list" "$prefix/$list" || :; } | remove
    rm -f "$prefix/$list"
    printf '%s\n' "$folders" | remove
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

usage='usage: install.sh FROM [PREFIX], or install.sh --uninstall [PREFIX]'
list=share/wandb_login/installed-files
staging=share/wandb_login/installing
if [ $# -eq 1 ] && [ "$1" = --help ]; then
    echo "$usage"
    exit
fi
[ $# -ge 1 ] && [ $# -le 2 ] || fail "$usage"
case $1 in --uninstall) ;; '' | -*) fail "$usage" ;; esac
case ${2-} in -*) fail "$usage" ;; esac
[ -n "${2-}${HOME-}" ] || fail 'HOME is not set: name a PREFIX'
from=${1%/}
prefix=${2:-$HOME/.local}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
case $prefix in *[!/]*/) prefix=${prefix%/} ;; esac
if [ "$from" = --uninstall ]; then
    lock
    uninstall
else
    install
fi
