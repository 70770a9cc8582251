"""Databases as earlier versions wrote them, and what wrote them."""
