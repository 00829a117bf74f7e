"""Hand-made movements: what the spotter calls them, and when."""

import numpy as np
import pytest

from mace.spotting.config import SpottingConfig
from mace.spotting.events import Event
from mace.spotting.signal import EYES, REGIONS
from mace.spotting.spotter import Sample, Spotter, spot

BROWS = ("brow_left", "brow_middle", "brow_right")
MOUTH = ("mouth_left", "mouth_right", "lip_lower")
HEAD = np.array([[40.0, 46], [88, 46], [64, 97]])


def pulse(time, *, start, rise, fall, hold=0.0):
    """0 before `start`, 1 after `rise` s for `hold` s, 0 again after `fall` s; no corners."""
    up = np.clip((time - start) / rise, 0, 1)
    down = np.clip((time - start - rise - hold) / fall, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * up) - (0.5 - 0.5 * np.cos(np.pi * down))


def record(times, *movements, head=None, noise=0.01, seed=0):
    """Samples at `times`; a movement is (regions, px, keywords of `pulse`)."""
    times = np.asarray(times)
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, noise, (len(times), len(REGIONS), 2))
    for regions, px, course in movements:
        where = [REGIONS.index(name) for name in regions]
        signal[:, where, 1] -= px * pulse(times, **course)[:, None]
    places = np.broadcast_to(HEAD, (len(times), 3, 2))
    if head is not None:
        places = places + np.array([1.0, 0]) * head(times)[:, None, None]
    return [
        Sample(float(t), k, regions, place)
        for k, (t, regions, place) in enumerate(zip(times, signal, places, strict=True))
    ]


def clock(fps, seconds=6.0):
    return np.arange(0, seconds, 1 / fps)


FLASH = {"start": 2.0, "rise": 0.12, "fall": 0.16}


def kinds(events):
    return [event.kind for event in events]


@pytest.mark.parametrize("fps", [30, 60, 100, 200])
def test_a_flash_of_the_brows_is_found_at_every_rate(fps):
    times = clock(fps)
    (event,) = spot(record(times, (BROWS, 0.6, FLASH)))
    assert event.kind == "micro"
    # The feet of a smooth rise are below any noise: 12 % of the height are 0.03 s up the slope.
    frame = max(1 / fps, 0.02)
    assert event.onset == pytest.approx(2.0, abs=0.02 + 2 * frame)
    assert event.apex == pytest.approx(2.12, abs=2 * frame)
    assert event.offset == pytest.approx(2.28, abs=0.03 + 2 * frame)
    for time, number in (
        (event.onset, event.onset_frame),
        (event.apex, event.apex_frame),
        (event.offset, event.offset_frame),
    ):
        assert times[number] == pytest.approx(time, abs=0.5 / fps + 1e-9)
    assert event.strength_px == pytest.approx(0.6, abs=0.08)
    assert set(event.regions) == set(BROWS)


def phone():
    """60 frames/s, from 1.9 s on 24: within the flash."""
    return np.concatenate([np.arange(0, 1.9, 1 / 60), np.arange(1.9, 6, 1 / 24)])


def lossy():
    """A fifth of the frames is lost, and all of a pause of 0.18 s before the flash."""
    times = clock(60)[np.random.default_rng(7).random(360) > 0.2]
    return times[(times < 1.6) | (times > 1.78)]


def jittering():
    """4 to 30 ms between two frames."""
    return np.cumsum(np.random.default_rng(4).uniform(0.004, 0.03, 360))


@pytest.mark.parametrize("times", [phone(), lossy(), jittering()])
def test_times_are_those_of_the_frames(times):
    (event,) = spot(record(times, (BROWS, 0.6, FLASH)))
    assert event.kind == "micro"
    assert event.onset == pytest.approx(2.02, abs=0.06)
    assert event.apex == pytest.approx(2.12, abs=0.04)
    assert event.offset == pytest.approx(2.26, abs=0.06)
    # The frames named are those of these times, whatever their numbers.
    assert times[event.apex_frame] == pytest.approx(event.apex, abs=1 / 48 + 1e-9)
    assert times[event.onset_frame] == pytest.approx(event.onset, abs=1 / 48 + 1e-9)


def test_a_still_face_gives_nothing():
    assert spot(record(clock(100, 20), noise=0.03)) == []


def test_a_smile_is_macro_and_a_new_face_is_nothing():
    smile = {"start": 2.0, "rise": 0.3, "hold": 0.6, "fall": 0.4}
    (event,) = spot(record(clock(100), (MOUTH, 1.5, smile)))
    assert event.kind == "macro"
    assert event.onset == pytest.approx(2.05, abs=0.1)
    assert event.offset == pytest.approx(3.25, abs=0.1)
    # What rises and stays is how the face now is.
    stays = {"start": 2.0, "rise": 0.2, "hold": 50.0, "fall": 1.0}
    assert spot(record(clock(100, 10), (MOUTH, 1.5, stays))) == []


def test_a_flash_upon_a_new_face_is_found():
    stays = {"start": 1.0, "rise": 0.2, "hold": 50.0, "fall": 1.0}
    late = {**FLASH, "start": 8.0}
    (event,) = spot(record(clock(100, 10), (MOUTH, 0.6, stays), (BROWS, 0.6, late)))
    assert (event.kind, event.apex) == ("micro", pytest.approx(8.12, abs=0.03))


@pytest.mark.parametrize("px", [0.25, 1.2])
def test_both_lids_are_a_blink(px):
    shut = {"start": 2.0, "rise": 0.08, "fall": 0.1}
    smear = (BROWS, 0.15 * px, shut)
    assert kinds(spot(record(clock(100), (EYES, px, shut), smear))) == ["blink"]


def test_a_wink_is_no_blink():
    shut = {"start": 2.0, "rise": 0.08, "fall": 0.1}
    assert "blink" not in kinds(spot(record(clock(100), (EYES[:1], 0.9, shut))))


@pytest.mark.parametrize("shut_s", [0.2, 0.35, 0.5])
@pytest.mark.parametrize("px", [0.4, 1.5])
def test_a_slow_blink_is_one_blink(shut_s, px):
    # Lids go down; the test's movements go up.
    slow = {"start": 2.0, "rise": 0.1, "hold": shut_s, "fall": 0.15}
    (event,) = spot(record(clock(60), (EYES, -px, slow), (BROWS, 0.15 * px, slow)))
    assert event.kind == "blink"
    assert event.onset == pytest.approx(2.03, abs=0.06)
    assert event.offset == pytest.approx(2.22 + shut_s, abs=0.06)


def test_a_blink_makes_one_blink():
    # The lids open in two steps.
    first, second = {"start": 2.0, "rise": 0.08, "fall": 0.07}, {
        "start": 2.17, "rise": 0.05, "fall": 0.1,
    }  # fmt: skip
    events = spot(record(clock(100), (EYES, 1.0, first), (EYES, 0.6, second)))
    assert kinds(events) == ["blink"]


def test_a_flash_beside_a_blink_is_found():
    shut = {"start": 3.0, "rise": 0.08, "fall": 0.1}
    events = spot(record(clock(100), (BROWS, 0.5, FLASH), (EYES, 1.0, shut)))
    assert kinds(events) == ["micro", "blink"]


def test_syllables_are_speech():
    syllables = [
        (MOUTH, 0.8, {"start": 1.5 + 0.45 * k, "rise": 0.1, "fall": 0.12}) for k in range(9)
    ]
    found = kinds(spot(record(clock(100, 8), *syllables)))
    assert found.count("speech") >= 5
    assert found.count("micro") <= SpottingConfig().speech_count


def test_a_nod_is_the_head():
    events = spot(
        record(
            clock(100),
            (("nose", "lip_upper"), 0.5, FLASH),
            head=lambda t: 10 * pulse(t, start=1.95, rise=0.2, fall=0.2),
        )
    )
    assert kinds(events) == ["head"]


def test_a_new_keyframe_is_no_movement():
    samples = record(clock(100, 4), noise=0.01)
    spotter = Spotter()
    events = []
    for sample in samples:
        if sample.frame == 200:
            spotter.reset()
        if sample.frame >= 200:
            sample = sample._replace(regions=sample.regions + 1.0, head=sample.head + 5)
        events += spotter.push(sample)
    assert events + spotter.finish() == []


def test_a_break_is_no_movement_and_what_follows_is_found():
    times = clock(100, 8)
    samples = record(times, (BROWS, 0.6, {**FLASH, "start": 6.0}))
    # Half a second is lost, after which the face is somewhere else.
    kept = [one for one in samples if not 3.0 < one.time < 3.5]
    moved = [one if one.time <= 3 else one._replace(regions=one.regions + 0.4) for one in kept]
    (event,) = spot(moved)
    assert (event.kind, event.apex) == ("micro", pytest.approx(6.12, abs=0.03))


def test_what_a_pause_hides_is_no_event():
    # The apex is lost with 0.3 s; 0.1 s of it would have been bridged.
    times = clock(100)
    samples = record(times, (BROWS, 0.6, FLASH), (BROWS, 0.6, {**FLASH, "start": 4.0}))
    (late,) = spot([one for one in samples if not 2.05 < one.time < 2.35])
    assert late.apex == pytest.approx(4.12, abs=0.03)
    both = spot([one for one in samples if not 2.08 < one.time < 2.18])
    assert kinds(both) == ["micro", "micro"]


def test_frames_without_a_face_are_passed_over():
    samples = record(clock(200), (BROWS, 0.6, FLASH))
    blind = [
        one if one.frame % 7 else one._replace(regions=one.regions * np.nan, ok=False)
        for one in samples
    ]
    assert kinds(spot(blind)) == ["micro"]


def test_time_that_runs_backwards_begins_anew():
    samples = record(clock(100, 4), (BROWS, 0.6, FLASH))
    spotter = Spotter()
    events = [event for one in [*samples, *samples] for event in spotter.push(one)]
    assert kinds(events) == ["micro", "micro"]


def test_online_is_offline_and_events_come_soon():
    long = {"start": 4.0, "rise": 0.3, "hold": 0.6, "fall": 0.4}
    samples = record(
        clock(60, 9),
        (BROWS, 0.6, FLASH),
        (MOUTH, 1.5, long),
        (EYES, 1.0, {"start": 7.0, "rise": 0.08, "fall": 0.1}),
    )
    spotter, online = Spotter(identity=3), list[Event]()
    for sample in samples:
        new = spotter.push(sample)
        assert all(sample.time - event.offset <= 0.5 for event in new)
        online += new
    online += spotter.finish()
    assert kinds(online) == ["micro", "macro", "blink"]
    assert online == spot(samples, identity=3)
    assert {event.identity for event in online} == {3}


def test_the_end_of_a_recording_is_judged():
    samples = record(clock(100, 2.35), (BROWS, 0.6, FLASH))
    spotter = Spotter()
    assert [event for one in samples for event in spotter.push(one)] == []
    assert kinds(spotter.finish()) == ["micro"]


def test_a_movement_that_is_cut_off_is_none():
    for end in (2.14, 2.17, 2.2):
        assert spot(record(clock(100, end), (BROWS, 0.6, FLASH))) == []


def test_the_first_movement_needs_no_long_rest():
    early = {**FLASH, "start": 0.15}
    assert kinds(spot(record(clock(100, 2), (BROWS, 0.6, early)))) == ["micro"]


@pytest.mark.parametrize("where", [BROWS, MOUTH])
@pytest.mark.parametrize("start", [0.2, 0.35])
def test_a_held_movement_soon_after_the_first_frame_is_one_event(where, start):
    held = {"start": start, "rise": 0.1, "hold": 0.2, "fall": 0.14}
    (event,) = spot(record(clock(60, 3), (where, 0.9, held)))
    assert event.kind == "micro"
    assert event.onset == pytest.approx(start + 0.02, abs=0.06)
    assert event.offset == pytest.approx(start + 0.42, abs=0.06)


@pytest.mark.parametrize("held_s", [0.0, 0.4, 0.9])
def test_what_follows_an_expression_at_the_first_frame_is_found(held_s):
    begun = {"start": -1.0, "rise": 0.1, "hold": 0.9 + held_s, "fall": 0.15}
    shut = {"start": held_s + 0.9, "rise": 0.08, "fall": 0.1}
    late = {**FLASH, "start": held_s + 1.6}
    events = spot(record(clock(60), (BROWS, 1.5, begun), (EYES, 1.0, shut), (MOUTH, 0.6, late)))
    assert kinds(events) == ["blink", "micro"]
    assert events[1].apex == pytest.approx(held_s + 1.72, abs=0.04)


def test_a_smile_soon_after_the_first_frame_is_macro():
    smile = {"start": 0.25, "rise": 0.3, "hold": 0.6, "fall": 0.4}
    assert kinds(spot(record(clock(100), (MOUTH, 2.5, smile)))) == ["macro"]


def test_a_flash_while_nobody_knows_that_the_face_has_changed_is_reported_later():
    stays = {"start": 2.0, "rise": 0.2, "hold": 50.0, "fall": 1.0}
    late = {**FLASH, "start": 3.0}
    (event,) = spot(record(clock(60, 8), (MOUTH, 0.9, stays), (BROWS, 0.6, late)))
    assert (event.kind, event.apex) == ("micro", pytest.approx(3.12, abs=0.04))


def test_a_flash_after_an_expression_from_before_the_first_frame_is_at_least_untold():
    held = {"start": -1.0, "rise": 0.1, "hold": 2.1, "fall": 0.15}
    spotter = Spotter()
    for one in record(clock(60, 2.9), (MOUTH, 1.5, held), (BROWS, 0.6, FLASH)):
        assert spotter.push(one) == []
    assert spotter.finish() == []
    (untold,) = spotter.untold
    assert untold.since == pytest.approx(1.25, abs=0.1)
    assert untold.until == pytest.approx(2.9, abs=0.1)
    assert untold.apexes == (pytest.approx(2.12, abs=0.04),)
    usual = Spotter()
    for one in record(clock(60, 2.9), (BROWS, 0.6, FLASH)):
        usual.push(one)
    usual.finish()
    assert usual.untold == []


HAND = {"start": 1.95, "rise": 0.03, "hold": 0.25, "fall": 0.03}


def behind_a_hand(samples, where, *, misfit=0.6):
    """The same with something before some regions from 1.95 to 2.26 s."""
    mask = np.isin(REGIONS, where)
    return [
        one._replace(misfit=np.where(mask & (1.95 < one.time < 2.26), misfit, 0.05))
        for one in samples
    ]


def test_a_hand_is_no_movement_and_hides_none_elsewhere():
    hand, shut = (MOUTH, 2.0, HAND), {"start": 2.03, "rise": 0.08, "fall": 0.1}
    assert kinds(spot(record(clock(60), hand))) == ["micro"]
    assert spot(behind_a_hand(record(clock(60), hand), MOUTH)) == []
    blink = spot(behind_a_hand(record(clock(60), hand, (EYES, 1.0, shut)), MOUTH))
    assert kinds(blink) == ["blink"]
    (flash,) = spot(behind_a_hand(record(clock(60), hand, (BROWS, 0.6, FLASH)), MOUTH))
    assert flash.regions[0] in BROWS


def test_a_hand_that_stays_is_no_smile():
    stays = {**HAND, "hold": 1.0}
    samples = record(clock(60), (MOUTH, 2.0, stays))
    hidden = np.where(np.isin(REGIONS, MOUTH), 0.6, 0.0)
    hand = [
        one._replace(misfit=hidden if 1.95 < one.time < 3.02 else np.zeros(len(REGIONS)))
        for one in samples
    ]
    assert kinds(spot(samples)) == ["macro"]
    assert spot(hand) == []


def test_a_reference_that_never_fits_hides_nothing():
    # It was taken in another expression.
    samples = record(clock(60), (MOUTH, 0.6, FLASH))
    assert kinds(spot([one._replace(misfit=np.full(len(REGIONS), 0.6)) for one in samples])) == [
        "micro"
    ]


def test_one_movement_is_one_event():
    rng = np.random.default_rng(1)
    for seed in range(3):
        restless = [
            (
                rng.choice(REGIONS, 3),
                rng.uniform(0.2, 2),
                {
                    "start": start + rng.uniform(0, 0.3),
                    "rise": rng.uniform(0.06, 0.2),
                    "hold": rng.uniform(0, 0.3),
                    "fall": rng.uniform(0.06, 0.2),
                },
            )
            for start in np.arange(0, 20, 0.4)
        ]
        events = [e for e in spot(record(clock(50, 22), *restless, seed=seed)) if e.kind != "blink"]
        assert len(events) > 5
        for k, one in enumerate(events):
            for other in events[k + 1 :]:
                shared = min(one.offset, other.offset) - max(one.onset, other.onset)
                lengths = one.offset - one.onset, other.offset - other.onset
                # A flash upon a smile is a movement of its own.
                lasting = max(lengths) > SpottingConfig().micro_s[1]
                most = max(lengths) if lasting else min(lengths)
                assert shared <= 2 / 3 * most + 1e-9


def test_what_was_going_on_at_the_first_frame_is_nothing():
    early = {**FLASH, "start": 0.0}
    assert spot(record(clock(100, 2), (BROWS, 0.6, early))) == []


def test_memory_is_bounded():
    def size(thing):
        if isinstance(thing, np.ndarray):
            return thing.nbytes + (0 if thing.base is None else size(thing.base))
        if hasattr(thing, "__dict__"):
            return sum(size(one) for one in vars(thing).values())
        if isinstance(thing, str | int | float):
            return 8
        return 8 + sum(size(one) for one in thing) if hasattr(thing, "__iter__") else 8

    spotter, sizes = Spotter(), []
    rng = np.random.default_rng(0)
    restless = rng.normal(0, 0.3, (3000, len(REGIONS), 2))
    for k, regions in enumerate(restless):
        spotter.push(Sample(k / 50, k, regions, HEAD))
        if k % 100 == 99:
            sizes.append(size(spotter))
    assert max(sizes[15:]) <= max(sizes[:15]) + 20_000
    assert max(sizes) < 2_000_000
