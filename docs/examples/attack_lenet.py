"""Attack the workflow's LeNet with Algorithm 2; run in the repository after ./reproduce."""

import torch

from typeone.attacks.criteria import KeepLabel, next_class
from typeone.attacks.svae import attack
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.digits import read_digits
from typeone.data.images import binarise
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae

svae = load_svae("results/mnist/svae/seed1/stage2.safetensors")
f1 = load_classifier("results/mnist/classifiers/lenet/seed1/model.safetensors")  # or your own
f1.eval()

images, labels = read_digits("results/data/mnist/test.parquet")  # (N, 1, 28, 28), grey in [0, 1]
with torch.no_grad():
    right = f1(images[:100]).argmax(dim=1) == labels[:100]
    images, labels = images[:100][right][:16], labels[:100][right][:16]
    latent, _ = svae.encode(binarise(images))  # the encoder learned from pixels of 0 or 1

settings = SvaeAttackSettings(  # `attacks.paper` of preset quick
    steps=1000,
    lr=0.02,
    beta2=0.98,
    alpha=0.01,
    gamma=0.0001,
    eta=0.0001,
    beta="ratio",
    target_loss=0.01,
    k_max=0.001,
    manifold="probability",
    patience=None,
)
result = attack(svae, latent, next_class(labels), settings, keep=KeepLabel(f1, labels))

with torch.no_grad():
    kept = f1(result.images).argmax(dim=1) == labels
    turned = svae.classify(result.latent_end).argmax(dim=1) == next_class(labels)
print(
    f"f1 keeps {kept.float().mean():.0%} of the labels, f2 sees {turned.float().mean():.0%} turned"
)
