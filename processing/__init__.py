"""Samples -> repetitions. Pure arithmetic: no radio, clock, file, thread or log."""

VERSION = "9"  # changes whenever the same samples may give another result; stored beside every result
