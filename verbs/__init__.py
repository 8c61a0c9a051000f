"""What the verbs do: a verb is one file with HELP, PARENTS, `arguments(parser)` and `run(arguments)`.

Every file is imported to know its arguments, so each imports what it works with when it runs.
"""
