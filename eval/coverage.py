"""What of a corpus each system cannot say, before any of them is asked to.

tts-coverage texts=sentences.tsv systems=[speecht5,mms_eng,bark_small]
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tts_toolkit.cli import command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def coverage(cfg: DictConfig) -> Path:
    """Run the recipe and return the table."""
    import json

    from hydra.utils import instantiate

    from tts_toolkit.evaluation.coverage import coverage_figures, table
    from tts_toolkit.system.files import write_whole

    texts = [prompt.text for prompt in instantiate(cfg.test_set)]
    found = {}
    for name, node in cfg.systems.items():
        synthesizer = instantiate(node, _convert_="all")
        found[name] = coverage_figures([synthesizer.coverage(text) for text in texts])
    output_dir = Path(cfg.output_dir)
    write_whole(output_dir / "coverage.json", json.dumps(found, indent=2, ensure_ascii=False).encode())
    markdown = table(found)
    write_whole(output_dir / "coverage.md", (markdown + "\n").encode())
    print(markdown)
    return output_dir / "coverage.md"


def main() -> None:
    """Run as a command."""
    command("coverage", coverage)


if __name__ == "__main__":
    main()
