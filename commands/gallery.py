"""qujat gallery -o DIR"""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from qujat import settings as configuration
from qujat.commands import print_json


def gallery(options: Namespace) -> int:
    """qujat gallery -o DIR [--form FORM]… [--language kk|ru] [--no-pictures]"""
    from qujat.catalogue import load
    from qujat.gallery import Choice, build
    from qujat.languages import LANGUAGES

    settings = configuration.read(options.config)
    languages = (options.language,) if options.language else LANGUAGES
    choice = Choice(tuple(options.form or ()), languages, pictures=not options.no_pictures)
    built = build(load(settings.published), options.output, choice, workers=os.cpu_count() or 1, progress=_progress)
    if options.json:
        counted = {"forms": built.forms, "wordings": built.wordings, "pages": built.pages}
        print_json({"file": str(built.index), **counted})
    else:
        print(built.index)
    return 0


def _progress(done: int, of: int, stem: str) -> None:
    print(f"{done}/{of} {stem}", file=sys.stderr, flush=True)
