#!/bin/sh
# Exit 0 when every kernel agrees with its plain reference. `make` comes first.
exec build/checks
