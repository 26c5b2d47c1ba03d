"""Predict how backbones do on a data set that nobody has measured: orders, errors, intervals."""
