"""Commands of the command line, in the order help lists them."""

from mriinterp.commands import (
    app,
    cohort,
    explain,
    fetch,
    listing,
    model,
    paper,
    prepare,
    simulate,
    statistics,
    study,
    train,
    trust,
)

COMMANDS = (app, explain, prepare, study, cohort, statistics, paper, listing, model, fetch, simulate, train, trust)

__all__ = ["COMMANDS"]
