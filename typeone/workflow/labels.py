"""Labels of attacks and networks in tables and figures; a name without a label is used as it is."""

ATTACK_LABELS = {
    "clean": "Clean, all test images",
    "original": "Clean, the attacked images",
    "reconstruction": "SVAE reconstruction (control)",
    "transition": "Image transition (control)",
    "fgsm": "Type II: FGSM",
    "pgd": "Type II: PGD",
    "deepfool": "Type II: DeepFool",
    "cw_l2": "Type II: CW L2",
    "ead": "Type II: EAD",
    "paper": "Type I: SVAE, paper",
    "sm": "Type I: SVAE, authors' code",
    "ours": "Type I: SVAE, ours",
    "ours_runner_up": "Type I: SVAE, ours, nearest target",
    "ours_adaptive": "Type I: SVAE, ours, adaptive",
    "nearest": "Baseline: nearest image of the class",
    "interpolation": "Baseline: interpolation in z",
    "random_latent": "Baseline: random z",
    "real_target": "Rival: nearest real digit, CW noise",
    "real_target_random": "Rival: random real digit, CW noise",
    "real_target_pgd": "Rival: nearest real digit, PGD noise",
    "level_set": "Rival: level-set traversal",
    "invariance_linf": "Rival: invariance attack, Linf",
    "invariance_l0": "Rival: invariance attack, L0",
    "diffusion": "Rival: guided diffusion",
}

FACE_LABELS = {
    "clean": "Clean",
    "paper": "Type I: SVAE, paper",
    "sm": "Type I: SVAE, authors' code",
    "ours": "Type I: SVAE, ours",
    "ours_latent": "Type I: SVAE, ours, latent only",
    "ours_detail": "Type I: SVAE, ours, detail of x kept",
    "ours_attackers": "Type I: SVAE, ours, detail of x kept, attackers",
    "reconstruction": "SVAE reconstruction (control)",
    "transition": "Image transition (control)",
    "fgsm": "Type II: FGSM",
    "pgd": "Type II: PGD",
}

AUTHORS_LABELS = {
    "authors_clean": "Clean: the authors' pairs, FaceNet",
    "authors_svae": "Type I: the authors' pairs, FaceNet",
}
"""Rows of Table II on the authors' images."""

NETWORK_LABELS = {
    "lenet": "LeNet",
    "lenet_other_seed": "LeNet, another seed",
    "lenet_alp": "LeNet, logit pairing",
    "lenet_alp_mosbach": "LeNet, pairing without adversarial labels",
    "lenet_type1": "LeNet, retrained on Type I",
}

TABLE3_LABELS = {
    "none": "not at all",
    "svae": "by Type I (SVAE)",
    "fgsm": "by FGSM",
    "pgd": "by PGD",
    "noise": "by noise",
}
