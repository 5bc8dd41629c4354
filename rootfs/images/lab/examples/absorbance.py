"""Mean absorbance per sample: the group-by of digits.ipynb as a script."""

import pandas as pd

table = pd.read_csv("absorbance.csv")
print(table.groupby("sample").absorbance.mean().to_string())
