"""A small folder in CelebA's official layout, of drawn faces, for tests."""

import zipfile

import numpy as np
import torch
from PIL import Image

from typeone.data.face_traits import draw_identities, draw_views
from typeone.data.synthetic_faces import render
from typeone.runtime.devices import seeded

ATTRIBUTES = ("5_o_Clock_Shadow", "Male", "Young")


def write_celeba(folder, *, people=40, images=4, zipped=False):
    """Write the layout; returns (file, label, identity, partition) of every image.

    Women and men take turns. Of each twenty people sixteen are in the train partition, a woman and
    a man in validation, another two in test.
    """
    identities, labels = draw_identities(people, seeded(1))
    count = people * images
    who = torch.arange(count) % people
    faces = torch.cat(list(render(identities.rows(who), draw_views(count, seeded(2)))))
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    pictures = folder / "img_align_celeba"
    pictures.mkdir()
    for i, face in enumerate(faces):
        small = Image.fromarray((face.permute(1, 2, 0).numpy() * 255).astype(np.uint8))
        picture = Image.new("RGB", (178, 218), (90, 90, 90))
        picture.paste(small.resize((148, 148), Image.BICUBIC), (15, 40))
        picture.save(pictures / f"{i + 1:06d}.jpg", quality=95)
        partition = {8: 1, 9: 2}.get(int(who[i]) // 2 % 10, 0)
        rows.append((f"{i + 1:06d}.jpg", int(labels[who[i]]), 100 + int(who[i]), partition))
    attributes = [f"{name} -1 {' 1' if label else '-1'}  1" for name, label, *_ in rows]
    head = [str(count), " ".join(ATTRIBUTES) + " "]
    (folder / "list_attr_celeba.txt").write_text("\n".join([*head, *attributes]) + "\n")
    for file, column in (("list_eval_partition.txt", 3), ("identity_CelebA.txt", 2)):
        (folder / file).write_text("".join(f"{row[0]} {row[column]}\n" for row in rows))
    if zipped:
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as package:
            for file in sorted(pictures.iterdir()):
                package.write(file, f"img_align_celeba/{file.name}")
                file.unlink()
        pictures.rmdir()
    return rows
