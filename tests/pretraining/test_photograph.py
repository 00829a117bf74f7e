import numpy as np
import pytest

from mace.datasets.synthetic.pairs.canvas import on_cells
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.estimators import measure
from mace.errors import DataError
from mace.pretraining.photograph import astronaut, face_on_canvas, move, warp_photograph
from mace.pretraining.photograph import prototype_plans as plans_of


@pytest.fixture(scope="module")
def face():
    return astronaut()


def test_a_uniform_field_shifts_the_picture(face):
    field = np.tile(np.float32([2.0, -3.0]), (64, 64, 1))
    moved = move(face, field)
    inner = slice(10, 150)
    # A point goes to x + field(x): what is at (x, y) was at (x - 2, y + 3).
    np.testing.assert_allclose(
        moved[inner, inner], face[13:153, 8:148].astype(np.float32), atol=0.6
    )


def test_nothing_moves_without_a_field(face):
    np.testing.assert_allclose(move(face, np.zeros((64, 64, 2), np.float32)), face, atol=1e-3)


@pytest.mark.slow
def test_the_laid_motion_is_what_a_flow_estimator_finds(face):
    cast = make_cast([7], config=CastConfig.quiet())
    plans = plans_of(cast, each=1, seed=0)
    assert (plans.peak_px >= 0.999).all()
    still, moved = warp_photograph(face, cast, plans, seed=0, noise=0.0)
    found = on_cells(measure(still[:6], moved[:6], estimator="dis")).astype(np.float32)
    from mace.datasets.synthetic.pairs.field import exact_fields

    exact = np.asarray(exact_fields(plans, cast.on_device()))[:6]
    for one, two in zip(found, exact, strict=True):
        assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.9


def test_a_picture_without_a_face_is_refused():
    with pytest.raises(DataError, match="no face"):
        face_on_canvas(np.full((200, 200), 90, np.uint8))
