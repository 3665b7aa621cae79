"""New letters: the tokenizer knows them, ids that were there stay, and a fine-tune can speak and save them."""

import pytest
import torch

from tts_toolkit.models.speecht5.checkpoint import load_speecht5
from tts_toolkit.models.speecht5.vocabulary import extend_vocabulary, new_letters, report
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.languages import normalizer

SENTENCES = {
    "da": [
        "R\u00f8dgr\u00f8d med fl\u00f8de p\u00e5 \u00e6ble\u00f8en.",
        "\u00c5rhus er st\u00f8rre end \u00c6r\u00f8.",
    ],
    "de": [
        "Zw\u00f6lf Boxk\u00e4mpfer jagen Viktor quer \u00fcber den gro\u00dfen Sylter Deich.",
        "\u00c4pfel und \u00d6l.",
    ],
    "pl": [
        "Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144.",
        "\u0141\u00f3d\u017a le\u017cy w Polsce.",
    ],
}


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("source", ["microsoft/speecht5_tts", "speecht5-mini"])
def test_a_round_trip_holds_no_unknown_and_old_ids_stay(tiny_speecht5_dir, source, language, tmp_path):
    speech = load_speecht5(source)
    old = speech.processor.tokenizer
    before = old("Plain words, as ever.")["input_ids"]
    n_old = len(old)
    rows = speech.model.speecht5.encoder.prenet.embed_tokens.weight.detach().clone()
    letters = new_letters(SENTENCES[language], TextFrontEnd(old, normalizer(language)))
    assert letters
    extended = extend_vocabulary(speech, letters)
    extended.processor.save_pretrained(tmp_path)
    extended.model.save_pretrained(tmp_path)
    loaded = load_speecht5(str(tmp_path))
    front_end = TextFrontEnd(loaded.processor.tokenizer, normalizer(language))
    for sentence in SENTENCES[language]:
        ids = loaded.processor.tokenizer(sentence)["input_ids"]
        assert loaded.processor.tokenizer.unk_token_id not in ids and not front_end.unspeakable(sentence)
        said = loaded.processor.tokenizer.decode(ids, skip_special_tokens=True)
        assert said == sentence.lower(), "both tokenizers fold case"
    assert loaded.processor.tokenizer("Plain words, as ever.")["input_ids"] == before
    embedding = loaded.model.speecht5.encoder.prenet.embed_tokens.weight
    assert embedding.shape[0] == n_old + len(letters) == loaded.model.config.vocab_size
    assert torch.equal(embedding[: len(rows)], rows)
    for new in letters:
        near = loaded.processor.tokenizer.convert_tokens_to_ids(new.nearest)
        assert new.nearest and torch.equal(embedding[n_old + letters.index(new)], rows[near]), new
    mel = loaded.model.generate_speech(torch.tensor([ids]), torch.randn(1, 512), maxlenratio=1.0)
    assert mel.shape[1] == 80 and torch.isfinite(mel).all()


def test_letters_of_another_script_start_from_the_mean(tiny_speecht5_dir):
    speech = load_speecht5("microsoft/speecht5_tts")
    letters = new_letters(["\u0416\u0443\u043a \u2603"], TextFrontEnd(speech.processor.tokenizer, normalizer("ru")))
    assert [(new.letter, new.nearest) for new in letters] == [("\u0436", ""), ("\u043a", ""), ("\u0443", "")]
    assert "\u0436 1 (from the mean of all letters)" in report(letters)
    rows = speech.model.speecht5.encoder.prenet.embed_tokens.weight.detach().clone()
    tokenizer = speech.processor.tokenizer
    known = [i for i in range(len(rows)) if len(t := tokenizer.convert_ids_to_tokens(i)) == 1 and t.isalpha()]
    extended = extend_vocabulary(speech, letters).model.speecht5.encoder.prenet.embed_tokens.weight
    torch.testing.assert_close(extended[-1], rows[known].mean(dim=0))


def test_a_model_that_knows_all_letters_is_left_alone(tiny_speecht5_dir):
    speech = load_speecht5("microsoft/speecht5_tts")
    front_end = TextFrontEnd(speech.processor.tokenizer, normalizer("en"))
    assert not new_letters(["All plain."], front_end) and extend_vocabulary(speech, []) is speech
