"""Watch an AWS Step Functions execution and the API calls it makes for you."""

__version__ = "0.1.0"
