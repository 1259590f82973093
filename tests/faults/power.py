"""A machine that loses its power: what a process wrote and did not sync is gone.

Stands in for a file system that does so. A library of a few lines of C, put before the process's own (LD_PRELOAD),
copies a file of the watched folder to a second folder whenever the process syncs it. After the process was killed, the
files of that second folder are what a disk would have kept at worst: each as of its last sync, and none that was never
synced. A file that was removed is gone with the next sync of any other, as on the journaling file systems of Linux.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_SHIM = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keep(int synced) {
    char link[64], path[4096], copy[8192], block[65536];
    const char *watched = getenv("POWER_WATCHED"), *kept = getenv("POWER_KEPT");
    snprintf(link, sizeof link, "/proc/self/fd/%d", synced);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!watched || !kept || length < 0) return;
    path[length] = 0;
    size_t folder = strlen(watched);
    if (strncmp(path, watched, folder) || path[folder] != '/' || strchr(path + folder + 1, '/')) return;
    snprintf(copy, sizeof copy, "%s/%s", kept, path + folder + 1);
    int from = open(path, O_RDONLY), to = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t got;
    while (from >= 0 && to >= 0 && (got = read(from, block, sizeof block)) > 0)
        if (write(to, block, got) != got) abort();
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    DIR *all = opendir(kept);
    for (struct dirent *one; all && (one = readdir(all));) {
        snprintf(path, sizeof path, "%s/%s", watched, one->d_name);
        snprintf(copy, sizeof copy, "%s/%s", kept, one->d_name);
        if (access(path, F_OK)) unlink(copy);
    }
    if (all) closedir(all);
}

int fsync(int file) {
    int result = ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
    if (result == 0) keep(file);
    return result;
}

int fdatasync(int file) {
    int result = ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
    if (result == 0) keep(file);
    return result;
}
"""


@dataclass(frozen=True, slots=True)
class Power:
    """A folder whose files lose what was not synced, when the power fails."""

    watched: Path
    kept: Path
    library: Path

    @classmethod
    def over(cls, watched: Path, beside: Path) -> Power:
        """Watch a folder; skips the test where there is no C compiler."""
        if shutil.which("gcc") is None:
            pytest.skip("needs a C compiler to watch what is synced")
        source, library, kept = beside / "shim.c", beside / "shim.so", beside / "kept"
        source.write_text(_SHIM, encoding="ascii")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        kept.mkdir()
        return cls(watched, kept, library)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs that is to be watched."""
        return {
            "LD_PRELOAD": str(self.library),
            "POWER_WATCHED": str(self.watched.resolve()),
            "POWER_KEPT": str(self.kept),
        }

    def fail(self) -> None:
        """Let the folder's files have what was synced, and no more.

        But for locks, which are of the process: the machine itself goes on, so that nobody has to wait for a lease.
        """
        kept = {file.name: file.read_bytes() for file in self.kept.iterdir()}
        for file in self.watched.iterdir():
            if file.name not in kept and file.suffix != ".lock":
                file.unlink()
        for name, content in kept.items():
            (self.watched / name).write_bytes(content)
