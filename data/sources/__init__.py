"""One module per study: raw public tables in, our records out. Run with `python -m archimeter.data.build`."""
