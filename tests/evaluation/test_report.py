import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation_cases import Guess, make_set

from mace.errors import ConfigError
from mace.evaluation.config import EvaluationConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.loading import load_evaluation
from mace.evaluation.methods.baselines import Majority
from mace.evaluation.report.examples import draw_examples
from mace.evaluation.report.figures import example_image, learning_figure, subject_accuracies
from mace.evaluation.report.report import write_report
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import summarise
from mace.evaluation.table import headline_rows, print_table
from mace.motion.config import MotionConfig

COMMAND = "mace evaluate --data-dir 'my data' <&>"


class Page(HTMLParser):
    """Collects what a page loads, its images' texts, and checks that its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.sources += [v for k in ("src", "srcset", "href") if (v := values.get(k)) is not None]
        if tag == "img":
            self.images.append(values)
        if tag not in ("img", "meta", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def evaluate(folder: Path, *, right: float = 0.8, representation="flow", real=False) -> Evaluation:
    motion_set = replace(
        make_set(), motion=MotionConfig(representation=representation), fingerprint=""
    )
    if real:
        subjects = tuple(name.replace("synthetic", "casme2") for name in motion_set.subjects)
        clips = tuple(name.replace("synthetic", "casme2") for name in motion_set.clips)
        motion_set = replace(motion_set, subjects=subjects, clips=clips, fingerprint="")
    return evaluate_methods(
        motion_set,
        config=EvaluationConfig(seeds=(0, 1)),
        run_dir=folder,
        title=f"MACNN, {representation}",
        command=COMMAND,
        methods={"network": Guess(right), "svm": Guess(0.5), "majority": Majority()},
    )


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory) -> Evaluation:
    return evaluate(tmp_path_factory.mktemp("flow"))


def test_page_is_self_contained_and_says_what_it_must(evaluation, tmp_path):
    faces = {clip: np.full((64, 64), 90, np.uint8) for clip in evaluation.clips}
    other = evaluate(tmp_path / "appearance", right=0.4, representation="appearance")
    path = write_report([evaluation, other], folder=tmp_path, faces=faces)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.sources
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "<script" not in text
    assert "http" not in text
    assert "url(" not in text
    assert all(image["alt"] for image in page.images)
    assert COMMAND in page.text
    assert "Synthetic faces." in page.text
    assert "say nothing about people" in " ".join(page.text.split())
    assert evaluation.config_hash in page.text
    assert "MACNN, appearance" in page.text
    assert "SVM (RBF kernel), flow" in page.text
    assert page.text.count("Majority class") == 1
    assert f"{summarise(evaluation).uf1:.3f}" in page.text
    pictures = sorted(file.name for file in (tmp_path / "figures").iterdir())
    assert pictures[:2] == ["confusion.png", "learning.png"]
    for name in pictures:
        assert cv2.imread(str(tmp_path / "figures" / name)) is not None


def test_report_can_be_made_again_without_the_data(evaluation, tmp_path):
    rng = np.random.default_rng(0)
    faces = {c: rng.integers(0, 255, (64, 64), dtype=np.uint8) for c in evaluation.clips}
    first = write_report([evaluation], folder=tmp_path, faces=faces).read_text()
    again = write_report([evaluation], folder=tmp_path).read_text()
    assert first == again
    without = write_report([evaluation], folder=tmp_path / "without").read_text()
    assert "made without the faces" in without
    assert len(without) < len(first)


def test_recorded_faces_carry_no_synthetic_warning(tmp_path):
    evaluation = evaluate(tmp_path, real=True)
    text = write_report([evaluation], folder=tmp_path).read_text()
    assert "Synthetic faces" not in text
    assert "rendered" not in text


def test_perfect_predictions_leave_no_wrong_examples(tmp_path):
    evaluation = evaluate(tmp_path, right=1.0)
    text = write_report([evaluation], folder=tmp_path).read_text()
    assert "None." in text
    assert "ahead of its best baseline" in text


def test_examples_take_turns_between_the_classes(evaluation):
    right = draw_examples(evaluation, right=True, count=3)
    assert [example.truth for example in right] == list(evaluation.classes)
    assert all(example.right for example in right)
    wrong = draw_examples(evaluation, right=False, count=50)
    misses = (evaluation.methods["network"].predicted[0] != evaluation.labels).sum()
    assert len(wrong) == misses
    assert not any(example.right for example in wrong)


def test_subjects_add_up_to_the_accuracy(evaluation):
    rows = subject_accuracies(evaluation, evaluation.methods["network"])
    total = sum(row.accuracy * row.clips for row in rows) / len(evaluation.clips)
    assert total == pytest.approx(summarise(evaluation).accuracy)
    assert [row.accuracy for row in rows] == sorted((r.accuracy for r in rows), reverse=True)


def test_heat_is_drawn_where_it_is():
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = 1.0
    face = np.full((128, 128), 100, np.uint8)
    picture = cv2.imdecode(np.frombuffer(example_image(face, heat), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (256, 512, 3)
    assert (picture[:, :256] == 100).all()
    red, blue = picture[..., 2].astype(int), picture[..., 0].astype(int)
    assert (red - blue)[5, 261] > 80
    assert (red - blue)[250, 500] == 0


def test_methods_without_curves_have_no_learning_figure(evaluation):
    assert learning_figure(evaluation.methods["majority"]) is None
    assert learning_figure(evaluation.methods["network"]) is not None


def test_table_is_plain_text_outside_of_a_terminal(evaluation):
    stream = io.StringIO()
    print_table(headline_rows([evaluation], [summarise(evaluation)]), file=stream)
    text = stream.getvalue()
    assert text.isascii()
    lines = text.splitlines()
    network = next(line for line in lines if "MACNN, flow" in line)
    low, high = summarise(evaluation).intervals["uf1"]
    assert f"{summarise(evaluation).uf1:.3f} [{low:.3f}, {high:.3f}]" in network
    assert "36" in network
    assert len({len(line) for line in lines if line.strip()}) == 1


def test_majority_class_is_shown_once_unless_other_folds_have_another(evaluation):
    summary = summarise(evaluation)
    again = replace(evaluation, title="again")
    majority = [
        r.name for r in headline_rows([evaluation, again], [summary] * 2) if "Maj" in r.name
    ]
    assert majority == ["Majority class"]
    other = replace(summary.baselines["majority"], uf1=0.01)
    differing = replace(summary, baselines={**summary.baselines, "majority": other})
    names = [r.name for r in headline_rows([evaluation, again], [summary, differing])]
    assert names[-2:] == [f"Majority class, {evaluation.title}", "Majority class, again"]


def test_report_of_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="at least one evaluation"):
        write_report([], folder=tmp_path)


def test_stored_evaluation_gives_the_same_report(tmp_path):
    evaluation = evaluate(tmp_path / "run")
    direct = write_report([evaluation], folder=tmp_path / "a").read_text()
    stored = write_report([load_evaluation(tmp_path / "run")], folder=tmp_path / "b").read_text()
    assert direct == stored
