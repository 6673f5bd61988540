#!/bin/sh
# Makes a static library whose only global symbols are wandb_*, from the one that
# cargo builds, which brings Rust's own along: two such libraries in one program
# could clash. For Linux and GNU binutils.
#
#     bindings/c/hide-static.sh target/release/libwandb_login.a libwandb_login.a
set -eu
input=$1 output=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
object=$folder/wandb_login.o

# One object of all that our functions need ...
set --
for symbol in $(nm --defined-only --extern-only "$input" 2>/dev/null |
                sed -n 's/.* T \(wandb_[a-z_]*\)$/\1/p'); do
  set -- "$@" -u "$symbol"
done
ld -r --gc-sections "$@" -o "$object" "$input"

# ... with everything else local, and without the bitcode of Rust's std, which is
# no use once it is merged.
objcopy --wildcard --keep-global-symbol='wandb_*' \
        --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
rm -f "$output"
ar rcs "$output" "$object"
