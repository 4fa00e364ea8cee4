"""Published sets made small: folders and names as released, pictures of noise, twelve of each."""

import numpy as np
from PIL import Image

from edgewise.vision.data.cvc import STARTS

GLANDS = (13, 1, 4, 15, 2, 18, 35, 41, 22, 8, 5, 12)
"""Pictures of GlaS of twelve patients."""
COUNT = 12


def noise(seed, channels=3):
    """A picture of 32 x 40 of grey or colour, unlike any of another seed."""
    cells = np.random.default_rng(seed).integers(0, 256, (4, 5, channels), dtype=np.uint8)
    return np.kron(cells, np.ones((8, 8, 1), np.uint8)).squeeze()


def blob(seed, full=255):
    """A mask of 32 x 40 with a rectangle at a place of its own."""
    mask = np.zeros((32, 40), np.uint8)
    top, left = np.random.default_rng(seed).integers(4, 14, 2)
    mask[top : top + 12, left : left + 14] = full
    return mask


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def cvc(root, kind="tif"):
    for number in range(COUNT):
        write(root / f"Original/{STARTS[number]}.{kind}", noise(number))
        write(root / f"Ground Truth/{STARTS[number]}.{kind}", blob(number))


def cvc_of_kaggle(root):
    cvc(root / "PNG", "png")
    cvc(root / "TIF", "tif")
    (root / "metadata.csv").write_text("frame_id,sequence_id\n1,1\n")


def kvasir(root):
    for number in range(COUNT):
        write(root / f"images/cju{number:02d}.jpg", noise(number))
        write(root / f"masks/cju{number:02d}.jpg", np.repeat(blob(number)[..., None], 3, -1))
    (root / "kavsir_bboxes.json").write_text("{}")


def dsb2018(root):
    for number in range(COUNT):
        at = root / f"stage1_train/{number:02d}ab"
        write(at / f"images/{number:02d}ab.png", np.dstack([noise(number), np.full((32, 40), 255, np.uint8)]))
        left, right = blob(number), blob(number)
        left[:, 16:], right[:, :18] = 0, 0
        write(at / "masks/c0.png", left)
        write(at / "masks/c1.png", right)
        write(root / f"stage1_test/{number:02d}cd/images/{number:02d}cd.png", noise(90 + number))
    (root / "stage1_train_labels.csv").write_text("ImageId,EncodedPixels\n")


def drive(root):
    numbers = [("training", f"{n}_training", n) for n in range(21, 29)] + [
        ("test", f"{n:02d}_test", n) for n in range(1, 5)
    ]
    field = np.zeros((32, 40), np.uint8)
    field[2:-2, 4:-4] = 255
    for part, name, number in numbers:
        write(root / f"{part}/images/{name}.tif", noise(number))
        write(root / f"{part}/1st_manual/{number:02d}_manual1.gif", blob(number))
        write(root / f"{part}/mask/{name}_mask.gif", field)
        if part == "test":
            write(root / f"{part}/2nd_manual/{number:02d}_manual2.gif", blob(number + 50))


def chase(root):
    for child in range(1, 7):
        for side in "LR":
            name = f"Image_{child:02d}{side}"
            write(root / f"{name}.jpg", noise(2 * child + (side == "R")))
            write(root / f"{name}_1stHO.png", blob(child) > 0)
            write(root / f"{name}_2ndHO.png", blob(child + 50) > 0)


def glas(root):
    for number in GLANDS:
        write(root / f"train_{number}.bmp", noise(number))
        write(root / f"train_{number}_anno.bmp", blob(number, 1) + 6 * (blob(number + 50, 1) & ~blob(number, 1)))
    rows = "\n".join(f"train_{number}, {row}, benign, adenomatous" for row, number in enumerate(GLANDS))
    (root / "Grade.csv").write_text(f"name, patient ID, grade (GlaS), grade (Sirinukunwattana et al. 2015)\n{rows}\n")


def busi(root):
    for number in range(1, 7):
        for kind in ("benign", "malignant"):
            seed = number + 10 * (kind == "benign")
            write(root / f"{kind}/{kind} ({number}).png", noise(seed))
            write(root / f"{kind}/{kind} ({number})_mask.png", blob(seed) > 0)
    write(root / "benign/benign (1)_mask_1.png", blob(77) > 0)
    write(root / "normal/normal (1).png", noise(99))
    write(root / "normal/normal (1)_mask.png", np.zeros((32, 40), bool))


def busi_mirrored(root):
    for number in range(1, 7):
        for kind in ("benign", "malignant"):
            seed = number + 10 * (kind == "benign")
            write(root / f"{kind}/images/{kind} ({number}).png", noise(seed))
            write(root / f"{kind}/masks/{kind} ({number})_mask.png", blob(seed) > 0)


def tree(root):
    for part, numbers in (("train", range(7)), ("val", range(7, 9)), ("test", range(9, 12))):
        for number in numbers:
            write(root / f"{part}/images/{number}.jpg", noise(number))
            write(root / f"{part}/masks/{number}.png", blob(number))


FORMS = {
    "CVC-ClinicDB of the challenge": (cvc, "cvc", "grouped"),
    "CVC-ClinicDB of Kaggle": (cvc_of_kaggle, "cvc", "grouped"),
    "Kvasir-SEG": (kvasir, "kvasir", "published"),
    "DSB2018": (dsb2018, "dsb2018", "published"),
    "DRIVE": (drive, "drive", "sides"),
    "CHASE_DB1": (chase, "chase", "grouped"),
    "GlaS": (glas, "glas", "grouped"),
    "BUSI": (busi, "busi", "published"),
    "BUSI of mirrors": (busi_mirrored, "busi", "published"),
    "train, val, test": (tree, "folder", "sides"),
}
"""What writes each form, the name of the dataset, and how it is divided."""
