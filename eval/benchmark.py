"""Let systems speak the same texts and score them, stage by stage.

tts-benchmark experiment=three_families texts=sentences.tsv
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def benchmark(cfg: DictConfig) -> Path | None:
    """Run the recipe and return the report, or None on processes that only help."""
    from hydra.utils import instantiate

    from tts_toolkit.data.intake import conclude, counting
    from tts_toolkit.data.test_sets import with_recordings
    from tts_toolkit.evaluation.plan import plan_from
    from tts_toolkit.report.verdict import complete
    from tts_toolkit.system.compat import settings_of
    from tts_toolkit.system.errors import UserError

    if not cfg.systems:
        raise UserError("systems=[] leaves nothing to benchmark; choose some, such as systems=[speecht5,mms_eng]")
    with counting() as intake:
        prompts = instantiate(cfg.test_set)
        prompts = with_recordings(prompts, Path(cfg.references)) if cfg.references else prompts
    systems = {name: partial(instantiate, node, _convert_="all") for name, node in cfg.systems.items()}
    plan = plan_from(cfg, instantiate, systems, prompts, settings_of(cfg))
    report, status = complete(plan, instantiate(cfg.report), cfg.min_coverage, cfg.expected)
    if report is not None:
        conclude(plan.output_dir / "summary.json", intake)
    if status:
        sys.exit(status)
    return report


def main() -> None:
    """Run as a command."""
    command("benchmark", benchmark, optional=("speaker_verifier", "metrics"))


if __name__ == "__main__":
    main()
