"""A trace as the source text of Mermaid diagrams."""
