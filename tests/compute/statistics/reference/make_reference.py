"""Writes the reference figures beside it, from the example's tables in the clear, with other people's code.

In an environment of its own (none of it is a dependency of the project), from the repository's root:

    pip install optbinning==1.0.0 toad==0.1.7 scikit-learn==1.9.1 pandas==3.1.1
    python tests/compute/statistics/reference/make_reference.py
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import toad
from optbinning import BinningProcess, OptimalBinning, Scorecard
from scipy.stats import chi2_contingency, contingency
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

warnings.filterwarnings("ignore")
HERE, EXAMPLES = Path(__file__).parent, Path("examples/sba")
loans = pd.read_csv(EXAMPLES / "bank_loans.csv")
for name in ("market_regulation", "social_security"):
    loans = loans.merge(pd.read_csv(EXAMPLES / f"{name}.csv", dtype={"naics": str}), on="uscc", how="left")
bad = loans["defaulted"].to_numpy()

GROUPS = {
    "urban_rural": [["rural"], ["undefined"], ["urban"]],
    "sector": [["11"], ["23"], ["31", "32", "33"], ["42"], ["44", "45"], ["54"], ["72"]],
}
loans["sector"] = loans["naics"].str[:2]
figures = {}
for column, groups in GROUPS.items():
    listed = {value for group in groups for value in group}
    binned = loans[column].map({value: i for i, group in enumerate(groups) for value in group}).fillna(len(groups))
    known = loans[loans[column].isin(listed)]
    optimal = OptimalBinning(
        name=column,
        dtype="categorical",
        user_splits=np.array(groups, dtype=object),
        user_splits_fixed=[True] * len(groups),
        cat_unknown=None,
    ).fit(known[column].to_numpy(), known["defaulted"].to_numpy())
    table = optimal.binning_table.build()
    optimal.binning_table.analysis(print_output=False)
    cells = pd.crosstab(binned, bad)
    cells = cells[cells.index < len(groups)]
    rate = binned[binned < len(groups)].map(cells[1] / cells.sum(axis=1))
    outcome = bad[binned < len(groups)]
    false, true, _ = roc_curve(outcome, rate)
    test = chi2_contingency(cells.to_numpy(), correction=False)
    figures[column] = {
        "groups": groups,
        "good": cells[0].tolist(),
        "bad": cells[1].tolist(),
        "woe": dict(zip(map(" ".join, table["Bin"][: len(groups)]), table["WoE"][: len(groups)], strict=True)),
        "iv": optimal.binning_table.iv,
        "gini": optimal.binning_table.gini,
        "auc": roc_auc_score(outcome, rate),
        "ks": float(np.max(true - false)),
        "chi_square": test.statistic,
        "chance": test.pvalue,
        "cramers_v": contingency.association(cells.to_numpy(), method="cramer"),
    }
jobs = loans["employees"].dropna().clip(0, 100)
figures["employees"] = {
    "rows": len(jobs),
    "sum": int(jobs.sum()),
    "mean": float(jobs.mean()),
    "variance": float(jobs.var(ddof=0)),
    "median": float(jobs.median()),
    "correlation_with_bad": float(np.corrcoef(jobs, bad[loans["employees"].notna()])[0, 1]),
    "correlation_with_jobs_retained": float(
        np.corrcoef(jobs, loans.loc[jobs.index, "jobs_retained"].clip(0, 50))[0, 1]
    ),
}
(HERE / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")

columns = ["state", "business_age", "employees"]
binning = BinningProcess(columns, categorical_variables=columns[:2])
card = Scorecard(
    binning,
    LogisticRegression(),
    scaling_method="pdo_odds",
    scaling_method_params={"pdo": 40, "odds": 4, "scorecard_points": 500},
).fit(loans[columns], bad, metric_missing="empirical")
card.table("summary").to_csv(HERE / "optbinning_summary.csv")
card.table("detailed").to_csv(HERE / "optbinning_detailed.csv")

table = loans[[*columns, "defaulted"]].copy()
combiner = toad.transform.Combiner()
combiner.fit(table, y="defaulted", method="chi", min_samples=0.05, empty_separate=True)
weights = toad.transform.WOETransformer()
transformed = weights.fit_transform(combiner.transform(table), table["defaulted"], exclude=["defaulted"])
scores = toad.ScoreCard(pdo=40, rate=2, base_odds=4, base_score=500, combiner=combiner, transer=weights)
scores.fit(transformed.drop(columns="defaulted"), table["defaulted"])
exported = {"card": scores.export(), "rules": combiner.export()}
for rule in exported["rules"].values():
    rule[:] = ["nan" if pd.isna(each) else each for each in rule]  # JSON has no NaN
first = loans.head(300)
exported["first_scores"] = [float(each) for each in scores.predict(first[columns])]
(HERE / "toad.json").write_text(json.dumps(exported, indent=1) + "\n")
