#!/bin/sh
# Makes a static library that exports only the symbols wandb_*. The library that cargo
# builds also exports symbols of Rust's standard library, which could conflict with
# those of another Rust library. For Linux and MinGW, with GNU binutils.
#
#     bindings/c/hide-static.sh target/release/libwandb_login.a libwandb_login.a [LIBRARY...]
#
# What the library needs of each further static LIBRARY becomes a part of it, such as the
# unwinder of `gcc -print-file-name=libgcc_eh.a`. BINUTILS is the prefix of the tools for
# another machine: BINUTILS=aarch64-linux-gnu-
set -eu
input=$1 output=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
object=$folder/wandb_login.o

# Link all code that the exported functions need into one object. Without
# --force-group-allocation it keeps COMDAT groups such as that of DW.ref.rust_eh_personality,
# whose symbol becomes local below: the linker of the program then discards the group for
# that of another Rust library, and calls of this one lead nowhere.
# readelf knows no files of Windows; nm may see bitcode only, where LLVM's plugin for it
# is installed.
symbols=$({ "${BINUTILS-}readelf" --syms --wide "$input" 2>/dev/null |
            awk '$5 == "GLOBAL" && $7 != "UND" { print $8 }'
            "${BINUTILS-}nm" --defined-only --extern-only "$input" 2>/dev/null |
            awk 'NF == 3 { print $3 }'; } | grep -x 'wandb_[a-z_0-9]*' | sort -u)
set -- "$input" "$@"
for symbol in $symbols; do
  set -- -u "$symbol" "$@"
done
"${BINUTILS-}ld" -r --force-group-allocation --gc-sections -o "$object" "$@"

# Make all other symbols local, and remove the LLVM bitcode of Rust's std. --strip-unneeded
# removes undefined weak symbols of removed code, which objcopy would turn into strong ones,
# and the debugging information.
"${BINUTILS-}objcopy" --strip-unneeded --wildcard --keep-global-symbol='wandb_*' \
        --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
rm -f "$output"
"${BINUTILS-}ar" rcsD "$output" "$object"
