"""What all our pages share: how figures, tables and the HTML around them look."""
