import numpy as np
import pytest

from mace.config import config_hash, from_dict, to_dict
from mace.errors import ConfigError
from mace.face.config import CropConfig, DetectorConfig, FaceConfig


def test_default_eyes_lie_where_the_contract_says():
    np.testing.assert_allclose(CropConfig().eyes, [[37.9, 46.08], [89.1, 46.08]])


@pytest.mark.parametrize("size", [64, 128, 225])
def test_eyes_are_symmetric_about_the_middle_of_the_crop(size):
    eyes = CropConfig(size=size).eyes
    assert eyes[:, 0].mean() == pytest.approx((size - 1) / 2)
    assert eyes[1, 0] - eyes[0, 0] == pytest.approx(0.4 * size)


def test_config_survives_the_way_through_json():
    config = FaceConfig(crop=CropConfig(size=96, interpolation="cubic"), landmarks=68)
    assert from_dict(FaceConfig, to_dict(config)) == config
    assert config_hash(config) != config_hash(FaceConfig())


@pytest.mark.parametrize(
    ("cls", "wrong", "says"),
    [
        (CropConfig, {"size": 8}, "crop.size is 8"),
        (CropConfig, {"eye_distance": 1.2}, "crop.eye_distance is 1.2"),
        (CropConfig, {"eye_height": 0.0}, "crop.eye_height is 0.0"),
        (DetectorConfig, {"side": 40}, "detector.side is 40"),
        (DetectorConfig, {"upscale": 0.5}, "detector.upscale is 0.5"),
        (FaceConfig, {"keyframe_frames": 0}, "face.keyframe_frames is 0"),
        (FaceConfig, {"patience": -1}, "face.patience is -1"),
    ],
)
def test_setting_out_of_range_is_named(cls, wrong, says):
    with pytest.raises(ConfigError, match=says):
        cls(**wrong)
