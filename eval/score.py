"""Score speech that was made by anything: a folder of recordings called by the ids of their texts.

tts-score wavs=any_folder texts=sentences.tsv references=recordings output_dir=out
tts-score wavs=outputs/finetune  # the speech of a fine-tune or a benchmark, by another recognizer for example
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def score(cfg: DictConfig) -> Path | None:
    """Run the recipe and return the report, or None on processes that only help."""
    from hydra.utils import instantiate

    from tts_toolkit.data.intake import conclude, counting
    from tts_toolkit.data.test_sets import count_recordings, with_recordings
    from tts_toolkit.evaluation.plan import plan_from
    from tts_toolkit.evaluation.reaggregate import speech_of_run
    from tts_toolkit.models.recordings import Recordings
    from tts_toolkit.report.verdict import complete
    from tts_toolkit.system.compat import settings_of
    from tts_toolkit.system.errors import UserError

    if not Path(cfg.wavs).is_dir():
        raise UserError(f"wavs={cfg.wavs}: no such folder")
    if Path(cfg.output_dir).resolve().is_relative_to(Path(cfg.wavs).resolve()):
        raise UserError(f"output_dir={cfg.output_dir}: lies inside wavs={cfg.wavs}; choose another")
    of_run = cfg.texts is None and (Path(cfg.wavs) / "plan").is_dir()
    if cfg.texts is None and not of_run:
        raise UserError("texts must be given: texts=FILE; they are known only where wavs is the folder of a run")
    with counting() as intake:
        wavs, prompts = speech_of_run(Path(cfg.wavs), cfg.system) if of_run else (Path(cfg.wavs), None)
        prompts = instantiate(cfg.test_set) if prompts is None else prompts
        prompts = with_recordings(prompts, Path(cfg.references)) if cfg.references else prompts
        count_recordings(wavs, prompts)
    system = cfg.system or (wavs.parent.name if of_run else "wavs")
    systems = {system: partial(Recordings, system, str(wavs))}
    plan = plan_from(cfg, instantiate, systems, prompts, settings_of(cfg))
    report, status = complete(plan, instantiate(cfg.report), cfg.min_coverage)
    if report is not None:
        conclude(plan.output_dir / "summary.json", intake)
    if status:
        sys.exit(status)
    return report


def main() -> None:
    """Run as a command."""
    command("score", score, optional=("speaker_verifier", "metrics"))


if __name__ == "__main__":
    main()
