"""A band on the body -> SI samples. Imports nothing of ours."""
