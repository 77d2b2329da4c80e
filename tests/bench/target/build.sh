#!/bin/sh
# A build that talks: 1,000 lines a second for as many seconds as stand in the file `seconds`.
set -e
cc -O lines.c -o lines
exec ./lines "$(cat seconds)"
