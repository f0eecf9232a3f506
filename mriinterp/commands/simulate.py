"""``simulate``: write simulated scans."""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from mriinterp.base.atomic import made_folder, write_text
from mriinterp.base.tables import write_tsv
from mriinterp.commands.terminal import ProgressLine, print_line, quoted
from mriinterp.image.write import write_volume
from mriinterp.simulation.subjects import DEMO, VARIANTS, simulate_subject, subjects_table

__all__ = ["add_parser"]

DESCRIPTION = """\
Write simulated T1 scans with known atrophy, into one folder:
  participants.tsv            id, group, sex, age, site, severity, file of the scan
  <id>_T1w.nii.gz, .json      the scan; the JSON says that it is simulated
  <id>_truth.nii.gz           where disease changed the brain"""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "simulate",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--split", default="demo", choices=["demo", "validation", "test", "train"], help="default: %(default)s"
    )
    parser.add_argument("--n", type=int, metavar="N", help="only the first N subjects")
    parser.add_argument(
        "--variant", default="plain", choices=VARIANTS, help="with or without a shortcut (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=DEMO.seed, help="default: %(default)s, the demo study's own")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the scans, several at a time."""
    if args.n is not None and args.n < 1:
        raise ValueError(f"expected --n of 1 or more, got {args.n}")
    settings = replace(DEMO, seed=args.seed, variant=args.variant)
    table = subjects_table(settings)
    table = table[table["split"] == args.split].head(args.n or len(table))
    out = Path(args.out)
    made_folder(out)

    def write(subject: str) -> None:
        made = simulate_subject(settings, subject)
        write_volume(made.volume, out / f"{subject}_T1w.nii.gz", space="mni")
        write_volume(made.truth, out / f"{subject}_truth.nii.gz", space="mni")
        entries = {"simulated": True, "variant": settings.variant, "seed": settings.seed, **made.row}
        write_text(out / f"{subject}_T1w.json", json.dumps(entries, indent=2) + "\n")

    progress = ProgressLine("simulating")
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(write, subject) for subject in table["id"]]
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            progress(done, len(jobs))
    progress.close()
    participants = table.assign(filepath=[f"{name}_T1w.nii.gz" for name in table["id"]])
    if args.split == "demo":  # scans to explain: neither trained on nor tested
        participants = participants.drop(columns="split")
    write_tsv(participants.rename(columns={"id": "participant_id"}), out / "participants.tsv")
    print_line(f"wrote {len(table)} simulated scans to {out}")
    print_line(f"as a study: mriinterp study init --table {quoted(out)} --model demo --out STUDY.toml")
    return 0
