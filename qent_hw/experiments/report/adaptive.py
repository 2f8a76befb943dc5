"""What the report says of a run whose shots were given out round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qent_hw.experiments.report.labels import thousands
from qent_hw.experiments.runcard import Points
from qent_hw.experiments.summary import with_error
from qent_hw.pages.table import Table

if TYPE_CHECKING:
    from qent_hw.experiments.run import Run


def adaptive_outcome(run: Run) -> str:
    """Shots against the fixed plan, and what was decided."""
    one = run.comparison["adaptive"]
    n, share = one["n_states"], with_error(one["share_of_fixed"], one["share_of_fixed_se"], percent=True)
    if one["stopped_early"]:
        open_ = (
            f"{thousands(one['undecided'])} were left open below the cap, as the run was cancelled or its next round "
            "would have gone beyond the QPU seconds allowed"
        )
    elif one["undecided"]:
        open_ = f"{thousands(one['undecided'])} were still undecided at the cap"
    else:
        open_ = "none was left open"
    return (
        f"on the average {thousands(round(one['shots_mean']))} ± {max(one['shots_mean_se'], 0.5):,.0f} shots a state, "
        f"{share} of the fixed plan's {thousands(one['shots_cap'])}; half of the states took "
        f"{thousands(round(one['shots_median']))} or fewer. {thousands(one['decided'])} of {thousands(n)} states were "
        f"decided at an error rate of {one['error_rate']:g}, after {one['looks_mean']:.1f} looks on average; {open_}"
    )


def errors_table(run: Run) -> Table:
    """Of the verdicts and of the states of either kind, how many were wrong."""
    said = {
        "called_entangled": "called entangled, truly separable",
        "called_separable": "called separable, truly entangled",
        "truly_entangled": "truly entangled, called separable",
        "truly_separable": "truly separable, called entangled",
    }
    rows = tuple((said[name], *_numbers(one)) for name, one in run.comparison["adaptive"]["errors"].items())
    rate = run.comparison["adaptive"]["error_rate"]
    caption = (
        f"Wrong verdicts of the adaptive rule, ± one standard error; asked for was at most {100 * rate:g}% of either."
    )
    return Table(caption, ("", "wrong", "of", "share"), rows)


def _numbers(one: dict[str, Any]) -> tuple[str, str, str]:
    share = with_error(one["rate"], one["rate_se"], percent=True) if one["n"] else "–"
    return thousands(one["wrong"]), thousands(one["n"]), share


def adaptive_assumptions(run: Run) -> list[tuple[str, str]]:
    """(heading, text): what the error rate of an adaptive run rests on, and what its counts are not good for."""
    family, device = run.plan.family.title, run.comparison["backend"]
    even = run.comparison["adaptive"]["spread"] == "even"
    given = (
        "Each batch was shared out evenly over the settings, until the verdict was sure. Estimators here judge what "
        "was measured by then: at few shots for most states, "
        if even
        else "Each batch went to the setting whose next outcome tells most of the label, until the verdict was sure. "
        "Estimators here judge what was measured by then: at few shots for most states, unevenly over the settings, of "
        "which networks, trained on even shots, make little (spread = even in the runcard's section adaptive helps), "
    )
    drawn = (
        "These states were chosen, not drawn, so that nothing is promised for them. "
        if isinstance(run.runcard.states, Points)
        else ""
    )
    return [
        (
            "The error rate is the posterior's.",
            "A state was called entangled once the posterior probability of that had reached one minus the error rate, "
            f"given all its counts. The prior: {family} states, parameters and p uniform, measured by {device} as it "
            "is modelled. Where that holds, looking after every batch spoils nothing, since a posterior depends on the "
            "counts and not on why measuring stopped: of many such states no larger share of either verdict is wrong. "
            f"{drawn}For one given state, or with a device that is not as modelled, the rate may be larger.",
        ),
        (
            "Shots were given out by the counts.",
            f"{given}and by averages that are slightly off, because a fluctuation that settles a verdict ends the "
            "measurement. Their figures are therefore not those of a run with as many shots for every state.",
        ),
    ]
