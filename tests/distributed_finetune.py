"""The fine-tuning recipe, with each process writing a digest of its weights to a file at the end of training."""

import hashlib
from pathlib import Path

from tts_toolkit.train.finetune import finetune

import tts_toolkit.finetuning.run_folder as runs
from tts_toolkit.cli import command

release = runs.release


def write_digest_and_release(accelerator):
    digest = hashlib.sha256()
    for name, parameter in sorted(accelerator.unwrap_model(accelerator._models[0]).named_parameters()):
        digest.update(name.encode() + parameter.detach().numpy().tobytes())
    Path(f"weights-{accelerator.process_index}-of-{accelerator.num_processes}").write_text(digest.hexdigest())
    release(accelerator)


if __name__ == "__main__":
    runs.release = write_digest_and_release
    command("finetune", finetune)
