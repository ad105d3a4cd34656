"""`python -m sfnwatch` is the same program as `sfnwatch`."""

from sfnwatch.cli.main import main

if __name__ == "__main__":
    main()
