"""The exact motion in JAX against the renderer's own, and against what can be written down."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.datasets.synthetic.geometry.camera import DISTANCE, rotation
from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import Plans, draw_plans
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.datasets.synthetic.pairs.views import view
from mace.datasets.synthetic.person.person import Person, make_person
from mace.datasets.synthetic.picture.studio import Studio

_TURNED = np.array([0.12, -0.08, 0.03], np.float32)
_FINE = 5
_UNITS = ("browInnerUp", "mouthSmileLeft", "mouthSmileRight", "noseSneerLeft", "eyeLookInLeft")


fields_of = jax.jit(exact_fields)


def plans(count: int = 1, **changes: object) -> Plans:
    """Pairs in which nothing happens but `changes`."""
    still = Plans(
        entry=jnp.zeros(count, jnp.int32),
        prototype=jnp.zeros(count, jnp.int32),
        emotion=jnp.zeros(count, jnp.int32),
        reference=jnp.zeros((count, len(UNIT_NAMES))),
        target=jnp.zeros((count, len(UNIT_NAMES))),
        head=jnp.zeros((count, 6)),
        corrected=jnp.zeros(count, bool),
        registration=jnp.zeros((count, 4)),
        framing=jnp.zeros((count, 4)),
        peak_px=jnp.zeros(count),
        aus=jnp.zeros((count, len(AU_NAMES))),
        unit_px=jnp.zeros((count, len(AU_NAMES))),
        side=jnp.zeros((count, len(AU_NAMES))),
    )
    return dataclasses.replace(still, **changes)


def weights(amount: float) -> jax.Array:
    index = jnp.array([UNIT_NAMES.index(name) for name in _UNITS])
    return jnp.zeros((1, len(UNIT_NAMES))).at[0, index].set(amount)


def cells() -> tuple[np.ndarray, np.ndarray]:
    """Canvas px of the cells' middles: x and y."""
    at = (np.arange(canvas.CELLS) + 0.5) * canvas.CELL - 0.5
    x, y = np.meshgrid(at, at)
    return x, y


@pytest.fixture(scope="module")
def cast():
    return make_cast([3], poses_each=2).on_device()


@pytest.fixture(scope="module")
def person():
    return make_person(3)


def rendered_motion(person: Person, moved, poses) -> tuple[np.ndarray, np.ndarray]:
    """The renderer's truth, on the cells of a canvas laid by the eyes of the first frame."""
    corners = person.rest[figure().rigid[:4]]
    still = canvas.still_view(corners, pose=np.float64(poses[0]), distance=DISTANCE)
    # So fine that a pixel in the middle of a cell stands for that place alone.
    zoom, side = _FINE / canvas.CELL, _FINE * canvas.CELLS
    cells = dataclasses.replace(
        still, linear=zoom * still.linear, offset=zoom * still.offset + 0.5 * zoom - 0.5
    )
    studio = Studio(person, height=side, width=side)
    screens = [
        studio.place(face, dataclasses.replace(cells, turn=rotation(np.float64(pose))))[1]
        for face, pose in zip((np.zeros_like(moved), moved), poses, strict=True)
    ]
    field, mask = studio.motion(*screens, studio.trace(screens[0]))
    middle = slice(_FINE // 2, None, _FINE)
    return field[middle, middle] / np.float32(zoom), mask[middle, middle]


@pytest.mark.parametrize("pose", [np.zeros(3, np.float32), _TURNED])
@pytest.mark.parametrize(("mesh", "bound"), [("fine", 0.01), ("coarse", 0.05)])
def test_the_motion_is_the_renderers(person, pose, mesh, bound):
    cast = make_cast([3], config=dataclasses.replace(CastConfig.quiet(), mesh=mesh))
    # Another pose for the same entry: what its cells show is then another, so raster it anew.
    if pose.any():
        cast = _posed(cast, pose, mesh)
    target, head = weights(0.12), jnp.array([[0.01, -0.006, 0, 0, 0, 0]])
    ours = np.asarray(fields_of(plans(target=target, head=head), cast.on_device()))[0]
    poses = (pose, pose + np.asarray(head)[0, :3])
    theirs, mask = rendered_motion(person, np.asarray(target[0]), poses)
    assert mask.mean() > 0.5
    # Without hair, which lies before the skin and moves a little otherwise.
    rows = slice(14, 60)
    both = mask[rows] & (np.asarray(cast.entries.triangle)[0, rows] >= 0)
    error = np.linalg.norm(ours[rows] - theirs[rows], axis=-1)[both]
    peak = np.linalg.norm(theirs[rows], axis=-1)[both].max()
    assert peak > 0.5
    assert np.percentile(error, 99) < bound * peak
    assert np.median(error) < (0.001 if mesh == "fine" else 0.015) * peak


def _posed(cast, pose, mesh):
    from mace.datasets.synthetic.pairs.front import barycentric, head_front, visible

    front = head_front(mesh)
    points = np.ascontiguousarray((cast.average + np.asarray(cast.offsets[0], np.float32)).T)
    view = canvas.still_view(cast.anchors[0, :4], pose=np.float64(pose), distance=DISTANCE)
    screen = canvas.on_canvas(points, view)
    ids = visible(screen, front.triangles, side=canvas.CELLS)
    flat = barycentric(screen, front.triangles, ids).astype(np.float16)
    entries = dataclasses.replace(
        cast.entries, pose=pose[None], triangle=ids[None].astype(np.int16), weights=flat[None]
    )
    return dataclasses.replace(cast, entries=entries)


@pytest.mark.parametrize(
    "head", [(0, 0, 0, 0.02, -0.01, 0.004), (0, 0, 0.02, 0, 0, 0), (0, 0, 0.01, 0.01, 0.01, 0.01)]
)
def test_the_correction_takes_out_what_a_similarity_can(cast, head):
    moving = [plans(head=jnp.array([head]), corrected=jnp.array([c])) for c in (True, False)]
    fields = [np.abs(np.asarray(fields_of(m, cast))) for m in moving]
    # Roll is about an axis that is not quite the camera's: some parallax stays.
    assert fields[0].max() < (0.15 if head[2] else 0.06)
    assert fields[1].max() > 0.4


def test_turning_leaves_a_parallax_that_is_small_at_the_eyes(cast):
    turned = plans(head=jnp.array([[0.02, 0, 0, 0, 0, 0]]), corrected=jnp.array([True]))
    size = np.linalg.norm(np.asarray(fields_of(turned, cast))[0], axis=-1)
    assert size.max() > 0.3
    assert size[23, 21:43].mean() < 0.4 * size.max()


def test_an_error_of_registration_is_an_affine_field(cast):
    error = (0.6, -0.4, 0.01, 0.02)
    field = np.asarray(fields_of(plans(registration=jnp.array([error])), cast))[0]
    x, y = cells()
    x0, y0 = canvas.CENTRE
    turned = np.exp(error[3] + 1j * error[2]) * (x - x0 + 1j * (y - y0))
    expected = np.stack([turned.real + x0 + 0.6 - x, turned.imag + y0 - 0.4 - y], -1)
    shown = np.asarray(cast.entries.triangle[0]) >= 0
    np.testing.assert_allclose(field[shown], expected[shown], atol=2e-2)
    assert not field[~shown].any()


def test_framing_moves_the_field_and_turns_its_vectors(cast):
    plain = np.asarray(fields_of(plans(target=weights(0.1)), cast))[0]
    shifted = plans(target=weights(0.1), framing=jnp.array([[2 * canvas.CELL, 0, 0, 0]]))
    moved = np.asarray(fields_of(shifted, cast))[0]
    np.testing.assert_allclose(moved[:, 2:], plain[:, :-2], atol=1e-4)
    assert not moved[:, :2].any()
    bigger = plans(target=weights(0.1), framing=jnp.array([[0, 0, 0, np.log(1.1)]]))
    larger = np.asarray(fields_of(bigger, cast))[0]
    assert np.abs(larger).max() == pytest.approx(1.1 * np.abs(plain).max(), rel=0.05)


def test_views_agree_with_the_place_of_the_still_eyes(cast):
    still = jax.tree.map(lambda leaf: leaf[0], plans())
    seen = jax.device_get(jax.jit(view)(still, cast))
    exact = view(jax.device_get(still), jax.device_get(cast))
    for shown, bound in ((seen, 1e-3), (exact, 1e-9)):
        corners = shown.cameras()[0].project(np.asarray(cast.anchors[0, :4]))
        np.testing.assert_allclose(corners.reshape(2, 2, 2).mean(1), canvas.EYES, atol=bound)


@pytest.mark.slow
def test_drawn_pairs_reach_their_peak_and_run_inside_a_jitted_step(cast):
    config = PairConfig.quiet()

    @jax.jit
    def step(key, cast):
        drawn = draw_plans(key, cast.entries, count=16, config=config)
        return drawn.peak_px, exact_fields(drawn, cast)

    peak, fields = step(jax.random.key(0), cast)
    assert fields.shape == (16, canvas.CELLS, canvas.CELLS, 2)
    assert fields.dtype == jnp.float32
    largest = np.linalg.norm(np.asarray(fields), axis=-1).max((1, 2))
    # Units that act together may move a place further than the strongest alone.
    # On one side alone, a unit that has no sides, such as AU17, makes half of its movement.
    assert np.all(largest > 0.45 * np.asarray(peak))
    assert np.all(largest < 2.5 * np.asarray(peak))
