#!/bin/sh
# Makes a static library whose symbols cannot conflict with those of another Rust library.
# The library that cargo builds also has the symbols of Rust's standard library. For Linux and
# MinGW, with GNU binutils.
#
#     bindings/c/hide-static.sh target/release/libwandb_login.a libwandb_login.a [LIBRARY...]
#
# For Linux only the symbols wandb_* stay global. What the library needs of each further static
# LIBRARY becomes a part of it, such as the unwinder of `gcc -print-file-name=libgcc_eh.a`.
# For MinGW, whose linker cannot do that, all other symbols get the prefix wandb_login_private_.
# BINUTILS is the prefix of the tools for another machine: BINUTILS=aarch64-linux-gnu-
set -eu
input=$1 output=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Links all code that the exported functions need into one object. Without
# --force-group-allocation it keeps COMDAT groups such as that of DW.ref.rust_eh_personality,
# whose symbol becomes local below: the linker of the program then discards the group for
# that of another Rust library, and calls of this one lead nowhere.
#
# Then makes all other symbols local, and removes the LLVM bitcode of Rust's std.
# --strip-unneeded removes undefined weak symbols of removed code, which objcopy would turn
# into strong ones, and the debugging information.
link_one_object() {
  object=$folder/wandb_login.o
  for symbol in $symbols; do
    set -- -u "$symbol" "$@"
  done
  "${BINUTILS-}ld" -r --force-group-allocation --gc-sections -o "$object" "$@"
  "${BINUTILS-}objcopy" --strip-unneeded --wildcard --keep-global-symbol='wandb_*' \
          --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
  rm -f "$output"
  "${BINUTILS-}ar" rcsD "$output" "$object"
}

# Renames definitions and uses in all objects. Bitcode is removed first: nm would read it in
# place of the symbols where LLVM's plugin for binutils is installed. rustc's import libraries
# have the name of a temporary folder in their symbols: it becomes a number.
rename_symbols() {
  "${BINUTILS-}objcopy" --enable-deterministic-archives --strip-debug \
          --remove-section=.llvmbc --remove-section=.llvmcmd "$input" "$folder/stripped.a"
  "${BINUTILS-}nm" --defined-only --extern-only "$folder/stripped.a" |
    awk 'NF == 3 && $3 !~ /^wandb_/ {
           name = $3
           if (match(name, /_rustc[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]_/)) {
             folder = substr(name, RSTART, RLENGTH)
             if (!(folder in number)) number[folder] = ++folders
             name = (name ~ /^_head_/ ? "_head_" : "__") number[folder] "_" substr(name, RSTART + RLENGTH)
           }
           print $3, "wandb_login_private_" name
         }' |
    sort -u >"$folder/names"
  rm -f "$output"
  "${BINUTILS-}objcopy" --enable-deterministic-archives --redefine-syms="$folder/names" \
          "$folder/stripped.a" "$output"
}

# readelf knows no files of Windows.
symbols=$("${BINUTILS-}readelf" --syms --wide "$input" 2>/dev/null |
          awk '$5 == "GLOBAL" && $7 != "UND" && $8 ~ /^wandb_[a-z_0-9]*$/ { print $8 }')
if [ -n "$symbols" ]; then
  link_one_object "$input" "$@"
else
  rename_symbols
fi
