"""fonts - make matplotlib's list of fonts once, where an import looks for it.

usage: fonts.py FOLDER          PYTHONPATH leads to matplotlib

Otherwise the first `import matplotlib.pyplot` of every new container reads all fonts: a second on a
fast machine, half a minute on an emulated one.
"""

import json
import os
import sys

folder = sys.argv[1]
os.makedirs(folder)
os.environ["MPLCONFIGDIR"] = folder
os.environ["MPL_IGNORE_SYSTEM_FONTS"] = "1"  # those of the machine that builds are not in the image

import matplotlib.font_manager as font_manager  # noqa: E402, F401 - writes the list

for name in os.listdir(folder):
    path = os.path.join(folder, name)
    if not name.startswith("fontlist-"):
        os.unlink(path)
        continue
    with open(path, encoding="utf-8") as file:
        fonts = json.load(file)
    for kind in ("afmlist", "ttflist"):
        # It comes in the order of a set of absolute paths.
        fonts[kind].sort(key=lambda font: font["fname"])
        if not fonts[kind] or any(os.path.isabs(font["fname"]) for font in fonts[kind]):
            sys.exit(f"fonts: {kind} is empty or names a file outside matplotlib")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(fonts, file, indent=1)
if not os.listdir(folder):
    sys.exit("fonts: matplotlib left no list of fonts")
