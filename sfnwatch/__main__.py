"""`python -m sfnwatch` is the same program as `sfnwatch`."""

from sfnwatch.cli import main

if __name__ == "__main__":
    main()
