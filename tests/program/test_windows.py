"""Nothing that Windows lacks is used without a look whether it is there."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sfnwatch
from sfnwatch.sources import credential_process

PACKAGE = Path(sfnwatch.__file__).parent
LACKING = {
    "os": (
        *("chown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid"),
        *("getuid", "killpg", "mkfifo", "nice", "openpty", "setpgid", "setsid"),
        *("statvfs", "sysconf", "uname", "O_CLOEXEC", "O_NOCTTY", "O_NOFOLLOW"),
        *("O_NONBLOCK", "WNOHANG"),
    ),
    "select": ("epoll", "poll"),
    "signal": (
        *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT"),
        *("SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGUSR2", "SIGWINCH"),
        *("alarm", "pthread_sigmask", "setitimer", "siginterrupt"),
    ),
}
"""The names that modules of Python's library have on POSIX alone."""
MODULES_LACKING = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
# Other people's modules are imported first: they look for themselves.
IMPORT_WITHOUT_POSIX = f"""
import importlib, pkgutil, sys
import sfnwatch

def import_all():
    for module in pkgutil.walk_packages(sfnwatch.__path__, "sfnwatch."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            yield module.name

assert len(list(import_all())) > 100
for name in [name for name in sys.modules if name.startswith("sfnwatch")]:
    del sys.modules[name]
for name, attributes in {LACKING!r}.items():
    module = importlib.import_module(name)
    for attribute in attributes:
        if hasattr(module, attribute):
            delattr(module, attribute)
for name in {MODULES_LACKING!r}:
    sys.modules[name] = None
import sfnwatch
assert len(list(import_all())) > 100
"""


def test_every_module_is_imported_without_what_windows_lacks() -> None:
    done = subprocess.run(
        (sys.executable, "-c", IMPORT_WITHOUT_POSIX),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def unguarded(function: ast.AST) -> Iterator[str]:
    """Name what a function uses that Windows lacks, unless it calls hasattr."""
    nodes = list(ast.walk(function))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    if any(isinstance(call, ast.Name) and call.id == "hasattr" for call in calls):
        return
    for node in nodes:
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        if node.attr in LACKING.get(node.value.id, ()):
            yield f"{node.value.id}.{node.attr}"


def test_no_function_uses_what_windows_lacks_without_a_look() -> None:
    used = {}
    for path in PACKAGE.rglob("*.py"):
        for statement in ast.parse(path.read_text("utf-8")).body:
            if names := list(unguarded(statement)):
                used[str(path.relative_to(PACKAGE))] = names
    assert used == {}


async def test_a_process_is_killed_where_there_are_no_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credential_process, "PROCESS_TIME", 0.1)
    monkeypatch.delattr(os, "killpg")
    with pytest.raises(ValueError, match=r"has not ended in 0\.1 s"):
        await credential_process._run(("sleep", "600"))
