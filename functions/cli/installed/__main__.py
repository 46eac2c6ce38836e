"""`python -m pipehook`: the command line of the installed package."""

from pipehook import main  # type: ignore[import-not-found,unused-ignore] # there once it is installed

main()
