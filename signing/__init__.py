"""Signing and verifying: keys, PAdES, XAdES, CMS, timestamps, trust, who may sign."""
