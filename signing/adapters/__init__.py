"""Signing and checking by others: NCANode over HTTP, NCALayer in the browser, eGov Mobile by QR.

Each adapter speaks one foreign contract at its border and plain values inside: `exchange.ToSign` goes out,
`exchange.Signed` comes back. What comes back is never believed: whoever embeds a signature verifies it first.
"""
