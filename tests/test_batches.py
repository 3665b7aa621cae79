import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tts_toolkit.data.batches import BatchLayout, FrameBudgetBatches, make_loader
from tts_toolkit.data.clips import Clip, of_speakers
from tts_toolkit.data.splits import split_clips
from tts_toolkit.finetuning.speecht5_examples import SpeechT5Example, SpeechT5Examples
from tts_toolkit.system.errors import UserError

lengths = st.lists(st.integers(1, 900), min_size=1, max_size=60)


@given(lengths, st.integers(900, 4000), st.integers(1, 4), st.booleans())
def test_every_clip_once_within_budget_and_ranks_in_step(n_frames, budget, n_ranks, shuffle):
    shares = [list(FrameBudgetBatches(n_frames, budget, 3, shuffle, rank, n_ranks)) for rank in range(n_ranks)]
    assert len({len(share) for share in shares}) == 1
    seen = [index for share in shares for batch in share for index in batch]
    assert set(seen) == set(range(len(n_frames)))
    if n_ranks == 1:
        assert len(seen) == len(n_frames)
    for batch in (batch for share in shares for batch in share):
        assert len(batch) * max(n_frames[index] for index in batch) <= budget


@given(lengths, st.integers(0, 5), st.integers(0, 3))
def test_resuming_goes_on_with_the_same_batches(n_frames, n_done, epoch):
    whole, rest = FrameBudgetBatches(n_frames, 2000, 7), FrameBudgetBatches(n_frames, 2000, 7)
    whole.resume_at(epoch, 0)
    rest.resume_at(epoch, n_done)
    assert list(rest) == list(whole)[n_done:]
    assert len(rest) == max(0, len(whole) - n_done)


def test_epochs_differ_and_seeds_repeat():
    n_frames = list(range(50, 250))
    sampler = FrameBudgetBatches(n_frames, 1500, seed=1)
    first = list(sampler)
    sampler.resume_at(1, 0)
    assert first != list(sampler)
    assert first == list(FrameBudgetBatches(n_frames, 1500, seed=1))


def test_grouping_by_length_pads_little():
    n_frames = np.random.default_rng(0).integers(60, 600, 500)
    batches = list(FrameBudgetBatches(n_frames, 6000))
    padded = sum(len(batch) * n_frames[batch].max() for batch in batches)
    assert n_frames.sum() / padded > 0.9


def test_collate_marks_padding_and_keeps_content():
    ids, voices = [torch.tensor([5, 6, 2]), torch.tensor([7, 2])], [torch.zeros(8), torch.ones(8)]
    labels = [torch.ones(4, 80), torch.full((2, 80), 0.5)]
    items = [
        {"ids": name, "input_ids": tokens, "labels": mel, "speaker_embeddings": voice}
        for name, tokens, mel, voice in zip("ab", ids, labels, voices, strict=True)
    ]
    batch = SpeechT5Examples([]).collate(items)
    assert batch["ids"] == ["a", "b"] and batch["input_ids"].tolist() == [[5, 6, 2], [7, 2, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert (batch["labels"][1, 2:] == -100).all() and (batch["labels"][1, :2] == 0.5).all()
    assert batch["speaker_embeddings"].shape == (2, 8)


def test_padding_to_a_multiple_gives_few_shapes_within_the_budget(tmp_path):
    lengths = np.random.default_rng(0).integers(20, 90, 200).tolist()
    np.save(tmp_path / "a.npy", np.zeros((90, 80), dtype=np.float32))
    examples = [
        SpeechT5Example(f"{i}", (4,) * (n // 4) + (2,), tmp_path / "a.npy", n, np.zeros(8, np.float32))
        for i, n in enumerate(lengths)
    ]
    batches = list(make_loader(SpeechT5Examples(examples), BatchLayout(640, pad_to_multiple_of=15)))
    shapes = {(*batch["labels"].shape[:2], batch["input_ids"].shape[1]) for batch in batches}
    assert all(n_clips * n_frames <= 640 for n_clips, n_frames, _ in shapes)
    assert {length % 30 for _, *of_batch in shapes for length in of_batch} == {0}
    assert sum(int(batch["attention_mask"].sum()) for batch in batches) == sum(n // 4 + 1 for n in lengths)
    assert len(shapes) < len({*lengths}) / 4


def test_labels_are_cut_to_the_reduction_factor_and_the_global_generator_is_left_alone(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((31, 80), dtype=np.float32))
    example = SpeechT5Example("a", (4, 2), tmp_path / "a.npy", 31, np.zeros(512, dtype=np.float32))
    loader = make_loader(SpeechT5Examples([example]), BatchLayout(100))
    before = torch.get_rng_state()
    assert next(iter(loader))["labels"].shape == (1, 30, 80)
    assert torch.equal(before, torch.get_rng_state())


def clips(n, split=""):
    return [Clip(f"c{i}", None, f"sentence number {i}", "s", f"f:{i}", split) for i in range(n)]


@given(st.integers(60, 200), st.integers(1, 100))
def test_added_rows_move_no_clip(n, n_more):
    before, after = split_clips(clips(n)), split_clips(clips(n + n_more))
    for part in before:
        assert set(before[part]) <= set(after[part])


def test_one_sentence_is_never_in_two_parts():
    twice = [Clip(f"c{i}", None, f"Sentence {i % 40}", "s", "f:1") for i in range(80)]
    parts = split_clips(twice, 0.3, 0.3)
    texts = [{clip.transcript for clip in parts[part]} for part in parts]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]


def test_named_splits_stand_and_unnamed_rows_train():
    parts = split_clips([*clips(3), *clips(1, "dev"), *clips(1, "test")])
    assert [len(parts[part]) for part in ("train", "dev", "test")] == [3, 1, 1]


def test_speakers_can_be_chosen_and_a_name_that_no_clip_has_is_refused():
    both = [Clip(f"{name}{i}", None, f"sentence {i}", name, "f:1") for i in range(2) for name in ("anna", "ben")]
    assert of_speakers(both, None) == both
    assert [clip.id for clip in of_speakers(both, ["ben"])] == ["ben0", "ben1"]
    with pytest.raises(UserError, match=r"no recording of cleo; the data has 2 speakers: anna, ben"):
        of_speakers(both, ["ben", "cleo"])


def test_an_empty_part_is_refused():
    with pytest.raises(UserError, match="no clip fell into"):
        split_clips(clips(2))
