"""The one exception for what a user can cause and can mend."""


class InputError(ValueError):
    """A setting, file or network answer that cannot be used.

    The message is one line: the value received, what is allowed, the remedy. Jobs print it
    without a traceback and exit with status 1.
    """
