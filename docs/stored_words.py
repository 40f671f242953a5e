"""Which rows of a stored run docs/stored_tables.py shows, and what it calls them."""

HEADLINES = {
    "mnist.fig6.confidence": "f1's median confidence after 4 → 5 (Fig. 6; range of 95 % of the "
    "examples)",
    "table1.svae.0.2510": "Type I examples detected (Table I, zeta 0.2510)",
    "table1.clean.0.2510": "clean digits rejected (Table I, zeta 0.2510)",
    "table1.cw_l2.0.9353": "CW-L2 examples detected (Table I, zeta 0.9353)",
    "alp.type2_accuracy": "accuracy on old Type II examples after logit pairing (IV-D)",
    "alp.type1_accuracy": "accuracy on old Type I examples after logit pairing (IV-D)",
    "faces.success_rate": "true success of `paper` on FaceNet, CelebA in half size (IV-B)",
    "beyond.mnist.paper.mlp.true_success": "attack `paper`, MLP: f1 keeps its label, the oracle "
    "sees another class",
    "beyond.mnist.paper.mlp.clean_success": "the same, and the image clearly shows it and "
    "resembles clean digits (clean success)",
    "beyond.mnist.ours.mlp.clean_success": "attack `ours` (modified), MLP: clean success",
    "beyond.mnist.ours_runner_up.mlp.clean_success": "attack `ours_runner_up`, which chooses its "
    "target class, MLP: clean success",
    "beyond.mnist.ours_runner_up.cnn.clean_success": "the same on a CNN",
    "beyond.celeba.ours_attackers.facenet.clean_success": "attack `ours_attackers` on FaceNet, "
    "CelebA in half size: clean success",
}
TARGETS = {"mlp": "MLP", "lenet": "LeNet", "cnn": "CNN"}
ATTACKS = (
    *("paper", "paper_schedule", "ours", "ours_runner_up", "ours_adaptive"),
    *("real_target", "level_set", "diffusion", "invariance_linf", "invariance_l0"),
)
PAPER = {"lenet": "paper_lenet", "cnn": "paper_cnn"}  # entries of `paper` by target
SHOWN = ("true", "clear", "clean", "found")
TABLE1 = {
    **{"clean": "clean", "fgsm": "FGSM", "deepfool": "DeepFool", "cw_l2": "CW-L2", "ead": "EAD"},
    "svae": "Type I",
}
SPREAD = (  # rows without a published number whose spread is shown
    *(f"beyond.mnist.paper.mlp.{what}_success" for what in ("true", "clear", "clean")),
    *(f"beyond.mnist.ours.{target}.clean_success" for target in TARGETS),
    *(f"beyond.mnist.ours_runner_up.{target}.clean_success" for target in TARGETS),
    "beyond.strengthening.lenet_alp.type1_fresh",
)
ZETAS = ("0.2510", "0.6089", "0.9353")
VERDICTS = ("reproduced", "inconsistent as stated", "not reproduced", "not run")
SIGNS = {"reproduced": "**{}**", "inconsistent as stated": "*{}*"}
NETWORKS = {
    "lenet": "LeNet",
    "lenet_alp": "logit pairing",
    "lenet_alp_mosbach": "pairing without adversarial labels (Mosbach et al.)",
    "lenet_type1": "retrained on Type I examples",
}
ACCURACIES = {
    "clean": "clean",
    **{"type1_old": "Type I, old", "type1_fresh": "Type I, fresh"},
    **{"pgd_old": "PGD, old", "pgd_fresh": "PGD, fresh"},
}
PAIRS = {
    "mean_distance": "mean distance",
    "same_person.paper": "one person at 1.242",
    "correlation": "correlation with the published distances",
    "table2.clean.3x3": "Table II, clean, 3x3",
    "table2.clean.5x5": "Table II, clean, 5x5",
    "table2.svae.3x3": "Table II, Type I, 3x3",
    "table2.svae.5x5": "Table II, Type I, 5x5",
}
FACE_VARIANTS = (
    *("paper", "sm", "ours", "ours_latent", "ours_detail", "ours_attackers"),
    *("transition", "reconstruction"),
)
