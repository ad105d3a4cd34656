"""What is written as JSON: a contract that other programs rely on."""
