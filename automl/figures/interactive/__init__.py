"""The same pictures for a page in a browser, from the same data: points that say what they are, lines to pick out."""
