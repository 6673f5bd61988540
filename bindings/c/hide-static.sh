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

# Link all code that the exported functions need into one object.
set --
for symbol in $(nm --defined-only --extern-only "$input" 2>/dev/null |
                sed -n 's/.* T \(wandb_[a-z_]*\)$/\1/p'); do
  set -- "$@" -u "$symbol"
done
ld -r --gc-sections "$@" -o "$object" "$input"

# Make all other symbols local, and remove the LLVM bitcode of Rust's std.
objcopy --wildcard --keep-global-symbol='wandb_*' \
        --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
rm -f "$output"
ar rcs "$output" "$object"
