//! Nothing to use: the tests lie in `tests/`.
