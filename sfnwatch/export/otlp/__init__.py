"""A trace as OpenTelemetry spans: as a file, or sent to a collector."""
