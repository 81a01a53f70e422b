"""The two ways a command can end badly, each one line for the person who typed it."""


class UserError(Exception):
    """Wrong input: says what was found and what to type instead. Exit status 2."""

    exit_status = 2


class RunError(Exception):
    """Something failed underway that the command line is not to blame for. Exit status 1."""

    exit_status = 1
