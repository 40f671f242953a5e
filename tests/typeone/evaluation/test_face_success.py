"""Success against a recognizer is counted as IV-B says: same person, other gender, still a face."""

import numpy as np

from typeone.evaluation.face_success import type1_rates, type2_rates
from typeone.evaluation.success import recognizer_success

THRESHOLDS = {"paper": 1.2, "squared": 1.0, "far": 0.5}
# eight women that were to become men: distance, what the judges see, whether it is a face, whether
# it is clear to them, and what f2 sees in the image and in the latent
ROWS = {
    "position": np.arange(8),
    "label": np.zeros(8, int),
    "target_label": np.ones(8, int),
    "distance": np.array([0.4, 0.9, 1.1, 1.2, 1.21, 0.4, 0.4, 2.0]),
    "judge_label": np.array([1, 1, 1, 1, 1, 0, 1, 0]),
    "shows_class": np.array([1, 1, 1, 1, 1, 1, 0, 1], bool),
    "judge_clear": np.array([1, 0, 1, 0, 1, 1, 0, 1], bool),
    "f2_image_label": np.array([1, 0, 0, 0, 1, 1, 1, 1]),
    "f2_latent_label": np.ones(8, int),
}
ROWS["noisy"] = np.array([0, 1, 0, 0, 0, 0, 0, 1], bool)
ROWS["blurred"] = np.array([1, 1, 0, 0, 0, 0, 1, 0], bool)
ROWS["gender_changed"] = np.array([1, 1, 1, 1, 1, 0, 0, 0], bool)


def test_success_needs_the_same_person_and_a_face_of_the_other_gender():
    distance = np.array([0.3, 1.2, 1.3, 0.3, 0.3])
    judged, target = np.array([1, 1, 1, 0, -1]), np.ones(5, int)  # -1: no face
    found = recognizer_success(distance, 1.2, judged, target)
    assert found.tolist() == [True, True, False, False, False]


def test_every_rate_of_algorithm_2_by_hand():
    found = {name: value for name, (value, _) in type1_rates(ROWS, THRESHOLDS, "paper").items()}
    by_hand = {
        "true_success": 4,  # the first four; 1.2 is not above the threshold
        "true_success.squared": 2,
        "true_success.far": 1,
        "clear_success": 2,
        "clean_success": 1,  # the first is blurred
        "f2_success": 3,  # 0, 5 and 6: f2 has no class "not a face"
        "same_person.paper": 6,
        "same_person.squared": 4,
        "same_person.far": 3,
        "gender_changed": 5,
        "f2_latent": 8,
        "still_a_face": 7,
        "noisy": 2,
        "blurred": 3,
    }
    assert {name: (value.value, value.n) for name, value in found.items()} == {
        name: (count / 8, 8) for name, count in by_hand.items()
    }


def test_noise_keeps_the_gender_and_loses_the_person():
    found = {name: value.value for name, (value, _) in type2_rates(ROWS, THRESHOLDS).items()}
    # two are still women; the seventh is no face
    assert found == {
        "same_person.paper": 6 / 8,
        "same_person.squared": 4 / 8,
        "same_person.far": 3 / 8,
        "gender_kept": 2 / 8,
        "still_a_face": 7 / 8,
        "noisy": 2 / 8,
        "blurred": 3 / 8,
    }
