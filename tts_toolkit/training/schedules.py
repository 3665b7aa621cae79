"""Learning-rate schedules: functions of the step that return a factor in [0, 1]."""

from __future__ import annotations


def warmup_stable_decay(step: int, n_warmup_steps: int, n_decay_steps: int, max_steps: int) -> float:
    """Return the factor at `step` (from 0): linear from 0 to 1, level, then linear to 0 over the last `n_decay_steps`.

    The level part can be extended during a run (Hu et al. 2024, MiniCPM, section 4).
    """
    warm = min(1.0, (step + 1) / max(1, n_warmup_steps))
    left = min(1.0, (max_steps - step) / max(1, n_decay_steps))
    return max(0.0, min(warm, left))


def inverse_square_root(step: int, n_warmup_steps: int) -> float:
    """Return the factor at `step` (from 0): linear warm-up, then 1/sqrt (Vaswani et al. 2017, section 5.3)."""
    n_warmup_steps = max(1, n_warmup_steps)
    return min((step + 1) / n_warmup_steps, (n_warmup_steps / (step + 1)) ** 0.5)
