#!/bin/sh
# Makes a static library that exports only the symbols wandb_*. The library that cargo
# builds also exports symbols of Rust's standard library, which could conflict with
# those of another Rust library. For Linux with GNU binutils.
#
#     bindings/c/hide-static.sh target/release/libwandb_login.a libwandb_login.a
set -eu
input=$1 output=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
object=$folder/wandb_login.o

# Link all code that the exported functions need into one object. Without
# --force-group-allocation it keeps COMDAT groups such as that of DW.ref.rust_eh_personality,
# whose symbol becomes local below: the linker of the program then discards the group for
# that of another Rust library, and calls of this one lead nowhere.
set --
for symbol in $(readelf --syms --wide "$input" |
                awk '$5 == "GLOBAL" && $7 != "UND" && $8 ~ /^wandb_[a-z_]*$/ { print $8 }'); do
  set -- "$@" -u "$symbol"
done
ld -r --force-group-allocation --gc-sections "$@" -o "$object" "$input"

# Make all other symbols local, and remove the LLVM bitcode of Rust's std. --strip-unneeded
# removes undefined weak symbols of removed code, which objcopy would turn into strong ones,
# and the debugging information.
objcopy --strip-unneeded --wildcard --keep-global-symbol='wandb_*' \
        --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
rm -f "$output"
ar rcs "$output" "$object"
