"""Host formats to `Request`: one module or package for each format."""
