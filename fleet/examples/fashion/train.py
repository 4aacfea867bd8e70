#!/usr/bin/env python3
"""Trains a ResNet-8 on Fashion-MNIST and exports it as ONNX, operator set 13.

    apt-get install dataset-fashion-mnist python3-torch python3-numpy
    python3 train.py --out my_resnet8.onnx                  # 40 epochs
    python3 train.py --out quick.onnx --epochs 1            # to see that it runs

This is the recipe with which a model like fashion_resnet8.onnx can be made; it is not bit-exact (MODEL_CARD.md). It
prints the accuracy on the 10,000 test images once, at the end; nothing is chosen by it. `edgefleet evaluate` measures
again, in the runtime that the devices use. Works with PyTorch 1.13 and later.
"""

import argparse
import gzip
import inspect
import random
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

MEAN, STD = 0.286, 0.353  # of the training images; dataset.yaml says the same to edgefleet
CLASSES = 10


def read_idx(path: Path) -> np.ndarray:
    """MNIST's format: two zero bytes, a type (8 is unsigned byte), the number of dimensions, the dimensions, the values."""
    raw = gzip.open(path).read()
    if raw[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not an IDX file of bytes")
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def load(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    x = (torch.from_numpy(images.astype(np.float32)) / 255 - MEAN) / STD
    return x[:, None], torch.from_numpy(labels.astype(np.int64))


class Block(nn.Module):
    """Two 3x3 convolutions, the first with stride 2, and a 1x1 convolution around them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.an = nn.BatchNorm2d(outputs)
        self.b = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.k = nn.Conv2d(inputs, outputs, 1, 2, 0, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.an(self.a(x)))
        return functional.relu(self.bn(self.b(y)) + self.k(x))


class ResNet8(nn.Module):
    """28x28 → 16 channels → 14x14x16 → 7x7x32 → 4x4x64 → mean → 10 scores; 77,000 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.n = nn.BatchNorm2d(16)
        self.l = nn.ModuleList([Block(16, 16), Block(16, 32), Block(32, 64)])
        self.h = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.n(self.c(x)))
        for block in self.l:
            x = block(x)
        return self.h(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def augment(x: torch.Tensor) -> torch.Tensor:
    """Half of the images mirrored, each batch moved by up to two pixels."""
    flip = torch.rand(len(x)) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    shift = tuple(torch.randint(-2, 3, (2,)).tolist())
    # What moves in is background: a pixel of 0 after normalisation.
    padded = functional.pad(x, (2, 2, 2, 2), value=-MEAN / STD)
    return padded[:, :, 2 + shift[0]:30 + shift[0], 2 + shift[1]:30 + shift[1]]


def accuracy(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad():
        right = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in zip(x.split(1000), y.split(1000)))
    return right / len(y)


def export(model: nn.Module, path: Path) -> None:
    """In evaluation mode the exporter folds the normalisations into the convolutions."""
    model.eval()
    options = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(
        model, (torch.zeros(1, 1, 28, 28),), str(path), opset_version=13, input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}}, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1, help="highest learning rate of the cycle")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.data.exists():
        raise SystemExit(f"'{arguments.data}' does not exist: apt-get install dataset-fashion-mnist, or name a folder with --data")

    random.seed(arguments.seed)
    np.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    x, y = load(arguments.data, "train")
    model = ResNet8()
    optimizer = torch.optim.SGD(model.parameters(), lr=arguments.rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = (len(x) + arguments.batch - 1) // arguments.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.rate, epochs=arguments.epochs, steps_per_epoch=steps)
    for epoch in range(arguments.epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(arguments.batch):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(augment(x[rows])), y[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        print(f"epoch {epoch + 1} of {arguments.epochs}: loss {total / len(x):.4f}", flush=True)

    export(model, arguments.out)
    print(f"{arguments.out}: test accuracy {accuracy(model, *load(arguments.data, 't10k')):.4f}")


if __name__ == "__main__":
    main()
