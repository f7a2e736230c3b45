"""The bank of five customers, and that of forty."""

from tests.products.conftest import bank, crowd, open_bank, schema

__all__ = ["bank", "crowd", "open_bank", "schema"]
