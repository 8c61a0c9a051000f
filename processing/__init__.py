"""Samples -> repetitions. Pure arithmetic: no radio, clock, file, thread or log."""
