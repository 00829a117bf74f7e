"""Leave one subject out over a table of your own features, with intervals and a report.

The table has the columns `subject` and `label`; all others are features.

    python examples/loso_own_data.py FEATURES.csv REPORT.html
"""

import argparse

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help="a csv with the columns subject, label and features")
    parser.add_argument("report", help="the page to write")
    arguments = parser.parse_args()
    table = pd.read_csv(arguments.table)
    features = table.drop(columns=["subject", "label"]).to_numpy()
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    scores = mace.cross_validate(classifier, features, table["label"], table["subject"])
    print(scores.table())
    scores.report(arguments.report)


if __name__ == "__main__":
    main()
