"""Files of somebody else's: any PDF, CMS or XML that a stranger hands in. `verification.verify` is the way in.

Nothing here knows documents of ours: those are for `checking.check`, which is stricter.
"""
