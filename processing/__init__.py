"""Samples -> repetitions. Pure arithmetic: no radio, clock, file, thread or log."""

VERSION = "5"  # changes whenever the same samples may give another result; stored beside every result
