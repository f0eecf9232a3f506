"""Average a cohort: every scan explained, the groups averaged, areas compared.

A run may be stopped at any time; the same call goes on where it ended.
"""

import tempfile

import mriinterp

study = mriinterp.load_study("demo")
with tempfile.TemporaryDirectory() as folder:
    cohort = mriinterp.run_cohort(study, ["sensitivity"], out=folder, n=4)  # all maps explain AD
    for group in ("AD", "CN"):
        mean = cohort.mean("sensitivity", group)
        print(f"{group}: {cohort.n('sensitivity', group)} scans, mean relevance {mean.data.mean():.2e}")
    shares = cohort.areas("sensitivity")  # one row a scan, one column an area
    print(shares.mean().sort_values(ascending=False).head(5).to_string())
