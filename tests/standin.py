"""A .venv for a copy of the repository, without installing anything."""

import shutil
import sys
import sysconfig
from pathlib import Path


def make_venv(root):
    """Give ``root`` a .venv that is sound: its typeone is that of ``root``, all else ours."""
    programs = root / ".venv" / "bin"
    packages = root / ".venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    for folder in (programs, packages):
        folder.mkdir(parents=True)
    base = Path(sys._base_executable)
    alone = "include-system-site-packages = false\n"
    (root / ".venv" / "pyvenv.cfg").write_text(f"home = {base.parent}\n{alone}")
    (programs / "python").symlink_to(base)
    (programs / "typeone").touch()
    # a line a folder; .pth files in there, by which another typeone is installed, do not count
    (packages / "standin.pth").write_text(f"{root}\n{sysconfig.get_path('purelib')}\n")
    shutil.copy(root / "requirements.lock", root / ".venv" / "installed")
