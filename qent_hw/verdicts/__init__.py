"""What measured counts prove: verdicts that say what they assume, and with what chance they are wrong."""
