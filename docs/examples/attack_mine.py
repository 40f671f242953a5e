"""Train my_net.py, attack it and judge the result; run in the repository after ./reproduce."""

from dataclasses import fields
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import yaml
from my_net import build
from safetensors.torch import save_file

from typeone.api import type1
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.digits import read_digits
from typeone.evaluation.panels import load_panel
from typeone.models.classifiers import load_classifier
from typeone.models.density import load_density
from typeone.models.svae import load_svae

# train your network
torch.manual_seed(0)
images, labels = read_digits("results/data/mnist/train.parquet")  # (N, 1, 28, 28) in [0, 1]
net = build()
optimiser = torch.optim.Adam(net.parameters(), lr=0.002)
for _ in range(2):
    for rows in torch.randperm(len(images)).split(64):
        loss = torch.nn.functional.cross_entropy(net(images[rows]), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
net.eval()
save_file(net.state_dict(), "my_net.safetensors")

# attack digits that it classifies correctly with variant `ours`
images, labels = read_digits("results/data/mnist/test.parquet")
with torch.no_grad():
    right = net(images).argmax(dim=1) == labels
images, labels = images[right][:16], labels[right][:16]
variant = yaml.safe_load(Path("results/config.yaml").read_text())["attacks"]["ours"]
known = {field.name for field in fields(SvaeAttackSettings)}
result = type1(
    net,
    load_svae("results/mnist/svae/seed1/stage2.safetensors"),
    images,
    labels,
    SvaeAttackSettings(**{key: value for key, value in variant.items() if key in known}),
    attackers=[
        load_classifier(path)
        for path in sorted(Path("results").glob("mnist/attackers/*/*.safetensors"))
        if path.parent.name != "density"
    ],
    density=load_density("results/mnist/attackers/density/model.safetensors"),
)

# judge the attacked images, as stored in 8 bits
judges = Path("results").glob("mnist/oracle/*/model.safetensors")
seen = load_panel(judges).verdict(result.images, clear_confidence=0.9)
changed = seen.label != labels
print(f"your network keeps {result.kept.sum()} of {len(labels)} labels")
print(f"the judges see another digit in {(result.kept & changed).sum()} of these")

# draw each digit, and below it the attacked digit with the label that the judges see
figure, grid = plt.subplots(2, len(labels), figsize=(len(labels) * 0.6, 1.6))
for column, before, after, digit in zip(grid.T, images, result.images, seen.label, strict=True):
    for axes, image in zip(column, (before, after), strict=True):
        axes.imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
        axes.axis("off")
    column[1].set_title(int(digit), fontsize=8)
figure.savefig("my_net.png", dpi=150)
