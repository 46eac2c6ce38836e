"""`python -m functions`: the command line."""

from functions.cli import main

if __name__ == "__main__":
    main()
