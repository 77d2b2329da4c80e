#!/bin/sh
# One measured run: tokens per second of the small model, as METRIC lines. `make` comes first.
exec build/bench
